package io.vnet.tunnel.uapi;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.tunnel.key.PresharedKey;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.PeerChange.AllowedIpChange;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.testkit.FakeZones;
import io.vnet.tunnel.testkit.Keys;
import io.vnet.tunnel.uapi.UapiReader.Asked;
import io.vnet.tunnel.uapi.UapiReader.HangUp;
import io.vnet.tunnel.uapi.UapiReader.Refused;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The language of chapter 15: grammar (15.2), keys (15.3) and what wg sends (15.5). */
class UapiReaderTest {
  private static final String A = Keys.peer(1).hex();
  private static final String B = Keys.peer(2).hex();
  private static final String ZEROS = "0".repeat(64);
  private static final UapiReader.Result GET = new Asked(new UapiRequest.Get());

  private static List<UapiReader.Result> read(String text) {
    return read(new UapiReader(new FakeZones()), text);
  }

  private static List<UapiReader.Result> read(UapiReader reader, String text) {
    ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    List<UapiReader.Result> results = new ArrayList<>();
    while (bytes.hasRemaining()) {
      UapiReader.Result result = reader.read(bytes);
      if (result != null) {
        results.add(result);
      }
    }
    return results;
  }

  /** A set operation of these lines. */
  private static UapiReader.Result set(String... lines) {
    return read("set=1\n" + String.join("\n", lines) + (lines.length == 0 ? "\n" : "\n\n"))
        .getFirst();
  }

  private static TunnelChange changeOf(String... lines) {
    return ((UapiRequest.Set) ((Asked) set(lines)).request()).change();
  }

  private static PeerChange peerOf(String... lines) {
    List<String> all = new ArrayList<>(List.of("public_key=" + A));
    all.addAll(List.of(lines));
    List<PeerChange> peers = changeOf(all.toArray(String[]::new)).peers();
    assertThat(peers).hasSize(1);
    return peers.getFirst();
  }

  private static UapiReader.Result peer(String... lines) {
    List<String> all = new ArrayList<>(List.of("public_key=" + A));
    all.addAll(List.of(lines));
    return set(all.toArray(String[]::new));
  }

  private static UapiReader.Result refused(int errno) {
    return new Refused(errno, false);
  }

  @Test
  void U1_get_and_an_empty_set() {
    assertThat(read("get=1\n\n")).containsExactly(GET);
    assertThat(set()).isEqualTo(new Asked(new UapiRequest.Set(TunnelChange.NONE)));
  }

