package io.vnet.tunnel.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.Endpoint;
import io.vnet.api.error.VnetException;
import io.vnet.api.offload.DatagramTrain;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PortListener;
import java.util.ArrayDeque;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Sends and awaits single packets at a port; trains are cut. One thread. */
public final class Mailbox implements AutoCloseable {
  private static final int SLAB_BYTES = 256 * 1024;

  private final PacketPort port;
  private final SlabPool slabs = new SlabPool(SLAB_BYTES, 2);
  private final BatchPool batches = new BatchPool(slabs);
  private final PacketBatch sending = batches.acquire();
  private final PacketBatch receiving = batches.acquire();
  private final ArrayDeque<Received> arrived = new ArrayDeque<>();
  private final Semaphore signals = new Semaphore(0);
  private final PacketPort.Registration registration;

  /** A packet with what the port said of it. */
  public record Received(Packet packet, long offload, @Nullable Endpoint from) {}

  public Mailbox(PacketPort port) {
    this.port = port;
    this.registration =
        port.listen(
            new PortListener() {
              @Override
              public void readable() {
                signals.release();
              }

              @Override
              public void writable() {
                signals.release();
              }

              @Override
              public void closed(@Nullable VnetException cause) {
                signals.release();
              }
            });
  }

  /** Sends packets in order, waiting for room. */
  public void send(Packet... packets) throws InterruptedException {
    for (Packet packet : packets) {
      send(packet, 0, null);
    }
  }

  public void send(Packet packet, long offload, @Nullable Endpoint to) throws InterruptedException {
    sending.clear();
    assertThat(sending.append(packet)).isTrue();
    sending.setOffload(0, offload);
    sending.setEndpoint(0, to);
    while (port.send(sending, 0) == 0) {
      await("room");
    }
  }

  private void await(String what) throws InterruptedException {
    assertThat(signals.tryAcquire(TunnelPair.GUARD_SECONDS, TimeUnit.SECONDS))
        .as("%s at %s, %s", what, port.name(), port.counters())
        .isTrue();
  }

  /** The next packet, waiting for it. */
  public Packet next() throws InterruptedException {
    return nextReceived().packet();
  }

  public Received nextReceived() throws InterruptedException {
    for (Received first = poll(); ; first = poll()) {
      if (first != null) {
        return first;
      }
      await("a packet");
    }
  }

  /** The next packet, if there is one. */
  public @Nullable Received poll() {
    if (arrived.isEmpty()) {
      receiving.clear();
      port.receive(receiving);
      for (int i = 0; i < receiving.count(); i++) {
        take(i);
      }
    }
    return arrived.poll();
  }

  private void take(int i) {
    long word = receiving.offload(i);
    Packet whole = receiving.packet(i);
    int step = port.layer() == Layer.DATAGRAM ? DatagramTrain.segmentBytes(word) : 0;
    for (int at = 0; at < whole.length(); ) {
      int length = step == 0 ? whole.length() : Math.min(step, whole.length() - at);
      arrived.add(
          new Received(
              Packet.of(whole.segment(), at, length), step == 0 ? word : 0, receiving.endpoint(i)));
      at += length;
    }
  }

  @Override
  public void close() {
    registration.close();
    sending.release();
    receiving.release();
    batches.close();
    slabs.close();
  }
}
