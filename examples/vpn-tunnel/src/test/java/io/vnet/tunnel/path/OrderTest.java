package io.vnet.tunnel.path;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.VnetHost;
import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.PacketPort;
import io.vnet.io.testkit.MemoryPort;
import io.vnet.tunnel.MemoryDatagrams;
import io.vnet.tunnel.WireGuardTunnel;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.testkit.IpFlow;
import io.vnet.tunnel.testkit.Mailbox;
import io.vnet.tunnel.testkit.TunnelPair;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Case T13: a million packets to two peers by turns, each tunnel on a thread of its own, arrive
 * complete and in the order of each peer.
 */
class OrderTest {
  private static final int PACKETS = 1_000_000;
  private static final int PEERS = 2;
  private static final int QUEUE = 1024;
  private static final int NUMBER_AT = 28;
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  private final VnetHost host = VnetHost.start();
  private final MemoryDatagrams network = MemoryDatagrams.patient();
  private final SlabPool slabs = new SlabPool(1 << 20, 2);
  private final BatchPool batches = new BatchPool(slabs);
  private final List<WireGuardTunnel> tunnels = new ArrayList<>();

  @AfterEach
  void close() {
    tunnels.forEach(WireGuardTunnel::close);
    host.close();
    batches.close();
    slabs.close();
  }

  private WireGuardTunnel start(int number, MemoryPort inside, List<PeerChange> peers) {
    WireGuardTunnel tunnel =
        WireGuardTunnel.start(
            host, "side" + number, inside, network.at(TunnelPair.outside(number)));
    tunnels.add(tunnel);
    TunnelPair.join(tunnel.change(TunnelPair.change(number).withPeers(peers)));
    TunnelPair.join(tunnel.up());
    return tunnel;
  }

  /** Packets to one of the peers, which are 2 and up. */
  private static IpFlow flow(int peer) {
    return IpFlow.of("10.9.0.1", "10.9.0." + (2 + peer));
  }

  @Test
  void T13_a_million_packets_keep_the_order_of_their_peer() throws InterruptedException {
    MemoryPort near = MemoryPort.pair("near", Layer.L3, QUEUE);
    List<MemoryPort> far = new ArrayList<>();
    List<PeerChange> peers = new ArrayList<>();
    for (int i = 0; i < PEERS; i++) {
      MemoryPort inside = MemoryPort.pair("far" + i, Layer.L3, QUEUE);
      far.add(inside.peer());
      start(2 + i, inside, List.of(TunnelPair.peer(1)));
      peers.add(
          PeerChange.of(TunnelPair.publicKey(2 + i))
              .withEndpoint(Endpoint.of(TunnelPair.outside(2 + i), TunnelPair.PORT))
              .withAllowedIps(List.of(new IpPrefix(IpAddress.parse("10.9.0." + (2 + i)), 32))));
    }
    start(1, near, peers);
    for (int i = 0; i < PEERS; i++) {
      shakeHands(near.peer(), far.get(i), i);
    }

    CompletableFuture<?> sending =
        CompletableFuture.runAsync(
            () -> send(near.peer()), task -> Thread.ofPlatform().start(task));
    receive(far, sending);
    for (WireGuardTunnel tunnel : tunnels) {
      assertThat(TunnelPair.join(tunnel.status()).drops()).isEmpty();
    }
  }

  private static void shakeHands(PacketPort from, PacketPort to, int peer)
      throws InterruptedException {
    try (Mailbox sender = new Mailbox(from);
        Mailbox receiver = new Mailbox(to)) {
      Packet first = flow(peer).sized(60, 1);
      sender.send(first);
      assertThat(receiver.next()).isEqualTo(first);
    }
  }

  private void send(PacketPort port) {
    PacketBatch batch = batches.acquire();
    List<Packet> templates = new ArrayList<>();
    for (int i = 0; i < PEERS; i++) {
      templates.add(flow(i).sized(64, i));
    }
    for (int number = 0; number < PACKETS; ) {
      batch.clear();
      while (number < PACKETS && batch.append(templates.get(number % PEERS))) {
        batch.segment().set(INT, batch.offset(batch.count() - 1) + NUMBER_AT, number);
        number++;
      }
      for (int next = 0; next < batch.count(); ) {
        int taken = port.send(batch, next);
        next += taken;
        if (taken == 0) {
          Thread.onSpinWait();
        }
      }
    }
    batch.release();
  }

  private void receive(List<MemoryPort> ports, CompletableFuture<?> sending) {
    PacketBatch batch = batches.acquire();
    int[] expected = new int[PEERS];
    for (int i = 0; i < PEERS; i++) {
      expected[i] = i;
    }
    for (int received = 0; received < PACKETS; ) {
      int before = received;
      for (int i = 0; i < PEERS; i++) {
        batch.clear();
        ports.get(i).receive(batch);
        for (int k = 0; k < batch.count(); k++) {
          assertThat(batch.segment().get(INT, batch.offset(k) + NUMBER_AT)).isEqualTo(expected[i]);
          expected[i] += PEERS;
          received++;
        }
      }
      if (received == before) {
        assertThat(sending.isCompletedExceptionally()).isFalse();
        Thread.onSpinWait();
      }
    }
    batch.release();
  }
}
