package io.vnet.tunnel.uapi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.PeerChange.AllowedIpChange;
import io.vnet.tunnel.settings.PeerStatus;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.settings.TunnelStatus;
import io.vnet.tunnel.testkit.FakeZones;
import io.vnet.tunnel.testkit.Keys;
import io.vnet.tunnel.testkit.RandomTunnels;
import io.vnet.tunnel.uapi.UapiReader.Asked;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Replies to get (15.4) and requests, and back. */
class UapiTextTest {
  private static final FakeZones ZONES = new FakeZones();

  private static PeerStatus peer(PublicKey key, String endpoint, String... allowed) {
    return new PeerStatus(
        key,
        Optional.empty(),
        Optional.of(Endpoint.parse(endpoint)),
        Optional.empty(),
        0,
        0,
        0,
        Arrays.stream(allowed).map(IpPrefix::parse).toList());
  }

  private static TunnelStatus tunnel(PeerStatus... peers) {
    return new TunnelStatus(Optional.of(Keys.PRIVATE), 51820, 0, true, List.of(peers), Map.of());
  }

  @Test
  void the_example_of_15_4() {
    TunnelStatus status = tunnel(peer(Keys.PEER, "[fe80::17%3]:41414", "10.44.0.0/16"));

    assertThat(UapiText.status(status, ZONES))
        .isEqualTo(
            """
            private_key=0002030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f60
            listen_port=51820
            public_key=64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d48466
            preshared_key=0000000000000000000000000000000000000000000000000000000000000000
            protocol_version=1
            endpoint=[fe80::17%veth3]:41414
            last_handshake_time_sec=0
            last_handshake_time_nsec=0
            tx_bytes=0
            rx_bytes=0
            persistent_keepalive_interval=0
            allowed_ip=10.44.0.0/16
            errno=0

            """);
  }

  @Test
  void a_tunnel_without_anything() {
    TunnelStatus nothing = new TunnelStatus(Optional.empty(), 0, 0, false, List.of(), Map.of());

    assertThat(UapiText.status(nothing, ZONES)).isEqualTo("errno=0\n\n");
  }

  @Test
  void all_values_of_a_peer_in_canonical_form() {
    PeerStatus peer =
        new PeerStatus(
            Keys.PEER,
            Optional.of(Keys.preshared(1)),
            Optional.of(Endpoint.of(IpAddress.parse("2001:0DB8:0:0:1:0:0:1"), 1)),
            Optional.of(Instant.ofEpochSecond(1_700_000_000, 5)),
            -1,
            7,
            25,
            List.of(
                IpPrefix.parse("fd00:0::5/64"),
                IpPrefix.parse("::FFFF:10.0.0.0/104"),
                IpPrefix.parse("10.1.2.3/8")));
    TunnelStatus status = new TunnelStatus(Optional.empty(), 0, -1, true, List.of(peer), Map.of());

    assertThat(UapiText.status(status, ZONES))
        .isEqualTo(
            """
            fwmark=4294967295
            public_key=64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d48466
            preshared_key=%s
            protocol_version=1
            endpoint=[2001:db8::1:0:0:1]:1
            last_handshake_time_sec=1700000000
            last_handshake_time_nsec=5
            tx_bytes=18446744073709551615
            rx_bytes=7
            persistent_keepalive_interval=25
            allowed_ip=fd00::/64
            allowed_ip=::ffff:10.0.0.0/104
            allowed_ip=10.0.0.0/8
            errno=0

            """
                .formatted(Keys.preshared(1).hex()));
  }

  @Test
  void a_zone_without_a_name_is_a_number() {
    assertThat(UapiText.status(tunnel(peer(Keys.PEER, "[fe80::1%99]:5")), ZONES))
        .contains("endpoint=[fe80::1%99]:5\n");
  }

  @Test
  void a_reply_is_read_in_any_order_and_unknown_keys_are_skipped() {
    TunnelStatus status =
        tunnel(
            peer(Keys.PEER, "[fe80::17%3]:41414", "10.44.0.0/16"), peer(Keys.peer(1), "1.2.3.4:5"));
    List<String> lines =
        new ArrayList<>(
            UapiText.status(status, ZONES).lines().filter(line -> !line.isEmpty()).toList());
    lines.removeLast();
    Collections.swap(lines, 0, 1);
    Collections.swap(lines, 3, 9);
    lines.add(1, "later_version=x");
    lines.add("another=y=z");

    assertThat(UapiText.parseStatus(lines, ZONES)).isEqualTo(status);
  }

  @Test
  void a_reply_that_cannot_be_read_is_refused_without_its_secret() {
    String secret = "1234567890abcdef";
    for (String line :
        List.of(
            "private_key=" + secret,
            "no sign",
            "listen_port=65536",
            "fwmark=x",
            "tx_bytes=-1",
            "rx_bytes=",
            "last_handshake_time_nsec=1000000000",
            "last_handshake_time_sec=99999999999999999999",
            "allowed_ip=1.2.3.4",
            "endpoint=here:1")) {
      assertThatThrownBy(() -> UapiText.parseStatus(List.of(line), ZONES))
          .isInstanceOf(IllegalArgumentException.class)
          .hasNoCause()
          .hasMessageNotContaining(secret);
    }
  }

  @Test
  void random_tunnels_survive_text() {
    long seed = 7;
    RandomTunnels tunnels = new RandomTunnels(seed, 3, 7, 5);
    for (int i = 0; i < 2_000; i++) {
      TunnelStatus status = tunnels.next();
      List<String> lines = UapiText.status(status, ZONES).lines().toList();
      assertThat(lines).endsWith("errno=0", "");
      assertThat(UapiText.parseStatus(lines.subList(0, lines.size() - 2), ZONES))
          .as("seed %d, tunnel %d", seed, i)
          .isEqualTo(status);
    }
  }

  @Test
  void random_changes_survive_text() {
    long seed = 8;
    Random random = new Random(seed);
    RandomTunnels tunnels = new RandomTunnels(seed, 3, 7, 5);
    for (int i = 0; i < 2_000; i++) {
      TunnelChange change = change(random, tunnels.next());
      ByteBuffer text =
          ByteBuffer.wrap(UapiText.change(change, ZONES).getBytes(StandardCharsets.UTF_8));
      assertThat(new UapiReader(ZONES).read(text))
          .as("seed %d, change %d", seed, i)
          .isEqualTo(new Asked(new UapiRequest.Set(change)));
      assertThat(text.hasRemaining()).isFalse();
    }
  }

  private static TunnelChange change(Random random, TunnelStatus status) {
    List<PeerChange> peers = new ArrayList<>();
    for (PeerStatus peer : status.peers()) {
      peers.add(
          new PeerChange(
              peer.publicKey(),
              random.nextBoolean(),
              random.nextBoolean(),
              peer.presharedKey(),
              peer.endpoint(),
              random.nextBoolean()
                  ? OptionalInt.of(peer.persistentKeepalive())
                  : OptionalInt.empty(),
              random.nextBoolean(),
              peer.allowedIps().stream()
                  .map(prefix -> new AllowedIpChange(prefix, random.nextBoolean()))
                  .toList()));
    }
    Optional<PrivateKey> key = random.nextBoolean() ? status.privateKey() : Optional.empty();
    return new TunnelChange(
        key,
        random.nextBoolean() ? OptionalInt.of(status.listenPort()) : OptionalInt.empty(),
        random.nextBoolean() ? OptionalInt.of(status.mark()) : OptionalInt.empty(),
        random.nextBoolean(),
        peers);
  }
}
