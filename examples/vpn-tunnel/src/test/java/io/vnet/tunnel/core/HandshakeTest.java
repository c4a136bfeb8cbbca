package io.vnet.tunnel.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpPrefix;
import io.vnet.tunnel.KnownAnswers;
import io.vnet.tunnel.core.TunnelSim.Datagram;
import io.vnet.tunnel.core.TunnelSim.Node;
import io.vnet.tunnel.key.PresharedKey;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.noise.Messages;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.settings.TunnelDrop;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Handshakes between cores (cases H2 to H13 of the specification's list). */
class HandshakeTest {
  private static final int INITIATION = Messages.INITIATION;
  private static final int RESPONSE = Messages.RESPONSE;
  private static final int TRANSPORT = Messages.TRANSPORT;

  private final TunnelSim sim = new TunnelSim(1);
  private final Node a = sim.node();
  private final Node b = sim.node();

  private static PresharedKey presharedKey(int filler) {
    byte[] key = new byte[PresharedKey.BYTES];
    key[3] = (byte) filler;
    return PresharedKey.of(key);
  }

  @ParameterizedTest
  @CsvSource({"false, false", "true, false", "false, true", "true, true"})
  void H2_data_flows_both_ways(boolean keyShared, boolean ipv6Outside) {
    if (ipv6Outside) {
      a.moveTo(Endpoint.parse("[2001:db8::a]:1"));
      b.moveTo(Endpoint.parse("[2001:db8::b]:2"));
    }
    sim.join(a, b);
    if (keyShared) {
      a.change(PeerChange.of(b.publicKey()).withPresharedKey(presharedKey(1)));
      b.change(PeerChange.of(a.publicKey()).withPresharedKey(presharedKey(1)));
    }

    a.say(b, "there");
    sim.run(1);
    b.say(a, "and back");
    a.route(TunnelSim.packet(a.address6(), b.address6(), "by six"));
    sim.run(1);

    assertThat(b.heard()).containsExactly("there", "by six");
    assertThat(a.heard()).containsExactly("and back");
    assertThat(sim.sent(a, INITIATION)).hasSize(1);
    assertThat(sim.sent(b, RESPONSE)).hasSize(1);
    assertThat(a.drops()).isEmpty();
    assertThat(b.drops()).isEmpty();
    assertThat(a.status(b).lastHandshake()).isPresent();
    assertThat(b.status(a).lastHandshake()).isPresent();
    // Initiation and two messages with data, 32 bytes and one block of padding more.
    assertThat(a.status(b).sentBytes()).isEqualTo(148 + (32 + 32) + (32 + 48));
    assertThat(b.status(a).receivedBytes()).isEqualTo(148 + (32 + 32) + (32 + 48));
    assertThat(b.status(a).sentBytes()).isEqualTo(92 + (32 + 32));
    assertThat(a.status(b).receivedBytes()).isEqualTo(92 + (32 + 32));
  }

  @Test
  void H3_with_another_preshared_key_the_initiator_drops_the_response() {
    sim.join(a, b);
    a.change(PeerChange.of(b.publicKey()).withPresharedKey(presharedKey(1)));
    b.change(PeerChange.of(a.publicKey()).withPresharedKey(presharedKey(2)));

    a.say(b, "never");
    sim.run(4);

    assertThat(sim.sent(b, RESPONSE)).hasSize(1);
    assertThat(a.drops(TunnelDrop.BAD_HANDSHAKE)).isEqualTo(1);
    assertThat(sim.sent(a, TRANSPORT)).isEmpty();
    assertThat(b.heard()).isEmpty();
  }

  @Test
  void H4_an_unknown_static_key_meets_silence() {
    a.change(a.peerChange(b));

    a.say(b, "who are you?");
    sim.run(1);

    assertThat(b.drops()).containsOnly(Map.entry(TunnelDrop.UNKNOWN_PEER, 1L));
    assertThat(sim.sent().stream().filter(d -> d.to().equals(a.endpoint()))).isEmpty();
  }

  @Test
  void H5_any_flipped_bit_is_silence() {
    sim.join(a, b);
    byte[] initiation = Crafted.initiation(sim, a, b, 0);
    int flips = 0;

    for (int bit = 8 * 8; bit < 116 * 8; bit++) {
      byte[] flipped = Crafted.signed(Crafted.flipped(initiation, bit), a, b);
      sim.inject(a.endpoint(), b, flipped);
      sim.run(0.000_001); // Else they would wait together, and be load.
      flips++;
    }
    sim.run(1);

    assertThat(flips).isEqualTo(864);
    assertThat(sim.sent()).isEmpty();
    assertThat(b.drops()).containsOnly(Map.entry(TunnelDrop.BAD_HANDSHAKE, 864L));
    assertThat(b.status(a).receivedBytes()).isZero();
    sim.inject(a.endpoint(), b, initiation);
    sim.run(1);
    assertThat(sim.sent(b, RESPONSE)).hasSize(1);
  }

  @Test
  void H6_ephemeral_keys_of_small_order_meet_silence() {
    sim.join(a, b);
    for (int i = 0; i < 8; i++) {
      byte[] initiation = Crafted.initiation(sim, a, b, i);
      System.arraycopy(KnownAnswers.hex("x25519_low_" + i), 0, initiation, 8, 32);
      sim.inject(a.endpoint(), b, Crafted.signed(initiation, a, b));
    }
    sim.run(1);

    assertThat(sim.sent()).isEmpty();
    assertThat(b.drops(TunnelDrop.BAD_HANDSHAKE)).isEqualTo(8);
  }

  @Test
  void H7_a_response_that_nobody_waits_for_and_a_second_copy_change_nothing() {
    sim.handshake(a, b);
    byte[] response = sim.sent(b, RESPONSE).getFirst().bytes();
    Keypair keypair = a.peer(b).current();
    int sent = sim.sent().size();

    sim.inject(b.endpoint(), a, response);
    byte[] other = response.clone();
    other[8] ^= 1;
    sim.inject(b.endpoint(), a, Crafted.signed(other, b, a));
    sim.run(1);

    assertThat(a.drops(TunnelDrop.UNKNOWN_INDEX)).isEqualTo(2);
    assertThat(a.peer(b).current()).isSameAs(keypair);
    assertThat(sim.sent()).hasSize(sent);
    b.say(a, "still");
    sim.run(1);
    assertThat(a.heard()).containsExactly("still");
  }

  @Test
  void H7_two_copies_that_are_looked_at_at_once_make_one_keypair() {
    sim.join(a, b);
    sim.weather(new TunnelSim.Weather(0, 1, TunnelSim.MILLI, TunnelSim.MILLI, 0));
    a.say(b, "once");
    sim.run(0.001);
    a.holdResults();
    sim.run(1);

    assertThat(a.heldResults()).isEqualTo(2);
    a.completeHeld();
    sim.run(1);
    assertThat(a.drops(TunnelDrop.UNKNOWN_INDEX)).isEqualTo(1);
    assertThat(b.heard()).containsExactly("once");
    a.checkInvariants();
  }

  @Test
  void H8_after_a_response_with_a_wrong_tag_the_right_one_still_completes() {
    sim.join(a, b);
    sim.letThrough(d -> d.type() != RESPONSE);
    a.say(b, "patient");
    sim.run(1);
    byte[] response = sim.sent(b, RESPONSE).getFirst().bytes();

    for (int bit = 12 * 8; bit < 60 * 8; bit += 5) {
      byte[] wrong = Crafted.signed(Crafted.flipped(response, bit), b, a);
      sim.inject(b.endpoint(), a, wrong);
    }
    sim.run(1);
    assertThat(a.peer(b).current()).isNull();
    assertThat(a.drops()).containsOnlyKeys(TunnelDrop.BAD_HANDSHAKE);
    sim.inject(b.endpoint(), a, response);
    sim.run(1);

    assertThat(b.heard()).containsExactly("patient");
  }

  @Test
  void H9_both_initiate_at_once_and_traffic_flows_within_seven_seconds() {
    List<Double> times = new ArrayList<>();
    for (int seed = 100; seed < 130; seed++) {
      TunnelSim world = new TunnelSim(seed);
      Node left = world.node();
      Node right = world.node();
      world.join(left, right);
      long start = world.now();
      left.say(right, "right");
      right.say(left, "left");
      boolean done = world.runUntil(_ -> !left.heard().isEmpty() && !right.heard().isEmpty(), 13);
      assertThat(done).as("seed %d", seed).isTrue();
      assertThat(world.sent(left, RESPONSE)).as("seed %d: it crossed", seed).isNotEmpty();
      assertThat(world.sent(right, RESPONSE)).isNotEmpty();
      times.add((world.now() - start) / 1e9);
    }

    // The jitter of both may be alike once more, with a chance of two in thirty-three.
    assertThat(times.stream().filter(seconds -> seconds < 7).count()).isGreaterThanOrEqualTo(26);
  }

  @Test
  void H10_a_peer_of_small_order_can_be_configured_and_no_handshake_begins() {
    for (int i = 0; i < 8; i++) {
      PublicKey key = PublicKey.of(KnownAnswers.hex("x25519_low_" + i));
      a.change(
          PeerChange.of(key)
              .withEndpoint(b.endpoint())
              .withAllowedIps(List.of(IpPrefix.parse("10.9.0." + i + "/32"))));
      a.route(TunnelSim.packet(a.address(), "10.9.0." + i, "in vain"));
    }
    sim.run(150);

    assertThat(sim.sent()).isEmpty();
    assertThat(a.core().status().peers()).hasSize(8);
    assertThat(a.drops()).containsOnly(Map.entry(TunnelDrop.STAGED_DROPPED, 8L));
    a.checkInvariants();
  }

  @Test
  void H11_without_private_key_there_is_no_handshake_in_either_role() {
    sim.join(a, b);
    a.change(TunnelChange.NONE.withPrivateKey(PrivateKey.of(new byte[PrivateKey.BYTES])));
    assertThat(a.core().status().privateKey()).isEmpty();

    a.say(b, "later");
    b.say(a, "hello?");
    sim.run(20);
    assertThat(sim.sent(a, INITIATION)).isEmpty();
    assertThat(sim.sent(a, RESPONSE)).isEmpty();
    assertThat(a.drops()).containsOnlyKeys(TunnelDrop.BAD_HANDSHAKE);

    a.change(TunnelChange.NONE.withPrivateKey(a.privateKey()));
    sim.run(12);
    assertThat(b.heard()).containsExactly("later");
    assertThat(a.heard()).containsExactly("hello?");
  }

  @Test
  void H12_a_response_after_almost_five_seconds_completes() {
    sim.join(a, b);
    sim.letThrough(d -> d.type() != RESPONSE);
    a.say(b, "slow");
    sim.run(4.9);
    sim.inject(b.endpoint(), a, sim.sent(b, RESPONSE).getFirst().bytes());
    sim.run(0.05);

    assertThat(b.heard()).containsExactly("slow");
    assertThat(sim.sent(a, INITIATION)).hasSize(1);
  }

  @Test
  void H12_a_response_to_what_was_sent_before_the_retransmission_is_dropped() {
    sim.join(a, b);
    sim.letThrough(d -> d.type() != RESPONSE);
    a.say(b, "slower");
    sim.run(5.5);
    List<Datagram> responses = sim.sent(b, RESPONSE);
    assertThat(responses).hasSize(2);

    sim.inject(b.endpoint(), a, responses.get(0).bytes());
    sim.run(0.1);
    assertThat(a.drops()).containsOnly(Map.entry(TunnelDrop.UNKNOWN_INDEX, 1L));
    sim.inject(b.endpoint(), a, responses.get(1).bytes());
    sim.run(0.1);
    assertThat(b.heard()).containsExactly("slower");
  }

  @Test
  void H13_ten_thousand_peers_handshake_and_their_indices_are_unique() {
    int count = Integer.getInteger("vnet.tunnel.peers", 10_000);
    sim.doNotRecord();
    List<Node> others = new ArrayList<>();
    List<PeerChange> changes = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Node other = sim.node();
      others.add(other);
      changes.add(a.peerChange(other));
    }
    a.change(TunnelChange.NONE.withPeers(changes));
    for (Node other : others) {
      other.change(other.peerChange(a));
      sim.after(sim.random().nextLong(2 * TunnelSim.SECOND), () -> other.say(a, other.address()));
    }
    sim.run(3);

    assertThat(a.heard()).hasSize(count);
    assertThat(new HashSet<>(a.heard())).hasSize(count);
    Set<Integer> indices = new HashSet<>();
    a.keypairs().forEach(keypair -> indices.add(keypair.localIndex()));
    assertThat(indices).hasSize(count);
    a.checkInvariants();
  }
}
