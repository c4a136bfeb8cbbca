package io.vnet.actors.memory;

import io.vnet.api.backend.BackendListener;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.device.DeviceId;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.DriverKind;
import io.vnet.api.epoch.Epoch;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.Island;
import io.vnet.api.port.PortLedger;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The backend of an in-memory device: two rings between its handle and its network end.
 *
 * <p><b>Threads:</b> the handle's receiver consumes {@code outbound} and its sender produces into
 * {@code inbound}, the network end's the other way round; each side is let in by its port, one
 * thread a direction. Life-cycle calls come from the softc's actor.
 *
 * <p><b>A batch costs</b> one copy into the ring and one out of it, a release store and an acquire
 * load a packet, a full fence a batch to see whether the other side waits; no system call, no
 * allocation. A thread hop only where the other side is asleep.
 */
public final class MemoryBackend implements DeviceBackend {
  private static final int LINK_HEADER_BYTES = 18;
  private static final int LONGEST_BYTES = 65535;

  private final DeviceId device;
  private final int mtu;
  private final boolean up;
  private final DeviceSpec.Overflow overflow;
  private final Epoch epoch;
  private final PacketRing outbound;
  private final PacketRing inbound;
  private final AtomicReference<@Nullable MemoryNetworkEnd> networkEnd = new AtomicReference<>();
  private volatile @Nullable BackendListener listener;
  private volatile boolean linkUp;
  private volatile boolean wasOpen;
  private volatile boolean detached;
  private volatile PortLedger lastNetworkLedger = new PortLedger();

  /**
   * @param device whose backend this is
   * @param spec MTU, queue bound, up or down
   * @param epoch of the host
   * @param slabs memory for the rings, taken when the first packet needs it
   */
  public MemoryBackend(DeviceId device, DeviceSpec spec, Epoch epoch, SlabPool slabs) {
    this.device = device;
    this.mtu = spec.mtu();
    this.up = spec.up();
    this.overflow = spec.overflow();
    this.epoch = epoch;
    this.outbound = new PacketRing(slabs, spec.queuePackets());
    this.inbound = new PacketRing(slabs, spec.queuePackets());
  }

  /**
   * Takes the network end; exclusive until it is closed.
   *
   * @throws VnetException EBUSY: taken; ENXIO: the device is going
   */
  public MemoryNetworkEnd attach() {
    MemoryNetworkEnd end = new MemoryNetworkEnd(this, epoch);
    if (!networkEnd.compareAndSet(null, end)) {
      end.revoke(Errno.EBUSY, "the network end is taken");
      throw new VnetException(
          "attach", device + "/network", Errno.EBUSY, "the network end is taken", "close it first");
    }
    lastNetworkLedger = end.ledger();
    if (detached) {
      revokeNetworkEnd(Errno.ENXIO, "the device was destroyed");
      throw new VnetException(
          "attach", device.toString(), Errno.ENXIO, "the device was destroyed", "");
    }
    return end;
  }

  /** Takes the network end away from its user, for good. */
  public void revokeNetworkEnd(Errno errno, String reason) {
    detached = true;
    MemoryNetworkEnd end = networkEnd.get();
    if (end != null) {
      end.revoke(errno, reason);
    }
  }

  void networkEndClosed(MemoryNetworkEnd end) {
    end.ledger().dropped(DropReason.FLUSHED_AT_CLOSE, inbound.discard());
    networkEnd.compareAndSet(end, null);
    afterNetworkReceive();
  }

  DeviceId device() {
    return device;
  }

  Layer layer() {
    return device.name().driver().layer();
  }

  @Override
  public String interfaceName() {
    return device.toString();
  }

  @Override
  public int mtu() {
    return mtu;
  }

  @Override
  public Optional<Island> island() {
    return Optional.empty();
  }

  @Override
  public boolean blocking() {
    return false;
  }

  @Override
  public void start(BackendListener newListener) {
    listener = newListener;
  }

  @Override
  public void linkUp() {
    if (device.name().driver() != DriverKind.VMNET) {
      // A send that saw the link up just before the last close may have come after the flush.
      lastNetworkLedger.dropped(DropReason.FLUSHED_AT_CLOSE, outbound.discard());
    }
    wasOpen = true;
    linkUp = true;
  }

  @Override
  public void linkDown(PortLedger ledger) {
    linkUp = false;
    if (device.name().driver() != DriverKind.VMNET) {
      ledger.dropped(DropReason.FLUSHED_AT_CLOSE, outbound.discard());
      afterReceive();
    }
  }

  @Override
  public int receive(PacketBatch into, PortLedger ledger) {
    return drain(outbound, into, ledger);
  }

