package io.vnet.tunnel.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.tunnel.config.EndpointResolver.Unknown;
import io.vnet.tunnel.config.QuickSettings.Hook;
import io.vnet.tunnel.settings.PeerStatus;
import io.vnet.tunnel.settings.TunnelStatus;
import io.vnet.tunnel.testkit.FakeZones;
import io.vnet.tunnel.testkit.Keys;
import io.vnet.tunnel.testkit.MemoryTunnel;
import io.vnet.tunnel.testkit.RandomTunnels;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** What is saved (16.6) and shown, and that it can be read again. */
class ConfigurationTextTest {
  private static final FakeZones ZONES = new FakeZones();
  private static final TunnelStatus STATUS =
      new TunnelStatus(
          Optional.of(Keys.PRIVATE),
          51820,
          0xca6c,
          true,
          List.of(
              new PeerStatus(
                  Keys.PEER,
                  Optional.of(Keys.preshared(1)),
                  Optional.of(Endpoint.parse("[fe80::1%3]:5")),
                  Optional.of(Instant.ofEpochSecond(1)),
                  1,
                  2,
                  25,
                  List.of(IpPrefix.parse("10.0.0.0/8"), IpPrefix.parse("fd00::/64"))),
              new PeerStatus(
                  Keys.peer(1),
                  Optional.empty(),
                  Optional.empty(),
                  Optional.empty(),
                  0,
                  0,
                  0,
                  List.of())),
          Map.of());
  private static final String TUNNEL =
      """
      ListenPort = 51820
      FwMark = 0xca6c
      PrivateKey = %s

      [Peer]
      PublicKey = %s
      PresharedKey = %s
      AllowedIPs = 10.0.0.0/8, fd00::/64
      Endpoint = [fe80::1%%veth3]:5
      PersistentKeepalive = 25

      [Peer]
      PublicKey = %s
      """
          .formatted(
              Keys.PRIVATE.base64(),
              Keys.PEER.base64(),
              Keys.preshared(1).base64(),
              Keys.peer(1).base64());

  private static final QuickSettings QUICK =
      new QuickSettings(
          List.of(IpPrefix.parse("10.0.0.1/24"), IpPrefix.parse("fd00::1/64")),
          List.of(IpAddress.parse("1.1.1.1")),
          List.of("lan"),
          OptionalInt.of(1400),
          new RouteTable.Named("vpn"),
          true,
          List.of(new Hook(7, "a # b")),
          List.of(new Hook(8, "c"), new Hook(9, "d")),
          List.of(new Hook(10, "e")),
          List.of(new Hook(11, "f")));

  private static QuickConfiguration parse(String text) {
    return ConfigurationFile.parse("wg0.conf", text.getBytes(StandardCharsets.UTF_8));
  }

  /** A tunnel that is configured by a text. */
  private static TunnelStatus configured(QuickConfiguration configuration)
      throws InterruptedException {
    EndpointResolver resolver =
        new EndpointResolver(_ -> new Unknown("no names here"), ZONES, _ -> {}, 0);
    MemoryTunnel tunnel = new MemoryTunnel();
    tunnel
        .change(configuration.toChange(resolver.resolve(configuration)))
        .toCompletableFuture()
        .join();
    return tunnel.now();
  }

  @Test
  void a_tunnel() {
    assertThat(ConfigurationText.tunnel(STATUS, ZONES)).isEqualTo("[Interface]\n" + TUNNEL);
  }

  @Test
  void a_tunnel_without_anything() {
    TunnelStatus nothing = new TunnelStatus(Optional.empty(), 0, 0, true, List.of(), Map.of());

    assertThat(ConfigurationText.tunnel(nothing, ZONES)).isEqualTo("[Interface]\n");
  }

  @Test
  void all_that_is_saved() {
    assertThat(ConfigurationText.quick(QUICK, STATUS, ZONES))
        .isEqualTo(
            """
            [Interface]
            Address = 10.0.0.1/24
            Address = fd00::1/64
            DNS = 1.1.1.1
            DNS = lan
            MTU = 1400
            Table = vpn
            SaveConfig = true
            PreUp = a # b
            PostUp = c
            PostUp = d
            PreDown = e
            PostDown = f
            """
                + TUNNEL);
  }

  @Test
  void what_is_saved_is_read_again() throws InterruptedException {
    QuickConfiguration read = parse(ConfigurationText.quick(QUICK, STATUS, ZONES));

    assertThat(read.warnings()).isEmpty();
    assertThat(read.quick().addresses()).isEqualTo(QUICK.addresses());
    assertThat(read.quick().table()).isEqualTo(QUICK.table());
    assertThat(read.quick().preUp()).extracting(Hook::command).containsExactly("a # b");
    assertThat(ConfigurationText.quick(read.quick(), configured(read), ZONES))
        .isEqualTo(ConfigurationText.quick(QUICK, STATUS, ZONES));
  }

  @Test
  void addresses_and_mtu_are_what_they_are_when_it_is_saved() {
    QuickSettings now =
        QuickSettings.NONE.withAddresses(List.of(IpPrefix.parse("10.9.9.9/32"))).withMtu(1300);

    assertThat(ConfigurationText.quick(now, STATUS, ZONES))
        .isEqualTo("[Interface]\nAddress = 10.9.9.9/32\nMTU = 1300\n" + TUNNEL);
    assertThat(parse("[Interface]\nPreUp = x\n").withQuick(now).quick()).isEqualTo(now);
  }

  @Test
  void random_tunnels_survive_files() throws InterruptedException {
    long seed = 9;
    RandomTunnels tunnels = new RandomTunnels(seed, 3, 7, 5);
    for (int i = 0; i < 1_000; i++) {
      TunnelStatus status = tunnels.next();
      String text = ConfigurationText.tunnel(status, ZONES);
      assertThat(ConfigurationText.tunnel(configured(parse(text)), ZONES))
          .as("seed %d, tunnel %d", seed, i)
          .isEqualTo(text);
    }
  }
}
