package io.vnet.tunnel.path;

import static io.vnet.tunnel.testkit.TunnelPair.V4;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vnet.actors.VnetHost;
import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.offload.Offload;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.api.port.OffloadFeature;
import io.vnet.io.loop.IslandLoop;
import io.vnet.io.testkit.MemoryPort;
import io.vnet.tunnel.MemoryDatagrams;
import io.vnet.tunnel.WireGuardTunnel;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.testkit.IpFlow;
import io.vnet.tunnel.testkit.Mailbox;
import io.vnet.tunnel.testkit.Puppet;
import io.vnet.tunnel.testkit.TunnelPair;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A data path that has to stop in the middle of something, and goes on there, or ends there. */
class PausesTest {
  private static final int SUPERS = 1400;
  private static final int SEGMENTS = 50;
  private static final int TINY = 4;
  private static final int TRAIN = 300;

  private final VnetHost host = VnetHost.start();
  private final IslandLoop island = new IslandLoop();
  private final MemoryDatagrams network = MemoryDatagrams.patient();

  @AfterEach
  void close() {
    island.close();
    host.close();
  }

  /** A UDP super-packet whose segments' payloads are shorter than its header. */
  private static Packet tinySegments(int seed) {
    return V4.udp(seed, IpFlow.payload(TINY * SEGMENTS, seed));
  }

  @Test
  void a_super_packet_of_tiny_segments_stays_with_its_peer() throws InterruptedException {
    MemoryPort left = MemoryPort.pair("left", Layer.L3, 1024, EnumSet.allOf(OffloadFeature.class));
    MemoryPort right = MemoryPort.pair("right", Layer.L3, 16);
    try (TunnelPair pair =
            TunnelPair.inMemory(host, network, left, left.peer(), right, right.peer());
        Mailbox from = new Mailbox(left.peer());
        Mailbox to = new Mailbox(right.peer())) {
      pair.shakeHands();
      // Whoever is not found elsewhere is found here.
      PeerChange all =
          PeerChange.of(TunnelPair.publicKey(3))
              .withAllowedIps(List.of(IpPrefix.parse("0.0.0.0/0")));
      TunnelPair.join(pair.left.tunnel().change(TunnelChange.NONE.withPeers(List.of(all))));
      long word = Offload.of(Offload.NEEDS_CSUM, Offload.UDP_L4, TINY, 20, 6);
      for (int i = 0; i < SUPERS; i++) {
        from.send(tinySegments(i), word, null);
      }
      // More than the network and the far side hold, so that the near side has stopped somewhere.
      await().until(() -> right.peer().waiting() == 16 && left.waiting() > 0);
      for (int i = 0; i < SUPERS; i++) {
        byte[] payload = IpFlow.payload(TINY * SEGMENTS, i);
        for (int at = 0; at < payload.length; at += TINY) {
          byte[] packet = to.next().toByteArray();
          assertThat(packet).hasSize(28 + TINY);
          assertThat(packet).endsWith(Arrays.copyOfRange(payload, at, at + TINY));
        }
      }
      assertThat(pair.left.status().drops()).isEmpty();
      assertThat(pair.right.status().drops()).isEmpty();
    }
  }

  @Test
  void at_the_end_each_message_is_passed_on_or_counted_once() throws InterruptedException {
    MemoryPort inside = MemoryPort.pair("left", Layer.L3, 4);
    try (Mailbox user = new Mailbox(inside.peer());
        WireGuardTunnel tunnel =
            WireGuardTunnel.start(host, "left", inside, network.at(TunnelPair.outside(1)));
        Puppet puppet =
            new Puppet(
                network.at(TunnelPair.outside(2)).open(island, TunnelPair.PORT, 0).port(),
                2,
                TunnelPair.peer(1))) {
      TunnelPair.join(
          tunnel.change(
              TunnelPair.change(1)
                  .withPeers(
                      List.of(
                          TunnelPair.peer(2)
                              .withEndpoint(
                                  Endpoint.of(TunnelPair.outside(2), TunnelPair.PORT))))));
      TunnelPair.join(tunnel.up());
      user.send(V4.sized(96, 1));
      puppet.nextPacket();
      long before = received(tunnel);
      byte[] text = V4.reversed().sized(96, 1).toByteArray();
      List<byte[]> messages = new ArrayList<>();
      for (int i = 0; i < TRAIN; i++) {
        messages.add(puppet.seal(text));
      }
      int messageBytes = messages.getFirst().length;
      puppet.sendTrain(messageBytes, messages);
      // One turn opens as much of it as has room, and is over when the status is asked for.
      await().until(() -> received(tunnel) > before);
      assertThat(received(tunnel) - before).isLessThan((long) TRAIN * messageBytes);
      TunnelPair.join(tunnel.endAsync());
      long dropped =
          TunnelPair.join(tunnel.dropped()).values().stream().mapToLong(Long::longValue).sum();
      assertThat(dropped + inside.counters().sentPackets()).isEqualTo(TRAIN);
    }
  }

  private static long received(WireGuardTunnel tunnel) {
    return TunnelPair.join(tunnel.status()).peers().getFirst().receivedBytes();
  }
}
