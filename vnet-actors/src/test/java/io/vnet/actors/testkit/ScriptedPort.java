package io.vnet.actors.testkit;

import io.vnet.api.error.VnetException;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.OffloadFeature;
import io.vnet.io.testkit.TestPort;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A port with any offloads, that receives what the test gives it and takes as many packets as the
 * test lets it. It drops what its offloads do not allow. Safe on any thread.
 */
public final class ScriptedPort extends TestPort {
  private final Set<OffloadFeature> offloads;
  private final Queue<Arrival> arrivals = new ArrayDeque<>();
  private final List<Arrival> sent = new ArrayList<>();
  private int room = Integer.MAX_VALUE;
  private int sends;

  /** A packet with its offload word. */
  public record Arrival(Packet packet, long word) {}

  public ScriptedPort(Set<OffloadFeature> offloads) {
    super("scripted");
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
    signalReadable();
  }

  /** Takes so many packets and no more, until asked again. */
  public void setRoom(int packets) {
    synchronized (this) {
      room = packets;
    }
    signalWritable();
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
  public Set<OffloadFeature> offloads() {
    return offloads;
  }

  @Override
  public synchronized int receive(PacketBatch into) {
    checkOpen("receive");
    int received = 0;
    while (!arrivals.isEmpty() && into.append(arrivals.element().packet())) {
      into.setOffload(into.count() - 1, arrivals.remove().word());
      received++;
    }
    ledger().received(received, received);
    return received;
  }

  @Override
  public synchronized int send(PacketBatch batch, int from) {
    checkOpen("send");
    sends++;
    int next = from;
    for (; next < batch.count() && room > 0; next++, room--) {
      if (batch.offload(next) != 0 && offloads.isEmpty()) {
        ledger().dropped(DropReason.NOT_OFFLOADED, 1);
      } else {
        sent.add(new Arrival(batch.packet(next), batch.offload(next)));
        ledger().sent(1, batch.length(next));
      }
    }
    return next - from;
  }

  /** Ends it, by its user or for a cause; nobody is inside then. */
  public void end(@Nullable VnetException why) {
    synchronized (this) {
      if (!markEnded(why)) {
        return;
      }
    }
    tellEnd();
  }

  @Override
  public void close() {
    end(null);
  }
}
