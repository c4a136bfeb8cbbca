package io.vnet.tunnel.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.tunnel.core.TunnelSim.Node;
import io.vnet.tunnel.noise.Messages;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.PeerChange.AllowedIpChange;
import io.vnet.tunnel.settings.TunnelDrop;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** Where peers are (cases E1 to E5) and whose addresses are (A2 to A4), between cores. */
class EndpointTest {
  private static final Endpoint ELSEWHERE = Endpoint.parse("198.51.100.9:999");

  private final TunnelSim sim = new TunnelSim(7);
  private final Node a = sim.node();
  private final Node b = sim.node();

  private Keypair current(Node node, Node other) {
    return Objects.requireNonNull(node.peer(other).current());
  }

  @Test
  void E1_replies_follow_an_authentic_message_to_another_port_address_and_family() {
    sim.handshake(a, b);
    for (String place : List.of("10.100.0.1:4", "198.51.100.1:4", "[2001:db8::1]:77")) {
      a.moveTo(Endpoint.parse(place));
      a.say(b, "from " + place);
      sim.run(0.1);
      b.say(a, "to " + place);
      sim.run(0.1);
      assertThat(a.heard().getLast()).isEqualTo("to " + place);
      assertThat(b.status(a).endpoint()).contains(Endpoint.parse(place));
    }
  }

  @Test
  void E1_a_keepalive_or_an_initiation_does_as_well() {
    sim.handshake(a, b);
    a.moveTo(ELSEWHERE);
    a.change(PeerChange.of(b.publicKey()).withPersistentKeepalive(100));
    sim.run(0.1);
    assertThat(b.peer(a).endpoint()).isEqualTo(ELSEWHERE);

    a.moveTo(Endpoint.parse("198.51.100.9:1000"));
    a.down();
    a.change(PeerChange.of(b.publicKey()).withPersistentKeepalive(0));
    a.up();
    sim.run(10);
    sim.letThrough(d -> d.type() == Messages.INITIATION);
    a.say(b, "initiates");
    sim.run(0.1);
    assertThat(b.peer(a).endpoint()).isEqualTo(Endpoint.parse("198.51.100.9:1000"));
  }

  @Test
  void E2_what_is_not_authentic_or_not_new_moves_nothing() {
    sim.handshake(a, b);
    byte[] genuine = sim.sent(a, Messages.TRANSPORT).getFirst().bytes();
    byte[] forged = a.seal(current(a, b), 9, TunnelSim.packet(a.address(), b.address(), "forged"));
    forged[20] ^= 1;

    sim.inject(ELSEWHERE, b, genuine);
    sim.inject(ELSEWHERE, b, forged);
    sim.inject(ELSEWHERE, b, sim.sent(a, Messages.INITIATION).getFirst().bytes());
    sim.inject(ELSEWHERE, a, sim.sent(b, Messages.RESPONSE).getFirst().bytes());
    sim.run(1);

    assertThat(b.peer(a).endpoint()).isEqualTo(a.endpoint());
    assertThat(a.peer(b).endpoint()).isEqualTo(b.endpoint());
    assertThat(b.drops())
        .containsOnlyKeys(TunnelDrop.REPLAY, TunnelDrop.BAD_TAG, TunnelDrop.INITIATION_REPLAY);
  }

  @Test
  void E3_without_an_endpoint_packets_wait_for_the_peers_own_handshake() {
    a.change(a.peerChange(b));
    b.change(PeerChange.of(a.publicKey()).withAllowedIps(List.of(IpPrefix.parse(a.address()))));
    b.say(a, "waits");
    sim.run(10);
    assertThat(b.drops(TunnelDrop.NO_ENDPOINT)).isPositive();
    assertThat(sim.sent()).isEmpty();

    a.say(b, "here I am");
    sim.run(1);
    assertThat(a.heard()).containsExactly("waits");
  }

  @Test
  void E3_a_packet_goes_at_once_when_an_endpoint_is_configured() {
    b.change(b.peerChange(a));
    a.change(PeerChange.of(b.publicKey()).withAllowedIps(List.of(IpPrefix.parse(b.address()))));
    a.say(b, "waits");
    sim.run(1);
    a.change(PeerChange.of(b.publicKey()).withEndpoint(b.endpoint()));
    sim.run(0.1);

    assertThat(b.heard()).containsExactly("waits");
  }

  @Test
  void E4_E5_replies_leave_by_the_address_that_was_used_until_it_is_forgotten() {
    sim.handshake(a, b);
    Endpoint.Source second = new Endpoint.Source(IpAddress.parse("10.100.0.200"), 4);
    Endpoint way = a.endpoint().withSource(second);
    sim.inject(way, b, a.seal(current(a, b), 30, new byte[0]));

    b.say(a, "by the second");
    assertThat(sim.sent(b, Messages.TRANSPORT).getLast().to()).isEqualTo(way);
    b.core().outsideChanged();
    b.say(a, "by any");
    assertThat(sim.sent(b, Messages.TRANSPORT).getLast().to()).isEqualTo(a.endpoint());

    sim.inject(way, b, a.seal(current(a, b), 31, new byte[0]));
    sim.run(10);
    sim.letThrough(_ -> false);
    b.down();
    b.up();
    b.say(a, "hello?");
    sim.run(5.5);
    var initiations = sim.sent(b, Messages.INITIATION);
    assertThat(initiations).hasSize(2);
    assertThat(initiations.get(0).to()).isEqualTo(way);
    assertThat(initiations.get(1).to()).isEqualTo(a.endpoint());
  }

  @Test
  void A2_A3_a_source_that_is_not_the_peers_is_dropped_and_nothing_is_said() {
    Node c = sim.node();
    sim.handshake(a, b);
    sim.handshake(c, b);
    // All of 10/8 is a's but for c's own address, which is within it.
    b.change(PeerChange.of(a.publicKey()).withAllowedIps(List.of(IpPrefix.parse("10.0.0.0/8"))));
    int sent = sim.sent().size();
    long received = b.status(a).receivedBytes();
    for (String source : List.of(c.address(), "192.0.2.1", "2001:db8::1")) {
      String destination = source.contains(":") ? b.address6() : b.address();
      a.route(TunnelSim.packet(source, destination, "not mine"));
    }
    sim.run(1);

    assertThat(b.drops(TunnelDrop.DISALLOWED_SOURCE)).isEqualTo(3);
    assertThat(b.heard()).containsExactly("first", "first");
    assertThat(sim.sent()).hasSize(sent + 3);
    assertThat(b.status(a).receivedBytes()).as("it is counted").isGreaterThan(received);
    a.route(TunnelSim.packet("10.255.0.1", b.address(), "mine"));
    sim.run(1);
    assertThat(b.heard()).endsWith("mine");
  }

  @Test
  void A4_traffic_follows_a_moved_prefix_at_once() {
    Node c = sim.node();
    sim.handshake(a, b);
    sim.handshake(a, c);
    String b6 = b.address6();
    a.change(
        new PeerChange(
            c.publicKey(),
            true,
            false,
            Optional.empty(),
            Optional.empty(),
            OptionalInt.empty(),
            false,
            List.of(new AllowedIpChange(IpPrefix.parse(b6), false))));
    a.route(TunnelSim.packet(a.address6(), b6, "to c now"));
    a.say(b, "still to b");
    sim.run(1);

    assertThat(c.heard()).contains("to c now");
    assertThat(b.heard()).containsExactly("first", "still to b");
    assertThat(a.status(b).allowedIps()).containsExactly(IpPrefix.parse(b.address()));
  }
}
