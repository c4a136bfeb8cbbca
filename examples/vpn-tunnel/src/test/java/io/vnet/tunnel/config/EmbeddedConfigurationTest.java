package io.vnet.tunnel.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.typesafe.config.ConfigFactory;
import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpPrefix;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.testkit.Keys;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A tunnel in an application's own settings. */
class EmbeddedConfigurationTest {
  private static QuickConfiguration read(String hocon) {
    return EmbeddedConfiguration.read(ConfigFactory.parseString(hocon), "vnet.tunnel");
  }

  private static List<String> problems(String hocon) {
    return Objects.requireNonNull(
            catchThrowableOfType(ConfigurationException.class, () -> read(hocon)), hocon)
        .problems()
        .stream()
        .map(ConfigurationProblem::toString)
        .toList();
  }

  @Test
  void all_of_it(@TempDir Path directory) throws IOException {
    Path secret = Files.writeString(directory.resolve("key"), Keys.PRIVATE.base64() + "\n");
    Path preshared = Files.writeString(directory.resolve("psk"), Keys.preshared(1).base64());
    QuickConfiguration configuration =
        read(
            """
            vnet.tunnel {
              private-key-file = "%s"
              listen-port = 51820
              fw-mark = 0x10
              peers = [{
                public-key = "%s"
                preshared-key-file = "%s"
                endpoint = "192.0.2.1:51820"
                allowed-ips = ["10.0.0.0/24", "fd00::/64"]
                persistent-keepalive = 25
              }, {
                public-key = "%s"
                preshared-key = "%s"
                allowed-ips = "10.1.0.0/24, 10.2.0.0/24"
                persistent-keepalive = off
              }, {
                public-key = "%s"
                allowed-ips = []
              }]
            }
            """
                .formatted(
                    secret,
                    Keys.PEER.base64(),
                    preshared,
                    Keys.peer(1).base64(),
                    Keys.preshared(2).base64(),
                    Keys.peer(2).base64()));

    assertThat(configuration.warnings()).isEmpty();
    assertThat(configuration.toChange(Map.of(Keys.PEER, Endpoint.parse("192.0.2.1:51820"))))
        .isEqualTo(
            TunnelChange.NONE
                .withPrivateKey(Keys.PRIVATE)
                .withListenPort(51820)
                .withMark(16)
                .withPeers(
                    List.of(
                        PeerChange.of(Keys.PEER)
                            .withPresharedKey(Keys.preshared(1))
                            .withEndpoint(Endpoint.parse("192.0.2.1:51820"))
                            .withPersistentKeepalive(25)
                            .withAllowedIps(
                                List.of(
                                    IpPrefix.parse("10.0.0.0/24"), IpPrefix.parse("fd00::/64"))),
                        PeerChange.of(Keys.peer(1))
                            .withPresharedKey(Keys.preshared(2))
                            .withPersistentKeepalive(0)
                            .withAllowedIps(
                                List.of(
                                    IpPrefix.parse("10.1.0.0/24"), IpPrefix.parse("10.2.0.0/24"))),
                        PeerChange.of(Keys.peer(2)).withAllowedIps(List.of()))));
  }

  @Test
  void messages_name_the_path() {
    assertThat(
            problems(
                """
                vnet.tunnel {
                  private-key = abc
                  listen-port = 70000
                  mtu = 1400
                  peers = [
                    { public-key = "%1$s", allowed-ips = ["10.0.0.0/33", "10.0.0.0/8"], endpoint = x }
                    { allowed-ips = [1], persistent-keepalive = true, preshared-key-file = /no/such }
                    { public-key = "%1$s", allowed-ips = "10.0.0.0/8" }
                    7
                  ]
                }
                """
                    .formatted(Keys.PEER.base64())))
        .containsExactlyInAnyOrder(
            "configuration: vnet.tunnel.private-key: not a key: 44 base64 characters wanted, 3 given",
            "configuration: vnet.tunnel.listen-port: not a port: 0–65535 ('70000')",
            "configuration: vnet.tunnel.mtu: unknown key in [Interface]",
            "configuration: vnet.tunnel.peers[0].allowed-ips: prefix length 33 is beyond 32"
                + " ('10.0.0.0/33')",
            "configuration: vnet.tunnel.peers[0].endpoint: no port ('x')",
            "configuration: vnet.tunnel.peers[1].allowed-ips: not a value of its kind",
            "configuration: vnet.tunnel.peers[1].persistent-keepalive: neither off nor 0–65535"
                + " ('true')",
            "configuration: vnet.tunnel.peers[1].preshared-key-file: cannot be read:"
                + " NoSuchFileException ('/no/such')",
            "configuration: PublicKey: [Peer] at vnet.tunnel.peers[1] has no PublicKey",
            "configuration: vnet.tunnel.peers[2].public-key: duplicate peer, first at"
                + " vnet.tunnel.peers[0] ('"
                + Keys.PEER.base64()
                + "')",
            "configuration: vnet.tunnel.peers[2].allowed-ips: 10.0.0.0/8 already belongs to the peer"
                + " at vnet.tunnel.peers[0]",
            "configuration: vnet.tunnel.peers[3]: not an object");
  }

  @Test
  void what_is_missing_is_named() {
    assertThat(problems("")).containsExactly("configuration: vnet.tunnel: there is no such object");
    assertThat(problems("vnet.tunnel = 1"))
        .containsExactly("configuration: vnet.tunnel: there is no such object");
    assertThat(problems("vnet.tunnel {}"))
        .containsExactly("configuration: vnet.tunnel: no PrivateKey");
    assertThat(problems("vnet.tunnel.peers = {a: 1}"))
        .containsExactlyInAnyOrder(
            "configuration: vnet.tunnel.peers: not a list",
            "configuration: vnet.tunnel: no PrivateKey");
  }
}
