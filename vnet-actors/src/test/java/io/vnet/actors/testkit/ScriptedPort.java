package io.vnet.actors.testkit;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.Island;
import io.vnet.api.port.OffloadFeature;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PortCounters;
import io.vnet.api.port.PortLedger;
import io.vnet.api.port.PortListener;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * A port with any offloads, that receives what the test gives it and takes as many packets as the
 * test lets it. It drops what its offloads do not allow. Safe on any thread.
 */
public final class ScriptedPort implements PacketPort {
  private final Set<OffloadFeature> offloads;
  private final PortLedger ledger = new PortLedger();
  private final List<PortListener> listeners = new CopyOnWriteArrayList<>();
  private final Queue<Arrival> arrivals = new ArrayDeque<>();
  private final List<Arrival> sent = new ArrayList<>();
  private int room = Integer.MAX_VALUE;
  private int sends;
  private boolean open = true;
  private @Nullable VnetException cause;

  /** A packet with its offload word. */
  public record Arrival(Packet packet, long word) {}

  public ScriptedPort(Set<OffloadFeature> offloads) {
    this.offloads = offloads;
  }

  /** What is in the batch is received from now on; the batch is released. */
  public void give(PacketBatch batch) {
    synchronized (this) {
      for (int i = 0; i < batch.count(); i++) {
        arrivals.add(new Arrival(batch.packet(i), batch.offload(i)));
      }
    }
    batch.release();
    listeners.forEach(PortListener::readable);
  }

  /** Takes so many packets and no more, until asked again. */
  public void setRoom(int packets) {
    synchronized (this) {
      room = packets;
    }
    listeners.forEach(PortListener::writable);
  }

  /** What was sent, so far. */
  public synchronized List<Arrival> sent() {
    return List.copyOf(sent);
  }

  /** The same without words. */
  public List<Packet> sentPackets() {
    return sent().stream().map(Arrival::packet).toList();
  }

  /** How often it was asked to send. */
  public synchronized int sends() {
    return sends;
  }

  @Override
  public String name() {
    return "scripted";
  }

  @Override
  public Layer layer() {
    return Layer.L3;
  }

  @Override
  public int mtu() {
    return 1500;
  }

  @Override
  public Set<OffloadFeature> offloads() {
    return offloads;
  }

  @Override
  public Optional<Island> island() {
    return Optional.empty();
  }

  @Override
  public synchronized int receive(PacketBatch into) {
    checkOpen();
    int received = 0;
    while (!arrivals.isEmpty() && into.append(arrivals.element().packet())) {
      into.setOffload(into.count() - 1, arrivals.remove().word());
      received++;
    }
    ledger.received(received, received);
    return received;
  }

  @Override
  public synchronized int send(PacketBatch batch, int from) {
    checkOpen();
    sends++;
    int next = from;
    for (; next < batch.count() && room > 0; next++, room--) {
      if (batch.offload(next) != 0 && offloads.isEmpty()) {
        ledger.dropped(DropReason.NOT_OFFLOADED, 1);
      } else {
        sent.add(new Arrival(batch.packet(next), batch.offload(next)));
        ledger.sent(1, batch.length(next));
      }
    }
    return next - from;
  }

  private void checkOpen() {
    if (!open) {
      throw new VnetException("use", name(), Errno.EBADF, "it is closed", "");
    }
  }

  @Override
  public Registration listen(PortListener listener) {
    listeners.add(listener);
    boolean ended;
    @Nullable VnetException why;
    synchronized (this) {
      ended = !open;
      why = cause;
    }
    // The end may tell it, too; once is enough.
    if (ended && listeners.remove(listener)) {
      listener.closed(why);
    }
    return () -> listeners.remove(listener);
  }

  @Override
  public void countDrop(DropReason reason, long packets) {
    ledger.dropped(reason, packets);
  }

  @Override
  public PortCounters counters() {
    return ledger.snapshot();
  }

  @Override
  public synchronized boolean isOpen() {
    return open;
  }

  @Override
  public void close() {
    end(null);
  }

  /** Ends it, by its user or for a cause. */
  public void end(@Nullable VnetException why) {
    synchronized (this) {
      if (!open) {
        return;
      }
      open = false;
      cause = why;
    }
    for (PortListener listener : listeners.toArray(new PortListener[0])) {
      if (listeners.remove(listener)) {
        listener.closed(why);
      }
    }
  }
}
