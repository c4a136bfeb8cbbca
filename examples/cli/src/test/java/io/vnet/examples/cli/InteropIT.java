package io.vnet.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vnet.examples.cli.TunnelPair.End;
import io.vnet.examples.cli.TunnelPair.Kind;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code vnet tunnel} with wireguard-go at the other end; the wg tool configures both. */
@ExtendWith(NetworkNamespaces.class)
class InteropIT {
  /**
   * A peer that sent data and heard nothing tries again after 15 s, and its peer's answer counts.
   */
  private static final Duration RECOVERY = Duration.ofSeconds(45);

  private static Kind other(Kind kind) {
    return kind == Kind.VNET ? Kind.WIREGUARD_GO : Kind.VNET;
  }

  /** So many came back in time; with a deadline ping may send one or two more than it waits for. */
  private static void assertAnswered(Program ping) {
    assertThat(ping.exitCode()).as(ping.output()).isZero();
  }

  /** The parts of a configuration, in an order of their own: wireguard-go lists peers in none. */
  private static List<String> parts(String configuration) {
    return Stream.of(configuration.split("(?m)^(?=\\[)", -1)).map(String::strip).sorted().toList();
  }

  /** H2: who initiates is whose peer has an endpoint; the other learns where it is. */
  @ParameterizedTest
  @CsvSource({
    "VNET, false, false",
    "VNET, true, true",
    "WIREGUARD_GO, false, true",
    "WIREGUARD_GO, true, false"
  })
  void handshake_and_data_in_both_roles(
      Kind initiator,
      boolean presharedKey,
      boolean v6Underlay,
      NetworkNamespace near,
      NetworkNamespace far) {
    try (TunnelPair pair = new TunnelPair(initiator, near, other(initiator), far)) {
      Path key = pair.file("psk", "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=\n");
      pair.join(v6Underlay, presharedKey ? "preshared-key " + key : "");

      for (boolean v6 : List.of(false, true)) {
        assertAnswered(pair.near().ping(pair.far().address(v6), "-c", "5", "-w", "20"));
        assertAnswered(pair.far().ping(pair.near().address(v6), "-c", "5", "-w", "20"));
      }

      for (End end : List.of(pair.near(), pair.far())) {
        assertThat(end.handshake()).isPositive();
        assertThat(end.peer().get(1))
            .isEqualTo(presharedKey ? "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=" : "(none)");
      }
      assertThat(pair.far().peer().get(2))
          .isEqualTo(TunnelPair.endpoint(pair.near(), v6Underlay, TunnelPair.PORT));
      // What one counts as sent the other counts as received.
      assertThat(pair.far().receivedBytes()).isEqualTo(pair.near().sentBytes());
      assertThat(pair.near().receivedBytes()).isEqualTo(pair.far().sentBytes());
    }
  }

  /** H3. */
  @ParameterizedTest
  @EnumSource(Kind.class)
  void with_different_preshared_keys_nothing_comes_through(
      Kind initiator, NetworkNamespace near, NetworkNamespace far) {
    try (TunnelPair pair = new TunnelPair(initiator, near, other(initiator), far)) {
      pair.join(false, "");
      Path key = pair.file("psk", "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=\n");
      pair.near().wg("set @ peer " + pair.far().publicKey() + " preshared-key " + key);

      Program ping = pair.near().ping(pair.far().address(false), "-c", "2", "-w", "2");

      assertThat(ping.exitCode()).isEqualTo(1);
      assertThat(pair.near().handshake()).isZero();
      pair.near().wg("set @ peer " + pair.far().publicKey() + " preshared-key /dev/null");
      await()
          .atMost(RECOVERY)
          .until(() ->
              pair.near().ping(pair.far().address(false), "-c", "1", "-w", "2").exitCode() == 0);
    }
  }

