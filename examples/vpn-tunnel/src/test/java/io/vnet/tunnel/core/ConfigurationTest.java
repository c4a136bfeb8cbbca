package io.vnet.tunnel.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.IpPrefix;
import io.vnet.tunnel.core.TunnelSim.Node;
import io.vnet.tunnel.key.PresharedKey;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.noise.Messages;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.PeerChange.AllowedIpChange;
import io.vnet.tunnel.settings.PeerStatus;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.settings.TunnelDrop;
import io.vnet.tunnel.settings.TunnelStatus;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** What changes of the configuration mean, and the status that shows them. */
class ConfigurationTest {
  private final TunnelSim sim = new TunnelSim(8);
  private final Node a = sim.node();
  private final Node b = sim.node();
  private final Node c = sim.node();

  private static PeerChange updating(PeerChange change) {
    return new PeerChange(
        change.publicKey(),
        true,
        change.remove(),
        change.presharedKey(),
        change.endpoint(),
        change.persistentKeepalive(),
        change.replaceAllowedIps(),
        change.allowedIps());
  }

  private static PeerChange allowedIps(Node peer, String... changes) {
    List<AllowedIpChange> list =
        Arrays.stream(changes)
            .map(text ->
                new AllowedIpChange(IpPrefix.parse(text.replace("-", "")), text.startsWith("-")))
            .toList();
    return new PeerChange(
        peer.publicKey(),
        false,
        false,
        Optional.empty(),
        Optional.empty(),
        OptionalInt.empty(),
        false,
        list);
  }

  private List<PeerStatus> peers() {
    return a.core().status().peers();
  }