  @Override
  public int send(PacketBatch batch, int from, PortLedger ledger) {
    MemoryNetworkEnd end = networkEnd.get();
    if (end == null || !end.isOpen()) {
      return dropRest(batch, from, ledger, DropReason.NOT_ATTACHED);
    }
    if (!up) {
      return dropRest(batch, from, ledger, DropReason.INTERFACE_DOWN);
    }
    return produce(inbound, batch, from, ledger, DeviceSpec.Overflow.BACK_PRESSURE);
  }

  /** The network end's receive: what the handle sent. */
  int networkReceive(PacketBatch into, PortLedger ledger) {
    return drain(inbound, into, ledger);
  }

  /** The network end's send: what the handle will receive. */
  int networkSend(PacketBatch batch, int from, PortLedger ledger) {
    if (!up) {
      return dropRest(batch, from, ledger, DropReason.INTERFACE_DOWN);
    }
    if (!linkUp && device.name().driver() != DriverKind.VMNET) {
      return dropRest(batch, from, ledger, DropReason.NOT_OPEN);
    }
    return produce(outbound, batch, from, ledger, overflow);
  }

  @Override
  public void afterSend() {
    MemoryNetworkEnd end = networkEnd.get();
    if (inbound.takeConsumerWait() && end != null) {
      end.signalReadable();
    }
  }

  @Override
  public void afterReceive() {
    MemoryNetworkEnd end = networkEnd.get();
    if (outbound.takeProducerWait() && end != null) {
      end.signalWritable();
    }
  }

  void afterNetworkSend() {
    BackendListener handle = listener;
    if (outbound.takeConsumerWait() && handle != null) {
      handle.readable();
    }
  }

  void afterNetworkReceive() {
    BackendListener handle = listener;
    if (inbound.takeProducerWait() && handle != null) {
      handle.writable();
    }
  }

  @Override
  public void quiesce(Runnable done) {
    done.run();
  }

  @Override
  public void release(PortLedger ledger) {
    // Frames that a vmnet kept for a first open have no handle whose counters could show them.
    (wasOpen ? ledger : lastNetworkLedger).dropped(DropReason.DEVICE_DESTROYED, outbound.discard());
    MemoryNetworkEnd end = networkEnd.get();
    int undelivered = inbound.discard();
    (end == null ? ledger : end.ledger()).dropped(DropReason.DEVICE_DESTROYED, undelivered);
    outbound.release();
    inbound.release();
  }

  private static int drain(PacketRing ring, PacketBatch into, PortLedger ledger) {
    int before = into.count();
    int moved = ring.drainTo(into);
    if (moved == 0) {
      // Whatever the first look missed came before the flag or sees it; nothing may be asked
      // between.
      ring.consumerWaits(true);
      moved = ring.drainTo(into);
      if (moved > 0) {
        ring.consumerWaits(false);
      }
    }
    if (moved > 0) {
      long bytes = 0;
      for (int i = before; i < before + moved; i++) {
        bytes += into.length(i);
      }
      ledger.received(moved, bytes);
    }
    return moved;
  }

  private int produce(
      PacketRing ring,
      PacketBatch batch,
      int from,
      PortLedger ledger,
      DeviceSpec.Overflow whenFull) {
    int longest = Math.min(LONGEST_BYTES, mtu + (layer() == Layer.L2 ? LINK_HEADER_BYTES : 0));
    int next = from;
    long passed = 0;
    long bytes = 0;
    for (; next < batch.count(); next++) {
      int length = batch.length(next);
      if (length > longest) {
        ledger.dropped(DropReason.TOO_LONG, 1);
        continue;
      }
      boolean queued =
          whenFull == DeviceSpec.Overflow.BACK_PRESSURE
              ? offerOrWait(ring, batch, next)
              : ring.offer(batch.segment(), batch.offset(next), length);
      if (!queued) {
        if (whenFull == DeviceSpec.Overflow.BACK_PRESSURE) {
          break;
        }
        ledger.dropped(DropReason.QUEUE_FULL, 1);
        continue;
      }
      passed++;
      bytes += length;
    }
    ledger.sent(passed, bytes);
    return next - from;
  }

  private static boolean offerOrWait(PacketRing ring, PacketBatch batch, int i) {
    if (ring.offer(batch.segment(), batch.offset(i), batch.length(i))) {
      return true;
    }
    ring.producerWaits(true);
    if (!ring.offer(batch.segment(), batch.offset(i), batch.length(i))) {
      return false;
    }
    ring.producerWaits(false);
    return true;
  }

  private static int dropRest(PacketBatch batch, int from, PortLedger ledger, DropReason reason) {
    int rest = batch.count() - from;
    ledger.dropped(reason, rest);
    return rest;
  }
}
