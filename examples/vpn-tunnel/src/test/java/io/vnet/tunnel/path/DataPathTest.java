package io.vnet.tunnel.path;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.Endpoint;
import io.vnet.api.offload.DatagramTrain;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.DropReason;
import io.vnet.io.testkit.MemoryPort;
import io.vnet.tunnel.core.CoreOutput;
import io.vnet.tunnel.core.HandshakeWork;
import io.vnet.tunnel.core.Peer;
import io.vnet.tunnel.core.TunnelCore;
import io.vnet.tunnel.crypto.CryptoProviders;
import io.vnet.tunnel.settings.TunnelDrop;
import io.vnet.tunnel.testkit.HeldIsland;
import io.vnet.tunnel.testkit.NoEnd;
import io.vnet.tunnel.testkit.TunnelPair;
import java.security.SecureRandom;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A data path on an island whose tasks run when the test says so. */
class DataPathTest {
  private static final Endpoint THERE = Endpoint.of(TunnelPair.outside(2), TunnelPair.PORT);

  private final HeldIsland island = new HeldIsland();
  private final MemoryPort inside = MemoryPort.pair("inside", Layer.L3, 16);
  private final MemoryPort outside = MemoryPort.pair("outside", Layer.DATAGRAM, 16);
  private final DataPath path =
      new DataPath(
          inside,
          new TunnelCore(CryptoProviders.choose(), new SecureRandom()::nextBytes, new NoOutput()),
          new NoEnd(),
          island,
          () -> 0);

  /** Of a core that is asked for nothing. */
  private static final class NoOutput implements CoreOutput {
    @Override
    public void send(byte[] message, Endpoint to) {
      throw new AssertionError("send");
    }

    @Override
    public void work(HandshakeWork work) {
      throw new AssertionError("work");
    }

    @Override
    public void flush(Peer peer) {
      throw new AssertionError("flush");
    }

    @Override
    public void deadline(Peer peer) {
      throw new AssertionError("deadline");
    }

    @Override
    public void added(Peer peer) {
      throw new AssertionError("added");
    }

    @Override
    public void removed(Peer peer) {
      throw new AssertionError("removed");
    }
  }

  @AfterEach
  void close() {
    path.close();
  }

  private void start() {
    path.start();
    path.use(outside);
    island.runTasks();
  }

  @Test
  void what_several_results_ask_to_be_sent_goes_in_one_call() {
    start();
    for (int i = 0; i < 8; i++) {
      path.send(new byte[100 + i], THERE);
      path.afterCoreSoon();
    }
    assertThat(outside.sends()).isZero();
    island.runTasks();
    assertThat(outside.sends()).isEqualTo(1);
    assertThat(outside.peer().waiting()).isEqualTo(8);
  }

  @Test
  void messages_of_one_length_to_one_endpoint_are_a_train() {
    start();
    for (int bytes : new int[] {64, 64, 64, 92}) {
      path.send(new byte[bytes], THERE);
    }
    path.send(new byte[92], Endpoint.of(TunnelPair.outside(2), TunnelPair.PORT + 1));
    path.afterCoreSoon();
    island.runTasks();
    assertThat(outside.peer().waiting()).isEqualTo(3);
    try (SlabPool slabs = new SlabPool(1 << 16, 1);
        BatchPool batches = new BatchPool(slabs, 8, 0, 0)) {
      PacketBatch batch = batches.acquire();
      assertThat(outside.peer().receive(batch)).isEqualTo(3);
      assertThat(DatagramTrain.datagrams(batch.offload(0), batch.length(0))).isEqualTo(3);
      assertThat(DatagramTrain.datagrams(batch.offload(1), batch.length(1))).isEqualTo(1);
      batch.release();
    }
  }

  @Test
  void a_port_that_is_replaced_is_given_first_what_was_meant_for_it() {
    start();
    path.send(new byte[100], THERE);
    path.afterCoreSoon();
    MemoryPort other = MemoryPort.pair("other", Layer.DATAGRAM, 16);
    path.use(other);
    island.runTasks();
    assertThat(outside.peer().waiting()).isEqualTo(1);
    assertThat(other.peer().waiting()).isZero();
    assertThat(path.portDrops()).isEmpty();
  }

  @Test
  void drops_of_the_outside_port_are_told_by_their_direction() {
    start();
    outside.countDrop(DropReason.FLUSHED_AT_CLOSE, 3);
    outside.countDrop(DropReason.TOO_SHORT, 4);
    outside.countDrop(DropReason.UNREACHABLE, 5);
    Map<TunnelDrop, Long> expected =
        Map.of(TunnelDrop.DELIVER_FAILED, 3L, TunnelDrop.MALFORMED, 4L, TunnelDrop.SEND_FAILED, 5L);
    assertThat(path.portDrops()).isEqualTo(expected);
    path.use(null);
    // What it counts when it is closed belongs to the tunnel, too.
    outside.countDrop(DropReason.FLUSHED_AT_CLOSE, 2);
    path.closed(outside);
    assertThat(path.portDrops())
        .isEqualTo(
            Map.of(
                TunnelDrop.DELIVER_FAILED,
                5L,
                TunnelDrop.MALFORMED,
                4L,
                TunnelDrop.SEND_FAILED,
                5L));
  }
}
