package io.vnet.tunnel.uapi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpPrefix;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import io.vnet.tunnel.config.ConfigurationText;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.PeerStatus;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.settings.TunnelStatus;
import io.vnet.tunnel.settings.ZoneNames;
import io.vnet.tunnel.testkit.Keys;
import io.vnet.tunnel.testkit.MemoryTunnel;
import io.vnet.tunnel.testkit.RandomTunnels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The unmodified tool wg against the socket (cases U2, U6; 15.5 and 15.6). The tool looks in one
 * directory only: it runs in a mount namespace in which the test's own is there, so nothing of the
 * host is touched.
 */
class WgToolIT {
  private static final String NAME = "vnt0";
  private static final ZoneNames ZONES = ZoneNames.ofThisProcess();

  @TempDir private Path run;
  private final MemoryTunnel tunnel = new MemoryTunnel();
  private final CountDownLatch deleted = new CountDownLatch(1);
  private @Nullable UapiServer server;

  @BeforeEach
  void serve() {
    Optional<String> obstacle = NetworkNamespaces.obstacle();
    assumeThat(obstacle).as("a host test cannot run here").isEmpty();
    server = UapiServer.listen(run.resolve("wireguard"), NAME, tunnel, ZONES, deleted::countDown);
  }

  @AfterEach
  void close() {
    if (server != null) {
      server.close();
    }
  }

  private Program foreign(String... command) {
    List<String> all =
        new ArrayList<>(
            List.of(
                "unshare",
                "--mount",
                "sh",
                "-c",
                "mount --bind \"$0\" /var/run && exec \"$@\"",
                run.toString()));
    all.addAll(List.of(command));
    return Program.run(all);
  }

  private String wg(String... arguments) {
    List<String> all = new ArrayList<>(List.of("wg"));
    all.addAll(List.of(arguments));
    Program program = foreign(all.toArray(String[]::new));
    assertThat(program.exitCode()).as("%s: %s", all, program.output()).isZero();
    return program.output();
  }

  private String file(String text) throws IOException {
    return Files.writeString(Files.createTempFile(run, "file", ".conf"), text).toString();
  }

  private TunnelChange lastChange() {
    return tunnel.changes().getLast();
  }

  @Test
  void U2_set_of_the_interface() throws IOException {
    String key = file(Keys.PRIVATE.base64() + "\n");
    wg("set", NAME, "listen-port", "7", "fwmark", "0xca6c", "private-key", key);

    assertThat(lastChange())
        .isEqualTo(
            TunnelChange.NONE.withPrivateKey(Keys.PRIVATE).withListenPort(7).withMark(0xca6c));
    wg("set", NAME, "fwmark", "off");
    assertThat(lastChange()).isEqualTo(TunnelChange.NONE.withMark(0));
    wg("set", NAME, "private-key", file(""));
    assertThat(tunnel.now().privateKey()).isEmpty();
  }

  @Test
  void U2_set_of_a_peer() throws IOException {
    String secret = file(Keys.preshared(1).base64());
    String key = Keys.PEER.base64();
    wg(
        "set",
        NAME,
        "peer",
        key,
        "preshared-key",
        secret,
        "endpoint",
        "[2001:DB8::1]:51820",
        "persistent-keepalive",
        "25",
        "allowed-ips",
        "10.0.0.0/24,fd00::5/64");

    assertThat(lastChange())
        .isEqualTo(
            TunnelChange.NONE.withPeers(
                List.of(
                    PeerChange.of(Keys.PEER)
                        .withPresharedKey(Keys.preshared(1))
                        .withEndpoint(Endpoint.parse("[2001:db8::1]:51820"))
                        .withPersistentKeepalive(25)
                        .withAllowedIps(
                            List.of(IpPrefix.parse("10.0.0.0/24"), IpPrefix.parse("fd00::/64"))))));
    wg("set", NAME, "peer", key, "allowed-ips", "", "preshared-key", file(""));
    assertThat(tunnel.now().peers().getFirst().allowedIps()).isEmpty();
    assertThat(tunnel.now().peers().getFirst().presharedKey()).isEmpty();
    wg("set", NAME, "peer", key, "remove", "peer", Keys.peer(1).base64());
    assertThat(tunnel.now().peers())
        .extracting(PeerStatus::publicKey)
        .containsExactly(Keys.peer(1));
  }

  @Test
  void a_link_local_endpoint_keeps_its_interface() {
    wg("set", NAME, "peer", Keys.PEER.base64(), "endpoint", "[fe80::1%lo]:5");

    assertThat(tunnel.now().peers().getFirst().endpoint().orElseThrow().scopeId())
        .isEqualTo(ZONES.index("lo").orElseThrow());
    assertThat(wg("show", NAME, "endpoints")).endsWith("\t[fe80::1%lo]:5\n");
  }

  @Test
  void U2_random_configurations_survive_setconf_and_showconf() throws IOException {
    long seed = 2;
    RandomTunnels tunnels = new RandomTunnels(seed, 0);
    for (int i = 0; i < 30; i++) {
      String text = ConfigurationText.tunnel(tunnels.next(), ZONES);
      if (text.contains("ListenPort = 1\n")) {
        continue;
      }
      wg("setconf", NAME, file(text));

      // The tool has an empty line behind the interface also where no peer follows.
      String expected = text.contains("[Peer]") ? text : text + "\n";
      assertThat(wg("showconf", NAME)).as("seed %d, tunnel %d", seed, i).isEqualTo(expected);
      assertThat(ConfigurationText.tunnel(tunnel.now(), ZONES)).isEqualTo(text);
    }
  }

