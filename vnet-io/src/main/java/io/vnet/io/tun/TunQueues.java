package io.vnet.io.tun;

import io.vnet.api.backend.BackendListener;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.device.InterfaceChange;
import io.vnet.api.device.InterfaceCounters;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.Island;
import io.vnet.api.port.OffloadFeature;
import io.vnet.api.port.PortLedger;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * An interface of several queues: a {@link TunBackend} each, with its own descriptor and island.
 * Their packets go past this object, but for the first queue's, which it passes on; what concerns
 * the interface is asked once, what concerns descriptors is asked of all.
 *
 * <p>A step that fails at one queue is taken at the others all the same.
 */
final class TunQueues implements DeviceBackend {
  private final TunBackend first;
  private final List<TunBackend> all;
  private final List<DeviceBackend> queues;

  /**
   * @param all at least two, of one interface; this object's from now on
   */
  TunQueues(List<TunBackend> all) {
    this.all = List.copyOf(all);
    this.first = all.getFirst();
    List<DeviceBackend> ports = new ArrayList<>(all);
    ports.set(0, this);
    this.queues = List.copyOf(ports);
  }

  @Override
  public List<DeviceBackend> queues() {
    return queues;
  }

  @Override
  public String interfaceName() {
    return first.interfaceName();
  }

  @Override
  public int mtu() {
    return first.mtu();
  }

  @Override
  public Set<OffloadFeature> offloads() {
    return first.offloads();
  }

  @Override
  public Optional<Island> island() {
    return first.island();
  }

  @Override
  public boolean blocking() {
    return true;
  }

  @Override
  public void start(BackendListener listener) {
    AtomicBoolean lost = new AtomicBoolean();
    for (int i = 0; i < all.size(); i++) {
      all.get(i).start(new LostOnce(listener.queue(i), lost));
    }
  }

  /** The descriptors of a removed interface all notice it. */
  private record LostOnce(BackendListener listener, AtomicBoolean lost) implements BackendListener {
    @Override
    public void readable() {
      listener.readable();
    }

    @Override
    public void writable() {
      listener.writable();
    }

    @Override
    public void lost(VnetException cause) {
      if (lost.compareAndSet(false, true)) {
        listener.lost(cause);
      }
    }
  }

  /** The carrier is the interface's. */
  @Override
  public void linkUp() {
    first.linkUp();
  }

  @Override
  public void linkDown(PortLedger ledger) {
    each(queue -> queue.linkDown(ledger));
  }

  @Override
  public void change(InterfaceChange change) {
    if (change instanceof InterfaceChange.Mtu(int bytes)) {
      // A longer packet may come to any of them.
      all.forEach(queue -> queue.makeRoom(bytes));
      first.change(change);
      all.forEach(queue -> queue.changed(bytes));
    } else {
      first.change(change);
    }
  }

  @Override
  public void rename(String newName) {
    first.rename(newName);
  }

  @Override
  public InterfaceCounters interfaceCounters() {
    return first.interfaceCounters();
  }

  @Override
  public int receive(PacketBatch into, PortLedger ledger) {
    return first.receive(into, ledger);
  }

  @Override
  public int send(PacketBatch batch, int from, PortLedger ledger) {
    return first.send(batch, from, ledger);
  }

  @Override
  public void afterReceive() {
    first.afterReceive();
  }

  @Override
  public void afterSend() {
    first.afterSend();
  }

  @Override
  public void quiesce(Runnable done) {
    AtomicInteger moving = new AtomicInteger(all.size());
    each(queue ->
        queue.quiesce(() -> {
          if (moving.decrementAndGet() == 0) {
            done.run();
          }
        }));
  }

  @Override
  public void release(PortLedger ledger) {
    each(queue -> queue.release(ledger));
  }

  private void each(Consumer<TunBackend> step) {
    List<RuntimeException> failures = new ArrayList<>();
    for (TunBackend queue : all) {
      try {
        step.accept(queue);
      } catch (RuntimeException e) {
        failures.add(e);
      }
    }
    if (!failures.isEmpty()) {
      RuntimeException failure = failures.getFirst();
      failures.subList(1, failures.size()).forEach(failure::addSuppressed);
      throw failure;
    }
  }
}
