package io.vnet.actors.memory;

import io.vnet.actors.core.InterfaceRules;
import io.vnet.api.backend.BackendListener;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.device.DeviceId;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.DriverKind;
import io.vnet.api.device.Framing;
import io.vnet.api.device.InterfaceCounters;
import io.vnet.api.device.InterfaceState;
import io.vnet.api.epoch.Epoch;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.Island;
import io.vnet.api.port.PortLedger;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The backend of an in-memory device: two rings between its handle and its network end.
 *
 * <p><b>Rules</b> of what passes and what is counted: if_tuntap specification, section 7, with the
 * interface as {@link #configure} left it. Packets of the network's that are longer than the MTU
 * are dropped, as no IP stack that would fragment them is between. Packets that are not finished
 * are dropped both ways: an offload word does not travel through a ring.
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
  private static final int ETHERNET_HEADER_BYTES = 14;
  private static final int LONGEST_BYTES = 65535;
  private static final int MAC_BITS = 48;
  private static final ValueLayout.OfLong BIG_ENDIAN_LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  private final DeviceId device;
  private volatile InterfaceState network;
  private final DeviceSpec.Overflow overflow;
  private final Epoch epoch;
  private final PacketRing outbound;
  private final PacketRing inbound;
  private final InterfaceLedger interfaceLedger = new InterfaceLedger();
  private final AtomicReference<@Nullable MemoryNetworkEnd> networkEnd = new AtomicReference<>();
  private volatile @Nullable BackendListener listener;
  private volatile boolean linkUp;
  private volatile boolean wasOpen;
  private volatile boolean detached;
  private volatile @Nullable PortLedger lastNetworkLedger;

  /**
   * @param device whose backend this is
   * @param spec MTU, queue bound, up or down
   * @param epoch of the host
   * @param slabs memory for the rings, taken when the first packet needs it
   */
  public MemoryBackend(DeviceId device, DeviceSpec spec, Epoch epoch, SlabPool slabs) {
    this.device = device;
    this.network = InterfaceRules.created(device.name(), spec.mtu(), spec.up());
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
    return network.mtu();
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
      int late = outbound.discard();
      PortLedger sender = lastNetworkLedger;
      if (sender != null) {
        sender.dropped(DropReason.FLUSHED_AT_CLOSE, late);
      }
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
  public void configure(InterfaceState state) {
    network = state;
  }

  @Override
  public InterfaceCounters interfaceCounters() {
    return interfaceLedger.snapshot();
  }

  @Override
  public long queuedPackets() {
    return outbound.queued();
  }

  @Override
  public int nextPacketBytes() {
    return outbound.firstLength();
  }

  @Override
  public int discardQueued() {
    int dropped = outbound.discard();
    if (dropped > 0) {
      afterReceive();
    }
    return dropped;
  }

  @Override
  public int receive(PacketBatch into, PortLedger ledger) {
    return drain(outbound, into, ledger);
  }

  @Override
  public int send(PacketBatch batch, int from, PortLedger ledger) {
    InterfaceState state = network;
    if (!state.up()) {
      return dropRest(batch, from, ledger, DropReason.INTERFACE_DOWN);
    }
    MemoryNetworkEnd end = networkEnd.get();
    boolean attached = end != null && end.isOpen();
    int next = from;
    long passed = 0;
    long bytes = 0;
    try {
      for (; next < batch.count(); next++) {
        int head =
            layer() == Layer.L3 && state.framing() == Framing.FAMILY ? Framer.FAMILY_BYTES : 0;
        DropReason refusal = inputRefusal(state, batch, next, head);
        int length = batch.length(next) - head;
        if (refusal == null && attached) {
          if (!offerOrWait(inbound, batch, next, head)) {
            break;
          }
          passed++;
          bytes += batch.length(next);
        } else {
          ledger.dropped(refusal == null ? DropReason.NOT_ATTACHED : refusal, 1);
        }
        if (refusal == null || refusal == DropReason.MONITORED) {
          interfaceLedger.in(length, layer() == Layer.L2 && isGroup(batch, next));
        }
      }
    } catch (VnetException e) {
      if (next == from) {
        interfaceLedger.inError();
        throw noMemory(device.toString(), e);
      }
    }
    ledger.sent(passed, bytes);
    return next - from;
  }

  /** Why the network does not get what the handle wrote; null: it does. */
  private @Nullable DropReason inputRefusal(
      InterfaceState state, PacketBatch batch, int i, int head) {
    int length = batch.length(i);
    if (batch.offload(i) != 0) {
      return DropReason.NOT_OFFLOADED;
    }
    if (length > LONGEST_BYTES + head) {
      return DropReason.TOO_LONG;
    }
    if (layer() == Layer.L3) {
      // Without a family word the packet is taken for IP and not looked at.
      if (head == 0) {
        return null;
      }
      if (length <= head) {
        return DropReason.TOO_SHORT;
      }
      int family = Framer.readFamily(batch.segment(), batch.offset(i));
      return family == Framer.AF_INET || family == Framer.AF_INET6 ? null : DropReason.WRONG_FAMILY;
    }
    if (length < ETHERNET_HEADER_BYTES) {
      return DropReason.TOO_SHORT;
    }
    if (!state.promiscuous() && !isGroup(batch, i) && !isForUs(state, batch, i)) {
      return DropReason.FILTERED;
    }
    return state.monitor() ? DropReason.MONITORED : null;
  }

  private static boolean isGroup(PacketBatch batch, int i) {
    return (batch.segment().get(ValueLayout.JAVA_BYTE, batch.offset(i)) & 1) != 0;
  }

  private static boolean isForUs(InterfaceState state, PacketBatch batch, int i) {
    long destination =
        batch.segment().get(BIG_ENDIAN_LONG, batch.offset(i)) >>> (Long.SIZE - MAC_BITS);
    return state.mac().isPresent() && state.mac().get().bits() == destination;
  }

  /** The network end's receive: what the handle sent. */
  int networkReceive(PacketBatch into, PortLedger ledger) {
    return drain(inbound, into, ledger);
  }

  /** The network end's send: what the handle will receive. */
  int networkSend(PacketBatch batch, int from, PortLedger ledger) {
    InterfaceState state = network;
    boolean ethernet = layer() == Layer.L2;
    if (ethernet && state.monitor()) {
      return dropRest(batch, from, ledger, DropReason.MONITORED);
    }
    if (!ethernet && !linkUp) {
      return dropRest(batch, from, ledger, DropReason.NOT_OPEN);
    }
    if (!state.up() || (ethernet && !state.running())) {
      return dropRest(batch, from, ledger, DropReason.INTERFACE_DOWN);
    }
    return ethernet
        ? sendFrames(state, batch, from, ledger)
        : sendPackets(state, batch, from, ledger);
  }

  private int sendPackets(InterfaceState state, PacketBatch batch, int from, PortLedger ledger) {
    int next = from;
    long passed = 0;
    long bytes = 0;
    try {
      for (; next < batch.count(); next++) {
        int length = batch.length(next);
        int family = Framer.family(batch.segment(), batch.offset(next));
        boolean known = family != 0 && Framer.hasDestination(family, length);
        if (batch.offload(next) != 0) {
          ledger.dropped(DropReason.NOT_OFFLOADED, 1);
        } else if (length > state.mtu()) {
          ledger.dropped(DropReason.TOO_LONG, 1);
        } else if (family == 0) {
          ledger.dropped(DropReason.WRONG_FAMILY, 1);
        } else if (state.framing() == Framing.DESTINATION && !known) {
          ledger.dropped(DropReason.MALFORMED, 1);
        } else {
          int head = Framer.bytes(state.framing(), family);
          int at = claimOrWait(outbound, head + length, overflow);
          if (at < 0 && overflow == DeviceSpec.Overflow.BACK_PRESSURE) {
            break;
          }
          if (at < 0) {
            interfaceLedger.outQueueDrop();
            ledger.dropped(DropReason.QUEUE_FULL, 1);
            continue;
          }
          MemorySegment memory = outbound.memory();
          Framer.write(state.framing(), family, batch.segment(), batch.offset(next), memory, at);
          MemorySegment.copy(batch.segment(), batch.offset(next), memory, at + (long) head, length);
          outbound.publish(at, head + length);
          interfaceLedger.out(
              head + length,
              known && Framer.isMulticast(family, batch.segment(), batch.offset(next)));
          passed++;
          bytes += length;
        }
      }
    } catch (VnetException e) {
      if (next == from) {
        interfaceLedger.outError();
        throw noMemory(device + "/network", e);
      }
    }
    ledger.sent(passed, bytes);
    return next - from;
  }

  private int sendFrames(InterfaceState state, PacketBatch batch, int from, PortLedger ledger) {
    boolean ready = linkUp || device.name().driver() == DriverKind.VMNET;
    int longest = Math.min(LONGEST_BYTES, state.mtu() + LINK_HEADER_BYTES);
    int next = from;
    long passed = 0;
    long bytes = 0;
    try {
      for (; next < batch.count(); next++) {
        int length = batch.length(next);
        if (batch.offload(next) != 0) {
          ledger.dropped(DropReason.NOT_OFFLOADED, 1);
        } else if (length < ETHERNET_HEADER_BYTES) {
          ledger.dropped(DropReason.TOO_SHORT, 1);
        } else if (length > longest) {
          ledger.dropped(DropReason.TOO_LONG, 1);
        } else if (!ready) {
          interfaceLedger.outMetClosed(length, isGroup(batch, next));
          ledger.dropped(DropReason.NOT_OPEN, 1);
        } else {
          int at = claimOrWait(outbound, length, overflow);
          if (at < 0 && overflow == DeviceSpec.Overflow.BACK_PRESSURE) {
            break;
          }
          if (at < 0) {
            interfaceLedger.outQueueDrop();
            ledger.dropped(DropReason.QUEUE_FULL, 1);
            continue;
          }
          outbound.fill(at, batch.segment(), batch.offset(next), length);
          interfaceLedger.out(length, isGroup(batch, next));
          passed++;
          bytes += length;
        }
      }
    } catch (VnetException e) {
      if (next == from) {
        interfaceLedger.outError();
        throw noMemory(device + "/network", e);
      }
    }
    ledger.sent(passed, bytes);
    return next - from;
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
    PortLedger sender = lastNetworkLedger;
    (wasOpen || sender == null ? ledger : sender)
        .dropped(DropReason.DEVICE_DESTROYED, outbound.discard());
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

  /** A place for a packet; -1 if there is none, and the ring's producer waits if it may. */
  private static int claimOrWait(PacketRing ring, int length, DeviceSpec.Overflow whenFull) {
    int at = ring.claim(length);
    if (at >= 0 || whenFull == DeviceSpec.Overflow.TAIL_DROP) {
      return at;
    }
    ring.producerWaits(true);
    at = ring.claim(length);
    if (at >= 0) {
      ring.producerWaits(false);
    }
    return at;
  }

  /**
   * A ring takes its memory for its first packet. If that fails, what was dropped before it was
   * taken, and the call with it as the first one says so.
   */
  private static VnetException noMemory(String port, VnetException cause) {
    return new VnetException(
        "send",
        port,
        cause.errno(),
        "no memory for its queue: " + cause.reason(),
        cause.remedy(),
        cause);
  }

  private static boolean offerOrWait(PacketRing ring, PacketBatch batch, int i, int head) {
    int length = batch.length(i) - head;
    int at = claimOrWait(ring, length, DeviceSpec.Overflow.BACK_PRESSURE);
    if (at < 0) {
      return false;
    }
    ring.fill(at, batch.segment(), batch.offset(i) + (long) head, length);
    return true;
  }

  private static int dropRest(PacketBatch batch, int from, PortLedger ledger, DropReason reason) {
    int rest = batch.count() - from;
    ledger.dropped(reason, rest);
    return rest;
  }
}