  @Test
  void a_peer_is_made_with_nothing_and_shown_in_the_order_of_making() {
    a.change(
        TunnelChange.NONE.withPeers(
            List.of(PeerChange.of(c.publicKey()), PeerChange.of(b.publicKey()))));

    TunnelStatus status = a.core().status();
    assertThat(status.privateKey()).contains(a.privateKey());
    assertThat(status.up()).isTrue();
    assertThat(status.peers())
        .containsExactly(
            new PeerStatus(
                c.publicKey(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                0,
                0,
                0,
                List.of()),
            new PeerStatus(
                b.publicKey(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                0,
                0,
                0,
                List.of()));
  }

  @Test
  void all_of_a_peer_can_be_set_and_taken_back() {
    byte[] key = new byte[PresharedKey.BYTES];
    key[0] = 1;
    a.change(a.peerChange(b).withPresharedKey(PresharedKey.of(key)).withPersistentKeepalive(65535));
    PeerStatus set = a.status(b);
    assertThat(set.presharedKey()).contains(PresharedKey.of(key));
    assertThat(set.endpoint()).contains(b.endpoint());
    assertThat(set.persistentKeepalive()).isEqualTo(65535);
    assertThat(set.allowedIps())
        .containsExactly(IpPrefix.parse(b.address()), IpPrefix.parse(b.address6()));

    a.change(
        PeerChange.of(b.publicKey())
            .withPresharedKey(PresharedKey.of(new byte[PresharedKey.BYTES]))
            .withPersistentKeepalive(0)
            .withAllowedIps(List.of()));
    PeerStatus back = a.status(b);
    assertThat(back.presharedKey()).isEmpty();
    assertThat(back.persistentKeepalive()).isZero();
    assertThat(back.allowedIps()).isEmpty();
    assertThat(back.endpoint()).as("nobody said otherwise").contains(b.endpoint());
  }

  @Test
  void an_update_of_nobody_and_the_removal_of_nobody_do_nothing() {
    a.change(updating(a.peerChange(b)));
    a.change(PeerChange.removing(c.publicKey()));

    assertThat(peers()).isEmpty();
    assertThat(a.knows(b)).isFalse();
  }

  @Test
  void a_key_may_come_up_more_than_once_in_a_change() {
    a.change(
        TunnelChange.NONE.withPeers(
            List.of(
                PeerChange.of(b.publicKey()).withPersistentKeepalive(7),
                updating(PeerChange.of(b.publicKey()).withEndpoint(b.endpoint())),
                PeerChange.removing(c.publicKey()),
                PeerChange.of(c.publicKey()),
                PeerChange.removing(c.publicKey()))));

    assertThat(peers()).hasSize(1);
    assertThat(a.status(b).persistentKeepalive()).isEqualTo(7);
    assertThat(a.status(b).endpoint()).contains(b.endpoint());
    assertThat(a.knows(c)).isFalse();
  }

  @Test
  void allowed_ips_are_added_removed_and_moved_in_order() {
    a.change(allowedIps(b, "10.1.0.0/16", "10.2.0.9/16"));
    a.change(allowedIps(c, "-10.1.0.0/16", "10.2.0.0/16"));
    a.change(allowedIps(b, "10.3.0.0/16", "-10.3.0.0/24", "-10.4.0.0/16"));

    assertThat(a.status(b).allowedIps())
        .containsExactly(IpPrefix.parse("10.1.0.0/16"), IpPrefix.parse("10.3.0.0/16"));
    assertThat(a.status(c).allowedIps()).containsExactly(IpPrefix.parse("10.2.0.0/16"));
    a.change(PeerChange.removing(b.publicKey()));
    a.route(TunnelSim.packet(a.address(), "10.1.0.1", "whose?"));
    assertThat(a.drops(TunnelDrop.NO_PEER)).isEqualTo(1);
  }

  @Test
  void replacing_all_peers_begins_anew() {
    sim.handshake(a, b);
    a.change(
        TunnelChange.NONE.replacingPeers().withPeers(List.of(a.peerChange(b), a.peerChange(c))));

    assertThat(peers()).hasSize(2);
    assertThat(a.status(b).lastHandshake()).isEmpty();
    assertThat(a.crypto().openCiphers()).isZero();
    a.change(TunnelChange.NONE.replacingPeers());
    assertThat(peers()).isEmpty();
  }

  @Test
  void the_device_itself_is_never_a_peer() {
    a.change(PeerChange.of(a.publicKey()).withPersistentKeepalive(1));
    assertThat(peers()).isEmpty();
    sim.join(a, b);
    Peer peer = a.peer(b);
    a.change(TunnelChange.NONE.withPrivateKey(b.privateKey()));

    assertThat(peers()).isEmpty();
    assertThat(a.knows(b)).isFalse();
    assertThat(peer.isRunning()).isFalse();
  }

  @Test
  void a_change_of_the_preshared_key_leaves_running_keys_alone() {
    sim.handshake(a, b);
    byte[] key = new byte[PresharedKey.BYTES];
    key[9] = 9;
    a.change(PeerChange.of(b.publicKey()).withPresharedKey(PresharedKey.of(key)));
    a.say(b, "still");
    sim.run(1);
    assertThat(b.heard()).containsExactly("first", "still");
  }

  @Test
  void U7_a_new_private_key_retires_keypairs_for_sending_and_they_go_on_receiving() {
    sim.handshake(a, b);
    PrivateKey newKey = c.privateKey();
    Keypair old = Objects.requireNonNull(a.peer(b).current());
    a.change(TunnelChange.NONE.withPrivateKey(newKey));
    assertThat(a.core().status().privateKey()).contains(newKey);

    b.say(a, "to the old");
    sim.run(0.1);
    assertThat(a.heard()).containsExactly("to the old");
    assertThat(a.peer(b).beginSending(sim.now())).isNull();

    // The other side learns of the new key; the prefix goes along.
    b.change(PeerChange.removing(a.publicKey()));
    b.change(
        PeerChange.of(c.publicKey())
            .withEndpoint(a.endpoint())
            .withAllowedIps(List.of(IpPrefix.parse(a.address()))));
    a.say(b, "by the new");
    sim.run(0.1);
    assertThat(b.heard()).containsExactly("first", "by the new");
    assertThat(a.peer(b).current()).isNotSameAs(old);
    a.checkInvariants();
  }

  @Test
  void the_same_private_key_changes_nothing() {
    sim.handshake(a, b);
    Keypair keypair = a.peer(b).current();
    a.change(TunnelChange.NONE.withPrivateKey(PrivateKey.of(a.privateKey().bytes())));

    assertThat(a.peer(b).beginSending(sim.now())).isSameAs(keypair);
  }

  @Test
  void peers_that_are_configured_while_down_start_when_it_comes_up() {
    a.down();
    a.change(a.peerChange(b));
    b.change(b.peerChange(a));
    a.say(b, "too early");
    assertThat(a.core().status().up()).isFalse();
    assertThat(a.drops(TunnelDrop.STAGED_DROPPED)).isEqualTo(1);
    b.say(a, "nobody home");
    sim.run(1);
    assertThat(sim.sent(a, Messages.RESPONSE)).isEmpty();
    assertThat(a.drops(TunnelDrop.BAD_HANDSHAKE)).isEqualTo(1);
    a.up();
    a.up();
    a.say(b, "in time");
    sim.run(6);

    assertThat(b.heard()).containsExactly("in time");
    assertThat(a.heard()).containsExactly("nobody home");
  }

  @Test
  void configuration_and_statistics_survive_down_and_up() {
    sim.handshake(a, b);
    PeerStatus before = a.status(b);
    a.down();
    a.up();

    assertThat(a.status(b)).isEqualTo(before);
    assertThat(before.lastHandshake()).isPresent();
  }
}