  @Test
  void U1_a_line_without_equals_sign_is_a_protocol_error() {
    assertThat(set("listen_port")).isEqualTo(refused(-71));
    assertThat(set("\r")).isEqualTo(refused(-71));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "foo=1",
        "=1",
        "Listen_port=1",
        " listen_port=1",
        "listen_port =1",
        "listen_port=",
        "update_only=true",
        "allowed_ip=10.0.0.0/8",
        "endpoint=1.2.3.4:5",
        "protocol_version=1",
        "get=1",
        "set=1",
        "errno=0"
      })
  void U1_an_unknown_key_or_one_of_peers_before_a_peer_is_invalid(String line) {
    assertThat(set(line)).isEqualTo(refused(-22));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "private_key=0",
        "listen_port=1",
        "fwmark=1",
        "replace_peers=true",
        "foo=1",
        "public_key=1"
      })
  void U1_a_key_of_the_device_behind_a_peer_is_invalid(String line) {
    assertThat(peer(line)).isEqualTo(refused(-22));
  }

  @Test
  void U1_another_byte_than_a_line_feed_behind_get_ends_the_connection_with_a_reply() {
    assertThat(read("get=1\nx\n\nget=1\n\n")).containsExactly(new Refused(-22, true));
    assertThat(read("get=1\n\r\n")).containsExactly(new Refused(-22, true));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\n",
        "get=2\n",
        "get=1\r\n\r\n",
        "set=1\r\n\r\n",
        "GET=1\n",
        "garbage without end"
      })
  void U1_what_is_neither_get_nor_set_ends_the_connection_without_a_reply(String text) {
    assertThat(read(text + "get=1\n\n")).containsExactly(new HangUp());
  }

  @Test
  void U1_an_error_is_answered_once_at_the_blank_line_and_the_next_request_is_served() {
    String bad = "set=1\nfoo=1\nno sign\nlisten_port=x\npublic_key=" + A + "\n";

    assertThat(read(bad)).isEmpty();
    assertThat(read(bad + "\nget=1\n\n")).containsExactly(refused(-22), GET);
    assertThat(read("set=1\nno sign\nfoo=1\n\nset=1\n\n"))
        .containsExactly(refused(-71), new Asked(new UapiRequest.Set(TunnelChange.NONE)));
  }

  @Test
  void U5_requests_come_in_any_pieces() {
    String text = "get=1\n\nset=1\nlisten_port=7\npublic_key=" + A + "\n\nset=1\nx\n\nget=1\n\n";
    List<UapiReader.Result> whole = read(text);
    assertThat(whole).hasSize(4);
    for (int pieces = 1; pieces < 20; pieces++) {
      UapiReader reader = new UapiReader(new FakeZones());
      List<UapiReader.Result> results = new ArrayList<>();
      for (int from = 0; from < text.length(); from += pieces) {
        results.addAll(read(reader, text.substring(from, Math.min(text.length(), from + pieces))));
      }
      assertThat(results).isEqualTo(whole);
    }
  }

  @Test
  void a_reader_stops_behind_a_request_and_leaves_what_follows() {
    ByteBuffer bytes = ByteBuffer.wrap("get=1\n\nget=1\n\n".getBytes(StandardCharsets.UTF_8));
    UapiReader reader = new UapiReader(new FakeZones());

    assertThat(reader.read(bytes)).isEqualTo(GET);
    assertThat(bytes.position()).isEqualTo(7);
  }

  @Test
  void a_line_may_have_64_KiB_and_no_more() {
    String endpoint = "endpoint=[fe80::1%" + "x".repeat(UapiReader.LINE_BYTES_MAX) + "]:1";
    String longest = endpoint.substring(0, UapiReader.LINE_BYTES_MAX);

    assertThat(peer(longest)).isEqualTo(refused(-22));
    assertThat(peer(longest + "x")).isEqualTo(refused(-5));
    assertThat(read("set=1\n" + "x".repeat(200_000) + "\n\nget=1\n\n"))
        .containsExactly(refused(-5), GET);
  }

  @Test
  void a_request_that_is_longer_than_the_bound_ends_the_connection() {
    UapiReader reader = new UapiReader(new FakeZones(), 100);

    assertThat(read(reader, "set=1\n" + "listen_port=7\n".repeat(6) + "\n")).hasSize(1);
    assertThat(read(reader, "set=1\n" + "listen_port=7\n".repeat(7) + "\nget=1\n\n"))
        .containsExactly(new Refused(-5, true));
  }

  @Test
  void the_bound_is_64_MiB() {
    UapiReader reader = new UapiReader(new FakeZones());
    byte[] lines = "listen_port=00007\n".repeat(1 << 16).getBytes(StandardCharsets.UTF_8);
    UapiReader.Result result =
        reader.read(ByteBuffer.wrap("set=1\n".getBytes(StandardCharsets.UTF_8)));
    long bytes = 6;
    while (result == null && bytes < 2L * UapiReader.REQUEST_BYTES_MAX) {
      result = reader.read(ByteBuffer.wrap(lines));
      bytes += lines.length;
    }

    assertThat(result).isEqualTo(new Refused(-5, true));
    assertThat(bytes).isBetween((64L << 20) + 1, (64L << 20) + lines.length);
  }

  @Test
  void U1_private_key() {
    assertThat(changeOf("private_key=" + Keys.PRIVATE.hex()).privateKey()).contains(Keys.PRIVATE);
    assertThat(changeOf("private_key=" + Keys.PRIVATE.hex().toUpperCase(Locale.ROOT)))
        .isEqualTo(TunnelChange.NONE.withPrivateKey(Keys.PRIVATE));
    assertThat(changeOf("private_key=" + ZEROS).privateKey().map(PrivateKey::isZero))
        .contains(true);
    assertThat(set("private_key=" + ZEROS.substring(1))).isEqualTo(refused(-22));
    assertThat(set("private_key=" + ZEROS + "0")).isEqualTo(refused(-22));
    assertThat(set("private_key=" + ZEROS.substring(1) + "g")).isEqualTo(refused(-22));
    assertThat(set("private_key=" + ZEROS + "\r")).isEqualTo(refused(-22));
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "7, 7", "65535, 65535", "00080, 80"})
  void U1_listen_port(String text, int port) {
    assertThat(changeOf("listen_port=" + text)).isEqualTo(TunnelChange.NONE.withListenPort(port));
  }

  @ParameterizedTest
  @ValueSource(strings = {"65536", "-1", "+1", "1 ", "0x10", "99999999999999999999", "", "a", "١"})
  void U1_listen_port_is_a_decimal_number_of_16_bits(String text) {
    assertThat(set("listen_port=" + text)).isEqualTo(refused(-22));
    assertThat(peer("persistent_keepalive_interval=" + text)).isEqualTo(refused(-22));
    assertThat(peer("endpoint=1.2.3.4:" + text)).isEqualTo(refused(-22));
  }

  @Test
  void U1_fwmark_is_a_decimal_number_of_32_bits() {
    assertThat(changeOf("fwmark=0")).isEqualTo(TunnelChange.NONE.withMark(0));
    assertThat(changeOf("fwmark=4294967295")).isEqualTo(TunnelChange.NONE.withMark(-1));
    assertThat(set("fwmark=4294967296")).isEqualTo(refused(-22));
    assertThat(set("fwmark=0x1")).isEqualTo(refused(-22));
    assertThat(set("fwmark=off")).isEqualTo(refused(-22));
  }

  @Test
  void U1_the_last_of_a_key_counts() {
    assertThat(changeOf("listen_port=1", "fwmark=2", "listen_port=3"))
        .isEqualTo(TunnelChange.NONE.withListenPort(3).withMark(2));
    assertThat(peerOf("persistent_keepalive_interval=1", "persistent_keepalive_interval=0"))
        .isEqualTo(PeerChange.of(Keys.peer(1)).withPersistentKeepalive(0));
  }

  @Test
  void U1_flags_are_true_and_nothing_else() {
    assertThat(changeOf("replace_peers=true")).isEqualTo(TunnelChange.NONE.replacingPeers());
    assertThat(peerOf("update_only=true").updateOnly()).isTrue();
    assertThat(peerOf("remove=true")).isEqualTo(PeerChange.removing(Keys.peer(1)));
    assertThat(peerOf("replace_allowed_ips=true").replaceAllowedIps()).isTrue();
    for (String bad : List.of("false", "TRUE", "1", "", "true ")) {
      assertThat(set("replace_peers=" + bad)).isEqualTo(refused(-22));
      assertThat(peer("update_only=" + bad)).isEqualTo(refused(-22));
      assertThat(peer("remove=" + bad)).isEqualTo(refused(-22));
      assertThat(peer("replace_allowed_ips=" + bad)).isEqualTo(refused(-22));
    }
  }

  @Test
  void U1_protocol_version_is_1_and_changes_nothing() {
    assertThat(peerOf("protocol_version=1")).isEqualTo(PeerChange.of(Keys.peer(1)));
    assertThat(peer("protocol_version=2")).isEqualTo(refused(-22));
    assertThat(peer("protocol_version=01")).isEqualTo(refused(-22));
  }

  @Test
  void U1_public_key_and_preshared_key() {
    PresharedKey key = Keys.preshared(1);
    assertThat(peerOf("preshared_key=" + key.hex()).presharedKey()).contains(key);
    assertThat(peerOf("preshared_key=" + ZEROS).presharedKey().map(PresharedKey::isZero))
        .contains(true);
    assertThat(peer("preshared_key=abc")).isEqualTo(refused(-22));
    assertThat(set("public_key=")).isEqualTo(refused(-22));
    assertThat(set("public_key=" + A + "0")).isEqualTo(refused(-22));
  }

  @ParameterizedTest
  @CsvSource({
    "1.2.3.4:5, 1.2.3.4, 5, 0",
    "1.2.3.4:0, 1.2.3.4, 0, 0",
    "[::1]:65535, ::1, 65535, 0",
    "[2001:DB8:0:0::1]:80, 2001:db8::1, 80, 0",
    "[::ffff:1.2.3.4]:5, ::ffff:1.2.3.4, 5, 0",
    "[fe80::17%veth3]:41414, fe80::17, 41414, 3",
    "[fe80::17%12]:41414, fe80::17, 41414, 12"
  })
  void U1_endpoint(String text, String address, int port, int scope) {
    assertThat(peerOf("endpoint=" + text).endpoint())
        .contains(new Endpoint(IpAddress.parse(address), port, scope, Optional.empty()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "localhost:5",
        "example.com:5",
        "1.2.3.4",
        "1.2.3.4:",
        "1.2.3:5",
        "01.2.3.4:5",
        "1.2.3.4:65536",
        "1.2.3.4%veth3:5",
        "[1.2.3.4]:5",
        "::1:5",
        "[::1]",
        "[::1]5",
        "[::1:5",
        "[fe80::1%]:5",
        "[fe80::1%nosuch]:5",
        "[fe80::1%0]:5",
        "[]:5",
        ":5",
        ""
      })
  void U1_an_endpoint_is_numeric(String text) {
    assertThat(peer("endpoint=" + text)).isEqualTo(refused(-22));
  }

  @ParameterizedTest
  @CsvSource({
    "10.0.0.0/8, 10.0.0.0/8",
    "10.1.2.3/8, 10.0.0.0/8",
    "0.0.0.0/0, 0.0.0.0/0",
    "1.2.3.4/0, 0.0.0.0/0",
    "1.2.3.4/32, 1.2.3.4/32",
    "fd00::5/64, fd00::/64",
    "::/0, ::/0",
    "FD00:0:0::/128, fd00::/128",
    "::ffff:10.0.0.0/104, ::ffff:10.0.0.0/104"
  })
  void U1_allowed_ip(String text, String prefix) {
    assertThat(peerOf("allowed_ip=" + text, "allowed_ip=-" + text).allowedIps())
        .containsExactly(
            new AllowedIpChange(IpPrefix.parse(prefix), false),
            new AllowedIpChange(IpPrefix.parse(prefix), true));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "10.0.0.0",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/08",
        "010.0.0.0/8",
        "10.0.0/8",
        "::/129",
        "fe80::1%veth3/64",
        "+10.0.0.0/8",
        "--10.0.0.0/8",
        "10.0.0.0/8,10.0.0.0/9",
        " 10.0.0.0/8",
        ""
      })
  void U1_an_allowed_ip_is_address_and_length(String text) {
    assertThat(peer("allowed_ip=" + text)).isEqualTo(refused(-22));
  }

  @Test
  void U1_a_peer_may_come_again() {
    assertThat(
            changeOf(
                    "public_key=" + A,
                    "persistent_keepalive_interval=1",
                    "public_key=" + B,
                    "public_key=" + A,
                    "persistent_keepalive_interval=2")
                .peers())
        .containsExactly(
            PeerChange.of(Keys.peer(1)).withPersistentKeepalive(1),
            PeerChange.of(Keys.peer(2)),
            PeerChange.of(Keys.peer(1)).withPersistentKeepalive(2));
  }

  @Test
  void U1_lines_of_a_peer_that_is_removed_are_ignored_but_must_be_right() {
    PeerChange removed = peerOf("remove=true", "persistent_keepalive_interval=1");
    assertThat(removed.remove()).isTrue();
    assertThat(peer("remove=true", "persistent_keepalive_interval=x")).isEqualTo(refused(-22));
    assertThat(peer("update_only=true", "foo=1")).isEqualTo(refused(-22));
  }

  @Test
  void U1_what_comes_before_replace_allowed_ips_is_replaced_too() {
    List<PeerChange> peers =
        changeOf(
                "public_key=" + A,
                "allowed_ip=10.0.0.0/8",
                "replace_allowed_ips=true",
                "allowed_ip=10.0.0.0/9",
                "update_only=true")
            .peers();

    assertThat(peers).hasSize(2).allMatch(PeerChange::updateOnly);
    assertThat(peers.getFirst().allowedIps())
        .containsExactly(new AllowedIpChange(IpPrefix.parse("10.0.0.0/8"), false));
    assertThat(peers.getLast().replaceAllowedIps()).isTrue();
    assertThat(peers.getLast().allowedIps())
        .containsExactly(new AllowedIpChange(IpPrefix.parse("10.0.0.0/9"), false));
  }

  /** The table of 15.5, row by row. */
  @Test
  void what_wg_sends_is_understood() {
    PublicKey key = Keys.peer(1);
    String secret = "private_key=" + Keys.PRIVATE.hex();
    assertThat(changeOf(secret, "listen_port=7", "fwmark=0"))
        .isEqualTo(TunnelChange.NONE.withPrivateKey(Keys.PRIVATE).withListenPort(7).withMark(0));
    assertThat(
            peerOf(
                "preshared_key=" + Keys.preshared(1).hex(),
                "endpoint=192.0.2.1:51820",
                "persistent_keepalive_interval=25",
                "replace_allowed_ips=true",
                "allowed_ip=10.0.0.0/24",
                "allowed_ip=fd00::5/64"))
        .isEqualTo(
            PeerChange.of(key)
                .withPresharedKey(Keys.preshared(1))
                .withEndpoint(Endpoint.parse("192.0.2.1:51820"))
                .withPersistentKeepalive(25)
                .withAllowedIps(
                    List.of(IpPrefix.parse("10.0.0.0/24"), IpPrefix.parse("fd00::/64"))));
    assertThat(peerOf("replace_allowed_ips=true"))
        .isEqualTo(PeerChange.of(key).withAllowedIps(List.of()));
    PeerChange incremental = peerOf("allowed_ip=10.0.0.0/24", "allowed_ip=-10.0.1.0/24");
    assertThat(incremental.replaceAllowedIps()).isFalse();
    assertThat(incremental.allowedIps())
        .containsExactly(
            new AllowedIpChange(IpPrefix.parse("10.0.0.0/24"), false),
            new AllowedIpChange(IpPrefix.parse("10.0.1.0/24"), true));
    assertThat(
            changeOf(
                "private_key=" + ZEROS,
                "listen_port=0",
                "fwmark=0",
                "replace_peers=true",
                "public_key=" + A,
                "replace_allowed_ips=true",
                "allowed_ip=10.0.0.0/24"))
        .isEqualTo(
            TunnelChange.NONE
                .withPrivateKey(PrivateKey.fromHex(ZEROS))
                .withListenPort(0)
                .withMark(0)
                .replacingPeers()
                .withPeers(
                    List.of(
                        PeerChange.of(key)
                            .withAllowedIps(List.of(IpPrefix.parse("10.0.0.0/24"))))));
  }

  /**
   * Requests of random lines, well formed or not, and random bytes: every request has one result,
   * and nothing is thrown.
   */
  @Test
  void random_requests_have_one_result_each() {
    long seed = 20_261_128;
    Random random = new Random(seed);
    String[] words = {
      "private_key",
      "listen_port",
      "fwmark",
      "replace_peers",
      "public_key",
      "update_only",
      "remove",
      "preshared_key",
      "endpoint",
      "persistent_keepalive_interval",
      "replace_allowed_ips",
      "allowed_ip",
      "protocol_version",
      "true",
      "1",
      "65536",
      A,
      ZEROS,
      "10.0.0.0/8",
      "-::/0",
      "[::1]:1",
      "[fe80::1%veth3]:9",
      "=",
      "=",
      "=",
      "%",
      "/",
      "\r",
      "é"
    };
    int asked = 0;
    for (int i = 0; i < 20_000; i++) {
      StringBuilder text = new StringBuilder("set=1\n");
      boolean valid = random.nextInt(4) == 0;
      for (int lines = random.nextInt(6); lines > 0; lines--) {
        StringBuilder line = new StringBuilder();
        if (valid) {
          line.append("public_key=").append(A);
        }
        for (int parts = valid ? 0 : random.nextInt(4) + 1; parts > 0; parts--) {
          line.append(words[random.nextInt(words.length)]);
        }
        text.append(line).append('\n');
      }
      List<UapiReader.Result> results = read(text + "\n");
      assertThat(results).as("seed %d, request %d", seed, i).hasSize(1);
      asked += results.getFirst() instanceof Asked ? 1 : 0;
    }
    assertThat(asked).isBetween(1000, 19_000);
  }

  @Test
  void random_bytes_are_never_more_than_refused() {
    long seed = 42;
    Random random = new Random(seed);
    for (int i = 0; i < 5_000; i++) {
      byte[] bytes = new byte[random.nextInt(200)];
      random.nextBytes(bytes);
      byte[] start = "set=1\n".getBytes(StandardCharsets.UTF_8);
      ByteBuffer all =
          ByteBuffer.allocate(start.length + bytes.length).put(start).put(bytes).flip();
      UapiReader reader = new UapiReader(new FakeZones());
      while (all.hasRemaining()) {
        if (reader.read(all) instanceof Asked asked) {
          // Those that begin with a blank line.
          assertThat(asked.request())
              .as("seed %d, bytes %d", seed, i)
              .isEqualTo(new UapiRequest.Set(TunnelChange.NONE));
        }
      }
    }
  }
}