  /** E1: the far end follows the near one to another port and to another address. */
  @ParameterizedTest
  @EnumSource(Kind.class)
  void a_peer_that_moves_is_found(Kind moving, NetworkNamespace near, NetworkNamespace far) {
    try (TunnelPair pair = new TunnelPair(moving, near, other(moving), far)) {
      pair.join(false, "");
      assertAnswered(pair.near().ping(pair.far().address(false), "-c", "2", "-w", "20"));

      pair.near().wg("set @ listen-port 51999");
      assertAnswered(pair.near().ping(pair.far().address(false), "-c", "2", "-w", "20"));
      assertThat(pair.far().peer().get(2))
          .isEqualTo(TunnelPair.endpoint(pair.near(), false, 51999));

      pair.near().ip("address add 10.81.0.77/24 dev veth");
      pair.near().ip("address delete " + pair.near().underlay(false) + "/24 dev veth");
      // With the address its connected route may go, and come back.
      pair.near().ip("address replace 10.81.0.77/24 dev veth");
      await()
          .atMost(RECOVERY)
          .until(() ->
              pair.near().ping(pair.far().address(false), "-c", "1", "-w", "2").exitCode() == 0);
      assertThat(pair.far().peer().get(2)).isEqualTo("10.81.0.77:51999");
      assertAnswered(pair.far().ping(pair.near().address(false), "-c", "2", "-w", "20"));

      // And over to the other address family.
      pair.near()
          .wg(
              "set @ peer "
                  + pair.far().publicKey()
                  + " endpoint "
                  + TunnelPair.endpoint(pair.far(), true, TunnelPair.PORT));
      assertAnswered(pair.near().ping(pair.far().address(false), "-c", "2", "-w", "20"));
      assertThat(pair.far().peer().get(2)).isEqualTo(TunnelPair.endpoint(pair.near(), true, 51999));
    }
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void after_a_restart_of_either_side_packets_flow_again(
      Kind restarted, NetworkNamespace near, NetworkNamespace far) {
    try (TunnelPair pair = new TunnelPair(restarted, near, other(restarted), far)) {
      pair.join(false, "");
      assertAnswered(pair.near().ping(pair.far().address(false), "-c", "2", "-w", "20"));
      long before = pair.far().handshake();

      pair.near().restart();
      TunnelPair.prepare(pair.near());
      TunnelPair.introduce(pair.near(), pair.far(), "");

      // The other side's keys are unknown to the new program: after 15 s it notices.
      await()
          .atMost(RECOVERY)
          .until(() ->
              pair.far().ping(pair.near().address(false), "-c", "1", "-w", "2").exitCode() == 0);
      assertThat(pair.far().handshake()).isGreaterThan(before);
      assertAnswered(pair.near().ping(pair.far().address(true), "-c", "2", "-w", "20"));
    }
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void a_persistent_keepalive_keeps_coming(
      Kind sender, NetworkNamespace near, NetworkNamespace far) {
    try (TunnelPair pair = new TunnelPair(sender, near, other(sender), far)) {
      pair.join(false, "");
      pair.near().wg("set @ peer " + pair.far().publicKey() + " persistent-keepalive 1");

      await().atMost(RECOVERY).until(() -> pair.far().handshake() > 0);
      // Handshake 148, then keepalives of 32 bytes each.
      await().atMost(RECOVERY).until(() -> pair.far().receivedBytes() >= 148 + 4 * 32);
    }
  }

  /** T3. */
  @ParameterizedTest
  @ValueSource(ints = {1280, 1420, 1500})
  void packets_of_all_sizes_arrive_whole(int mtu, NetworkNamespace near, NetworkNamespace far) {
    try (TunnelPair pair = new TunnelPair(Kind.VNET, near, Kind.WIREGUARD_GO, far)) {
      pair.join(false, "");
      for (End end : List.of(pair.near(), pair.far())) {
        end.ip("link set @ mtu " + mtu);
        end.ip("link set veth mtu " + (mtu + 80));
      }
      assertAnswered(pair.near().ping(pair.far().address(false), "-c", "1", "-w", "20"));
      for (int size = 0; size <= mtu - 28; size += size < 64 ? 7 : 131) {
        assertAnswered(
            pair.near()
                .ping(
                    pair.far().address(false), "-c", "1", "-w", "5", "-M", "do", "-s", "" + size));
      }
      for (End end : List.of(pair.near(), pair.far())) {
        End peer = end == pair.near() ? pair.far() : pair.near();
        assertAnswered(
            end.ping(peer.address(false), "-c", "3", "-w", "9", "-M", "do", "-s", "" + (mtu - 28)));
        assertAnswered(end.ping(peer.address(true), "-c", "3", "-w", "9", "-s", "" + (mtu - 48)));
      }
    }
  }

  /** Super-packets and trains on our side, single packets on the other, both ways. */
  @ParameterizedTest
  @ValueSource(strings = {"", "--reverse"})
  void streams_of_tcp_arrive_whole(String direction, NetworkNamespace near, NetworkNamespace far) {
    try (TunnelPair pair = new TunnelPair(Kind.VNET, near, Kind.WIREGUARD_GO, far)) {
      pair.join(false, "");
      for (boolean v6 : List.of(false, true)) {
        List<String> command =
            new ArrayList<>(
                List.of("iperf3", "--client", pair.far().address(v6), "--bytes", "64M"));
        if (!direction.isEmpty()) {
          command.add(direction);
        }
        List<String> server = new ArrayList<>(RelayIT.inside(far));
        server.addAll(List.of("iperf3", "--server", "--one-off", "--forceflush"));
        try (Child iperf3 = Child.start(server)) {
          iperf3.awaitLine("Server listening");
          String report = pair.near().run(command.toArray(String[]::new));
          assertThat(report).contains("receiver");
          assertThat(iperf3.end().exitCode()).isZero();
        }
      }
    }
  }

  /** U2: the same commands lead to the same answers. */
  @Test
  void the_wg_tool_shows_of_both_the_same(NetworkNamespace near, NetworkNamespace far) {
    try (TunnelPair pair = new TunnelPair(Kind.VNET, near, Kind.WIREGUARD_GO, far)) {
      Path configuration =
          pair.file(
              "both.conf",
              """
              [Interface]
              PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=
              ListenPort = 51821
              FwMark = 0x2a
              [Peer]
              PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
              PresharedKey = FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=
              Endpoint = 192.0.2.9:51820
              AllowedIPs = 10.192.122.3/32, 10.192.124.1/24, fd00:0:0::5/64
              PersistentKeepalive = 25
              [Peer]
              PublicKey = TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=
              Endpoint = [2001:db8:0:0::1]:7
              AllowedIPs = 10.192.122.4/32, 192.168.0.0/16
              """);
      for (End end : List.of(pair.near(), pair.far())) {
        end.wg("setconf @ " + configuration);
      }
      assertThat(parts(pair.near().wg("showconf @"))).isEqualTo(parts(pair.far().wg("showconf @")));

      for (End end : List.of(pair.near(), pair.far())) {
        end.wg(
            "set @ peer TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0= allowed-ips 10.192.124.0/24");
        end.wg("set @ fwmark off peer xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg= remove");
        end.wg("addconf @ " + configuration);
        end.wg("syncconf @ " + configuration);
      }
      assertThat(parts(pair.near().wg("showconf @"))).isEqualTo(parts(pair.far().wg("showconf @")));
      assertThat(pair.near().wg("show @ allowed-ips").lines())
          .containsExactlyInAnyOrderElementsOf(
              pair.far().wg("show @ allowed-ips").lines().toList());
    }
  }

  @Test
  void after_it_was_asked_to_end_nothing_is_left(NetworkNamespace near, NetworkNamespace far) {
    try (TunnelPair pair = new TunnelPair(Kind.VNET, near, Kind.WIREGUARD_GO, far)) {
      pair.join(false, "");
      assertAnswered(pair.near().ping(pair.far().address(false), "-c", "2", "-w", "20"));

      Outcome end = pair.near().end();

      assertThat(end.exitCode()).as(end.toString()).isZero();
      assertThat(end.err()).isEmpty();
      assertThat(RelayIT.links(near)).doesNotContain(pair.near().device());
      assertThat(Path.of("/var/run/wireguard", pair.near().device() + ".sock")).doesNotExist();
    }
  }
}
