package io.vnet.tunnel;

import static io.vnet.tunnel.testkit.TunnelPair.V4;
import static io.vnet.tunnel.testkit.TunnelPair.V6;
import static io.vnet.tunnel.testkit.TunnelPair.join;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vnet.actors.VnetHost;
import io.vnet.api.address.Endpoint;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.api.port.PacketPort;
import io.vnet.io.loop.IslandLoop;
import io.vnet.io.testkit.MemoryPort;
import io.vnet.tunnel.crypto.CryptoProviders;
import io.vnet.tunnel.settings.PeerStatus;
import io.vnet.tunnel.testkit.IpFlow;
import io.vnet.tunnel.testkit.Mailbox;
import io.vnet.tunnel.testkit.Puppet;
import io.vnet.tunnel.testkit.TunnelPair;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Packets that wait for keys, in a tunnel whose clock the test can set. */
class StagedPacketsTest {
  private static final int FULL = 9;
  private static final long KEYS_END_NANOS = 181_000_000_000L;

  private final VnetHost host = VnetHost.start();
  private final IslandLoop island = new IslandLoop();
  private final MemoryDatagrams network = MemoryDatagrams.patient();
  private final MemoryPort inside = MemoryPort.pair("left", Layer.L3, 64);
  private final Mailbox user = new Mailbox(inside.peer());
  private final AtomicLong ahead = new AtomicLong();
  private final WireGuardTunnel tunnel =
      WireGuardTunnel.start(
          host,
          "left",
          inside,
          network.at(TunnelPair.outside(1)),
          CryptoProviders.choose(),
          () -> System.nanoTime() + ahead.get());
  private final Puppet puppet = new Puppet(open(2), 2, TunnelPair.peer(1));

  private PacketPort open(int number) {
    return network.at(TunnelPair.outside(number)).open(island, TunnelPair.PORT, 0).port();
  }

  private static Endpoint at(int number) {
    return Endpoint.of(TunnelPair.outside(number), TunnelPair.PORT);
  }

  private void start() {
    join(
        tunnel.change(
            TunnelPair.change(1)
                .withPeers(
                    List.of(
                        TunnelPair.peer(2).withEndpoint(at(2)),
                        TunnelPair.peer(3).withEndpoint(at(FULL))))));
    join(tunnel.up());
  }

  private PeerStatus peer(int number) {
    return join(tunnel.status()).peers().stream()
        .filter(peer -> peer.publicKey().equals(TunnelPair.publicKey(number)))
        .findFirst()
        .orElseThrow();
  }

  @AfterEach
  void close() {
    tunnel.close();
    puppet.close();
    user.close();
    island.close();
    host.close();
  }

  @Test
  void what_could_not_be_sent_until_the_keys_were_too_old_is_sent_under_others()
      throws InterruptedException {
    PacketPort full = open(FULL);
    try (Mailbox other = new Mailbox(full)) {
      for (int i = 0; i < MemoryDatagrams.PACKETS_MAX; i++) {
        other.send(Packet.of(new byte[1]), 0, at(FULL));
      }
      start();
      Packet packet = V4.sized(96, 1);
      user.send(packet);
      await().until(() -> peer(2).sentBytes() > 0);
      // From now on it has no room, as who comes first is for where nobody takes anything.
      user.send(IpFlow.of("10.9.0.1", "10.9.0.3").sized(96, 2));
      await().until(() -> peer(3).sentBytes() > 0);
      puppet.takeHandshake();
      await().until(() -> peer(2).lastHandshake().isPresent());
      ahead.addAndGet(KEYS_END_NANOS);
      for (int i = 0; i < MemoryDatagrams.PACKETS_MAX; i++) {
        assertThat(other.nextReceived().packet().length()).isEqualTo(1);
      }
      assertThat(puppet.nextPacket().text()).isEqualTo(packet.toByteArray());
    } finally {
      full.close();
    }
  }

  @Test
  void the_bits_of_congestion_are_those_of_the_packet() throws InterruptedException {
    start();
    byte[] packet = V6.sized(96, 1).toByteArray();
    int[] outer = {0, 1, 2, 2};
    for (int ecn = 0; ecn < outer.length; ecn++) {
      packet[1] = (byte) (ecn << 4);
      user.send(Packet.of(packet));
    }
    await().until(() -> inside.waiting() == 0);
    for (int ecn : outer) {
      assertThat(puppet.nextPacket().ecn()).isEqualTo(ecn);
    }
  }

  @Test
  void after_down_and_up_no_address_of_its_own_is_kept() throws InterruptedException {
    start();
    user.send(V4.sized(96, 1));
    puppet.nextPacket();
    await().until(() -> peer(2).endpoint().orElseThrow().source().isPresent());
    join(tunnel.down());
    assertThat(peer(2).endpoint().orElseThrow().source()).isPresent();
    join(tunnel.up());
    assertThat(peer(2).endpoint()).contains(at(2));
  }
}