  @Test
  void U2_setconf_switches_off_what_the_file_has_not() throws IOException {
    tunnel.set(new RandomTunnels(3, 0).next());
    wg("setconf", NAME, file("[Interface]\n"));

    assertThat(tunnel.now())
        .isEqualTo(new TunnelStatus(Optional.empty(), 0, 0, true, List.of(), Map.of()));
    assertThat(lastChange().privateKey().map(PrivateKey::isZero)).contains(true);
    assertThat(lastChange().replacePeers()).isTrue();
  }

  @Test
  void U2_addconf_adds() throws IOException {
    wg("set", NAME, "listen-port", "7", "peer", Keys.PEER.base64());
    wg("addconf", NAME, file("[Peer]\nPublicKey=" + Keys.peer(1).base64() + "\nAllowedIPs=::/0"));

    assertThat(tunnel.now().listenPort()).isEqualTo(7);
    assertThat(tunnel.now().peers())
        .extracting(PeerStatus::publicKey)
        .containsExactly(Keys.PEER, Keys.peer(1));
    assertThat(lastChange().replacePeers()).isFalse();
  }

  @Test
  void U3_syncconf_leaves_peers_that_stay() throws IOException {
    wg(
        "set",
        NAME,
        "peer",
        Keys.PEER.base64(),
        "peer",
        Keys.peer(1).base64(),
        "persistent-keepalive",
        "5");
    String peers =
        "[Peer]\nPublicKey=%s\n[Peer]\nPublicKey=%s\nAllowedIPs=10.0.0.0/8\n"
            .formatted(Keys.peer(1).base64(), Keys.peer(2).base64());
    wg("syncconf", NAME, file("[Interface]\nListenPort=9\n" + peers));

    assertThat(lastChange().replacePeers()).isFalse();
    assertThat(lastChange().peers())
        .filteredOn(PeerChange::remove)
        .extracting(PeerChange::publicKey)
        .containsExactly(Keys.PEER);
    assertThat(tunnel.now().listenPort()).isEqualTo(9);
    assertThat(tunnel.now().peers())
        .extracting(PeerStatus::publicKey)
        .containsExactly(Keys.peer(1), Keys.peer(2));
  }

  /** The table of 15.6. */
  @Test
  void U2_show_and_dump() {
    PeerStatus all =
        new PeerStatus(
            Keys.PEER,
            Optional.of(Keys.preshared(1)),
            Optional.of(Endpoint.parse("192.0.2.1:51820")),
            Optional.of(Instant.ofEpochSecond(1_700_000_000, 999)),
            11,
            22,
            25,
            List.of(IpPrefix.parse("10.0.0.0/8"), IpPrefix.parse("::ffff:10.0.0.0/104")));
    PeerStatus none =
        new PeerStatus(
            Keys.peer(1), Optional.empty(), Optional.empty(), Optional.empty(), 0, 0, 0, List.of());
    tunnel.set(
        new TunnelStatus(
            Optional.of(Keys.PRIVATE), 51820, 0xca6c, true, List.of(all, none), Map.of()));

    assertThat(wg("show", NAME, "dump"))
        .isEqualTo(
            String.join("\t", Keys.PRIVATE.base64(), Keys.OWN.base64(), "51820", "0xca6c")
                + "\n"
                + String.join(
                    "\t",
                    Keys.PEER.base64(),
                    Keys.preshared(1).base64(),
                    "192.0.2.1:51820",
                    "10.0.0.0/8,::ffff:10.0.0.0/104",
                    "1700000000",
                    "22",
                    "11",
                    "25")
                + "\n"
                + String.join(
                    "\t", Keys.peer(1).base64(), "(none)", "(none)", "(none)", "0", "0", "0", "off")
                + "\n");
    assertThat(wg("show", NAME))
        .contains("interface: " + NAME, "listening port: 51820", "peer: " + Keys.PEER.base64())
        .doesNotContain(Keys.PRIVATE.base64());
    assertThat(wg("show", "all", "dump").lines()).allMatch(line -> line.startsWith(NAME + "\t"));
    assertThat(wg("show", "interfaces")).isEqualTo(NAME + "\n");
  }

  @Test
  void U8_a_port_that_is_taken_is_told() {
    Program program =
        foreign("wg", "set", NAME, "listen-port", "" + MemoryTunnel.TAKEN_PORT, "fwmark", "5");

    assertThat(program.exitCode()).isNotZero();
    assertThat(program.output()).contains("Address already in use");
    assertThat(tunnel.now().mark()).isZero();
  }

  @Test
  void U6_deleting_the_file_is_told_and_the_tool_finds_nothing() throws InterruptedException {
    assertThat(foreign("rm", "/var/run/wireguard/" + NAME + ".sock").exitCode()).isZero();

    assertThat(deleted.await(30, TimeUnit.SECONDS)).isTrue();
    assertThat(foreign("wg", "show", NAME).exitCode()).isNotZero();
  }

  @Test
  void U6_the_tool_removes_what_is_stale_and_sees_what_is_served() throws IOException {
    SocketFile.Listening dead = SocketFile.listen(run.resolve("wireguard/vnt1.sock"));
    dead.socket().close();

    assertThat(wg("show", "interfaces")).isEqualTo(NAME + "\n");
    assertThat(run.resolve("wireguard/vnt1.sock")).doesNotExist();
    assertThat(run.resolve("wireguard/" + NAME + ".sock")).exists();
  }
}
