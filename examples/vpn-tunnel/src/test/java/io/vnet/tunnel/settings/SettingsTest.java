package io.vnet.tunnel.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.tunnel.key.PresharedKey;
import io.vnet.tunnel.settings.PeerChange.AllowedIpChange;
import io.vnet.tunnel.testkit.FakeZones;
import io.vnet.tunnel.testkit.Keys;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Changes and what there is, as values. */
class SettingsTest {
  @Test
  void a_change_has_what_it_is_given_and_nothing_else() {
    PeerChange peer = PeerChange.of(Keys.PEER);
    TunnelChange change =
        TunnelChange.NONE
            .withPrivateKey(Keys.PRIVATE)
            .withListenPort(7)
            .withMark(-1)
            .replacingPeers()
            .withPeers(List.of(peer));

    assertThat(change)
        .isEqualTo(
            new TunnelChange(
                Optional.of(Keys.PRIVATE),
                OptionalInt.of(7),
                OptionalInt.of(-1),
                true,
                List.of(peer)));
    assertThat(TunnelChange.NONE.replacePeers()).isFalse();
    assertThat(TunnelChange.NONE.peers()).isEmpty();
  }

  @Test
  void a_peers_change_has_what_it_is_given_and_nothing_else() {
    PresharedKey key = Keys.preshared(1);
    Endpoint endpoint = Endpoint.parse("1.2.3.4:5");
    IpPrefix prefix = IpPrefix.parse("10.0.0.0/8");

    assertThat(
            PeerChange.of(Keys.PEER)
                .withPresharedKey(key)
                .withEndpoint(endpoint)
                .withPersistentKeepalive(25)
                .withAllowedIps(List.of(prefix)))
        .isEqualTo(
            new PeerChange(
                Keys.PEER,
                false,
                false,
                Optional.of(key),
                Optional.of(endpoint),
                OptionalInt.of(25),
                true,
                List.of(new AllowedIpChange(prefix, false))));
    assertThat(PeerChange.removing(Keys.PEER).remove()).isTrue();
    assertThat(PeerChange.of(Keys.PEER).replaceAllowedIps()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 65536, Integer.MAX_VALUE, Integer.MIN_VALUE})
  void a_port_and_an_interval_have_16_bits(int number) {
    assertThatThrownBy(() -> TunnelChange.NONE.withListenPort(number))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("" + number);
    assertThatThrownBy(() -> PeerChange.of(Keys.PEER).withPersistentKeepalive(number))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("" + number);
  }

  @Test
  void what_a_list_had_is_kept_when_the_list_changes() {
    List<PeerChange> peers = new ArrayList<>(List.of(PeerChange.of(Keys.PEER)));
    TunnelChange change = TunnelChange.NONE.withPeers(peers);
    PeerStatus peer =
        new PeerStatus(
            Keys.PEER, Optional.empty(), Optional.empty(), Optional.empty(), 0, 0, 0, List.of());
    List<PeerStatus> statuses = new ArrayList<>();
    TunnelStatus status =
        new TunnelStatus(Optional.empty(), 0, 0, false, statuses, Map.of(TunnelDrop.REPLAY, 1L));
    peers.clear();
    statuses.add(peer);

    assertThat(change.peers()).hasSize(1);
    assertThat(status.peers()).isEmpty();
  }

  @Test
  void no_secret_is_in_the_text_of_a_value() {
    TunnelChange change =
        TunnelChange.NONE
            .withPrivateKey(Keys.PRIVATE)
            .withPeers(List.of(PeerChange.of(Keys.PEER).withPresharedKey(Keys.preshared(1))));
    TunnelStatus status =
        new TunnelStatus(
            Optional.of(Keys.PRIVATE),
            0,
            0,
            true,
            List.of(
                new PeerStatus(
                    Keys.PEER,
                    Optional.of(Keys.preshared(1)),
                    Optional.empty(),
                    Optional.empty(),
                    0,
                    0,
                    0,
                    List.of())),
            Map.of());

    for (String secret :
        List.of(
            Keys.PRIVATE.base64(),
            Keys.PRIVATE.hex(),
            Keys.preshared(1).base64(),
            Keys.preshared(1).hex())) {
      assertThat(change.toString()).doesNotContain(secret).contains("(hidden)");
      assertThat(status.toString()).doesNotContain(secret).contains("(hidden)");
    }
  }

  @Test
  void a_zone_is_a_name_or_a_number() {
    ZoneNames zones = new FakeZones();
    Endpoint endpoint = new Endpoint(IpAddress.parse("fe80::1"), 5, 3, Optional.empty());

    assertThat(zones.endpoint("fe80::1%veth3", 5)).isEqualTo(endpoint);
    assertThat(zones.endpoint("fe80::1%3", 5)).isEqualTo(endpoint);
    assertThat(zones.endpoint("fe80::1", 5).scopeId()).isZero();
    assertThat(zones.endpoint("1.2.3.4", 5)).isEqualTo(Endpoint.parse("1.2.3.4:5"));
    assertThat(zones.text(endpoint)).isEqualTo("[fe80::1%veth3]:5");
    assertThat(zones.text(Endpoint.parse("[fe80::1%5]:5"))).isEqualTo("[fe80::1%5]:5");
    assertThat(zones.text(Endpoint.parse("1.2.3.4:5"))).isEqualTo("1.2.3.4:5");
    assertThatThrownBy(() -> zones.endpoint("fe80::1%nosuch", 5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("there is no interface 'nosuch'");
  }

  @Test
  void the_zones_of_this_process_are_its_interfaces() throws SocketException {
    NetworkInterface loopback = Objects.requireNonNull(NetworkInterface.getByName("lo"));
    ZoneNames zones = ZoneNames.ofThisProcess();

    assertThat(zones.index("lo")).hasValue(loopback.getIndex());
    assertThat(zones.name(loopback.getIndex())).contains("lo");
    assertThat(zones.index("no such one")).isEmpty();
    assertThat(zones.index("")).isEmpty();
    assertThat(zones.name(0)).isEmpty();
    assertThat(zones.name(-1)).isEmpty();
    assertThat(zones.name(Integer.MAX_VALUE)).isEmpty();
  }
}
