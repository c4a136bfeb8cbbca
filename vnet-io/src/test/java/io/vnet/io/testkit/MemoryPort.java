package io.vnet.io.testkit;

import io.vnet.api.error.VnetException;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.OffloadFeature;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Two ports joined by bounded queues, as strict as the contract lets them be: a signal comes only
 * to who was answered that there is nothing, or no room, and only once. Safe on any thread.
 */
public final class MemoryPort extends TestPort {
  private final Layer layer;
  private final Set<OffloadFeature> offloads;
  private final int queueMax;

  /** Shared by both ends; no listener is called with it. */
  private final Object lock;

  private final Queue<Queued> arrived = new ArrayDeque<>();
  private @Nullable MemoryPort peer;
  private boolean receiverWaits;
  private boolean senderWaits;
  private int sends;
  private @Nullable RuntimeException nextSendFails;
  private @Nullable RuntimeException nextReceiveFails;

  private record Queued(Packet packet, long offload) {}

  private MemoryPort(
      String name, Layer layer, Set<OffloadFeature> offloads, int queueMax, Object lock) {
    super(name);
    this.layer = layer;
    this.offloads = offloads;
    this.queueMax = queueMax;
    this.lock = lock;
  }

  /** One end; {@link #peer} is the other. */
  public static MemoryPort pair(String name, Layer layer, int queueMax) {
    return pair(name, layer, queueMax, Set.of());
  }

  /** The same with offloads at both ends. */
  public static MemoryPort pair(
      String name, Layer layer, int queueMax, Set<OffloadFeature> offloads) {
    Object lock = new Object();
    MemoryPort near = new MemoryPort(name, layer, offloads, queueMax, lock);
    MemoryPort far = new MemoryPort(name + "/network", layer, offloads, queueMax, lock);
    near.peer = far;
    far.peer = near;
    return near;
  }

  /** The other end. */
  public MemoryPort peer() {
    if (peer == null) {
      throw new IllegalStateException("half a pair");
    }
    return peer;
  }

  /** Ends it as a destroyed device does. */
  public void destroy(VnetException why) {
    end(why, DropReason.DEVICE_DESTROYED);
  }

  /** The next send throws. */
  public void failNextSend(RuntimeException failure) {
    synchronized (lock) {
      nextSendFails = failure;
    }
  }

  /** The next receive throws. */
  public void failNextReceive(RuntimeException failure) {
    synchronized (lock) {
      nextReceiveFails = failure;
    }
    signalReadable();
  }

  /** How often send was called. */
  public int sends() {
    synchronized (lock) {
      return sends;
    }
  }

  /** Packets that wait to be received. */
  public int waiting() {
    synchronized (lock) {
      return arrived.size();
    }
  }

  /** Sends one packet from this end; false: no room. */
  public boolean offer(byte[] packet) {
    return offer(packet, 0);
  }

  /** The same with an offload word. */
  public boolean offer(byte[] packet, long offload) {
    boolean wake;
    synchronized (lock) {
      checkOpen("send");
      if (peer().arrived.size() == queueMax) {
        senderWaits = true;
        return false;
      }
      peer().arrived.add(new Queued(Packet.of(packet), offload));
      ledger().sent(1, packet.length);
      wake = peer().receiverWaits;
      peer().receiverWaits = false;
    }
    if (wake) {
      peer().signalReadable();
    }
    return true;
  }

  /** Receives one packet at this end; empty: none waits. */
  public Optional<byte[]> poll() {
    Queued first;
    boolean wake;
    synchronized (lock) {
      checkOpen("receive");
      first = arrived.poll();
      if (first == null) {
        receiverWaits = true;
        return Optional.empty();
      }
      ledger().received(1, first.packet().length());
      wake = peer().senderWaits;
      peer().senderWaits = false;
    }
    if (wake) {
      peer().signalWritable();
    }
    return Optional.of(first.packet().toByteArray());
  }

  @Override
  public Layer layer() {
    return layer;
  }

  @Override
  public Set<OffloadFeature> offloads() {
    return offloads;
  }

  @Override
  public int receive(PacketBatch into) {
    int packets = 0;
    boolean wake = false;
    synchronized (lock) {
      checkOpen("receive");
      RuntimeException failure = nextReceiveFails;
      if (failure != null) {
        nextReceiveFails = null;
        throw failure;
      }
      long bytes = 0;
      for (Queued next = arrived.peek();
          next != null && into.append(next.packet());
          next = arrived.peek()) {
        into.setOffload(into.count() - 1, next.offload());
        arrived.remove();
        packets++;
        bytes += next.packet().length();
      }
      if (packets == 0) {
        receiverWaits = true;
      } else {
        ledger().received(packets, bytes);
        wake = peer().senderWaits;
        peer().senderWaits = false;
      }
    }
    if (wake) {
      peer().signalWritable();
    }
    return packets;
  }

  @Override
  public int send(PacketBatch batch, int from) {
    int next = from;
    boolean wake;
    synchronized (lock) {
      checkOpen("send");
      sends++;
      RuntimeException failure = nextSendFails;
      if (failure != null) {
        nextSendFails = null;
        throw failure;
      }
      for (; next < batch.count() && peer().arrived.size() < queueMax; next++) {
        if (peer().isOpen()) {
          MemorySegment bytes = batch.segment();
          Packet copy = Packet.of(bytes, batch.offset(next), batch.length(next));
          peer().arrived.add(new Queued(copy, batch.offload(next)));
          ledger().sent(1, copy.length());
        } else {
          ledger().dropped(DropReason.NOT_ATTACHED, 1);
        }
      }
      senderWaits = next < batch.count();
      wake = peer().receiverWaits && next > from;
      if (wake) {
        peer().receiverWaits = false;
      }
    }
    if (wake) {
      peer().signalReadable();
    }
    return next - from;
  }

  @Override
  public void close() {
    end(null, DropReason.FLUSHED_AT_CLOSE);
  }

  private void end(@Nullable VnetException why, DropReason reason) {
    boolean wake;
    synchronized (lock) {
      if (!markEnded(why)) {
        return;
      }
      ledger().dropped(reason, arrived.size());
      arrived.clear();
      wake = peer().senderWaits;
      peer().senderWaits = false;
    }
    if (wake) {
      peer().signalWritable();
    }
    tellEnd();
  }
}
