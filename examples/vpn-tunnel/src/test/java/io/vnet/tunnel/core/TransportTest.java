package io.vnet.tunnel.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.IpPrefix;
import io.vnet.tunnel.core.TunnelSim.Datagram;
import io.vnet.tunnel.core.TunnelSim.Node;
import io.vnet.tunnel.noise.Messages;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.TunnelDrop;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Counters, staging and the ends of keypairs (cases T1, T2, T8 to T12, W2 and W3). */
class TransportTest {
  private static final int TRANSPORT = Messages.TRANSPORT;
  private static final int COUNTER_AT = 8;

  private final TunnelSim sim = new TunnelSim(4);
  private final Node a = sim.node();
  private final Node b = sim.node();

  private static Keypair current(Node node, Node other) {
    return Objects.requireNonNull(node.peer(other).current());
  }

  @Test
  void T1_the_first_message_of_the_initiator_is_what_was_staged() {
    sim.join(a, b);
    a.say(b, "one");
    a.say(b, "two");
    sim.run(1);

    List<Datagram> messages = sim.sent(a, TRANSPORT);
    assertThat(messages).hasSize(2);
    assertThat(messages.get(0).word(COUNTER_AT)).isZero();
    assertThat(messages.get(1).word(COUNTER_AT)).isEqualTo(1);
    assertThat(b.heard()).containsExactly("one", "two");
  }

  @Test
  void T1_or_a_keepalive_if_nothing_was() {
    sim.join(a, b);
    b.change(PeerChange.of(a.publicKey()).withPersistentKeepalive(3600));
    sim.run(1);

    List<Datagram> messages = sim.sent(b, TRANSPORT);
    assertThat(messages).hasSize(1);
    assertThat(messages.getFirst().bytes()).hasSize(Messages.TRANSPORT_OVERHEAD_BYTES);
    assertThat(messages.getFirst().word(COUNTER_AT)).isZero();
    assertThat(a.peer(b).current()).isNotNull();
  }

  @Test
  void T2_the_responder_waits_for_one_message_and_then_sends_all_in_order() {
    a.change(a.peerChange(b));
    b.change(PeerChange.of(a.publicKey()).withAllowedIps(List.of(IpPrefix.parse(a.address()))));
    for (String text : List.of("one", "two", "three")) {
      b.say(a, text); // It does not know where a is.
    }
    sim.letThrough(d -> d.type() != TRANSPORT);
    a.say(b, "lost");
    sim.run(1);
    assertThat(b.peer(a).next()).isNotNull();
    assertThat(sim.sent(b, TRANSPORT)).isEmpty();
    assertThat(b.peer(a).stagedPackets()).isEqualTo(3);

    sim.letThrough(_ -> true);
    a.say(b, "found");
    sim.run(1);
    assertThat(b.heard()).containsExactly("found");
    assertThat(a.heard()).containsExactly("one", "two", "three");
    assertThat(a.counters()).containsExactly(0L, 1L, 2L);
  }

  @Test
  void T8_a_wrong_index_or_a_wrong_key_meets_silence() {
    sim.handshake(a, b);
    Node c = sim.node();
    sim.handshake(c, b);
    int sent = sim.sent().size();
    byte[] message = a.seal(current(a, b), 7, TunnelSim.packet(a.address(), b.address(), "hidden"));
    byte[] wrongIndex = Crafted.flipped(message, 4 * 8);
    byte[] wrongKey = message.clone();
    byte[] ofC = c.seal(current(c, b), 7, TunnelSim.packet(c.address(), b.address(), "x"));
    System.arraycopy(ofC, 4, wrongKey, 4, 4);

    sim.inject(a.endpoint(), b, wrongIndex);
    sim.inject(a.endpoint(), b, wrongKey);

    assertThat(b.drops(TunnelDrop.UNKNOWN_INDEX)).isEqualTo(1);
    assertThat(b.drops(TunnelDrop.BAD_TAG)).isEqualTo(1);
    assertThat(sim.sent()).hasSize(sent);
    assertThat(b.heard()).containsExactly("first", "first");
  }

  @Test
  void T9_counters_beyond_the_limit_are_refused() {
    sim.handshake(a, b);
    for (long counter : new long[] {Keypair.REJECT_AFTER_MESSAGES, -1}) {
      byte[] packet = TunnelSim.packet(a.address(), b.address(), "too far");
      sim.inject(a.endpoint(), b, a.seal(current(a, b), counter, packet));
      assertThat(current(b, a).accept(counter)).isFalse();
    }

    assertThat(b.heard()).containsExactly("first");
    assertThat(b.drops(TunnelDrop.EXPIRED_KEY)).isEqualTo(2);
    a.say(b, "near");
    sim.run(1);
    assertThat(b.heard()).containsExactly("first", "near");
  }

  @Test
  void T10_two_counters_are_left_for_four_packets() {
    sim.handshake(a, b);
    sim.run(10); // So that a handshake may begin at once.
    int messages = sim.sent(a, TRANSPORT).size();
    current(a, b).setNextCounter(Keypair.REJECT_AFTER_MESSAGES - 2);
    for (String text : List.of("1", "2", "3", "4")) {
      a.say(b, text);
    }

    assertThat(sim.sent(a, TRANSPORT)).hasSize(messages + 2);
    assertThat(a.peer(b).stagedPackets()).isEqualTo(2);
    assertThat(current(a, b).takeCounter()).isEqualTo(Keypair.REJECT_AFTER_MESSAGES);
    assertThat(current(a, b).takeCounter()).isEqualTo(Keypair.REJECT_AFTER_MESSAGES);
    sim.run(1);
    assertThat(b.heard()).containsExactly("first", "1", "2", "3", "4");
    assertThat(sim.sent(a, Messages.INITIATION)).hasSize(2);
  }

  @Test
  void what_is_staged_too_soon_after_a_handshake_message_is_tried_when_the_rule_allows_it() {
    sim.join(a, b);
    sim.letThrough(d -> d.type() != TRANSPORT);
    a.say(b, "confirms, and is lost");
    sim.run(1);
    // b has answered a second ago, and may not initiate for four more.
    b.say(a, "only once");
    sim.letThrough(_ -> true);
    sim.run(5);

    assertThat(sim.sent(b, Messages.INITIATION)).hasSize(1);
    assertThat(a.heard()).containsExactly("only once");
  }

  @Test
  void T11_beyond_2_to_the_60_new_keys_are_made_while_traffic_goes_on() {
    sim.handshake(a, b);
    sim.run(10);
    Keypair old = current(a, b);
    old.setNextCounter((1L << 60) + 1);

    a.say(b, "going");
    sim.run(1);
    a.say(b, "on");
    sim.run(1);

    assertThat(b.heard()).containsExactly("first", "going", "on");
    assertThat(sim.sent(a, Messages.INITIATION)).hasSize(2);
    assertThat(current(a, b)).isNotSameAs(old);
  }

  @Test
  void T12_a_keypair_of_180_s_neither_sends_nor_receives() {
    sim.handshake(a, b);
    long birth = sim.sent(b, Messages.RESPONSE).getFirst().time() + 10 * TunnelSim.MILLI;
    Keypair keypair = current(a, b);
    sim.letThrough(d -> d.type() == TRANSPORT);
    byte[] packet = TunnelSim.packet(a.address(), b.address(), "late");
    byte[] early = a.seal(keypair, 100, packet);
    byte[] late = a.seal(keypair, 101, packet);

    // The responder's keys are older by the way of the response.
    sim.runUntil(birth - 10 * TunnelSim.MILLI + 180 * TunnelSim.SECOND - 1);
    sim.inject(a.endpoint(), b, early);
    assertThat(b.heard()).hasSize(2);
    sim.runUntil(sim.now() + 1);
    sim.inject(a.endpoint(), b, late);
    assertThat(b.heard()).hasSize(2);
    assertThat(b.drops(TunnelDrop.EXPIRED_KEY)).isEqualTo(1);

    sim.runUntil(birth + 180 * TunnelSim.SECOND - 1);
    assertThat(a.peer(b).beginSending(sim.now())).isSameAs(keypair);
    sim.runUntil(sim.now() + 1);
    assertThat(a.peer(b).beginSending(sim.now())).isNull();
    a.say(b, "waits");
    assertThat(a.peer(b).stagedPackets()).isEqualTo(1);
  }

  @Test
  void W2_a_forged_counter_does_not_move_the_window() {
    sim.handshake(a, b);
    byte[] packet = TunnelSim.packet(a.address(), b.address(), "genuine");
    byte[] forged = a.seal(current(a, b), 1L << 40, packet);
    forged[forged.length - 1] ^= 1;

    sim.inject(a.endpoint(), b, forged);
    sim.inject(a.endpoint(), b, a.seal(current(a, b), 5, packet));

    assertThat(b.drops()).containsOnly(Map.entry(TunnelDrop.BAD_TAG, 1L));
    assertThat(b.heard()).containsExactly("first", "genuine");
  }

  @Test
  void W3_each_message_is_delivered_once() {
    sim.handshake(a, b);
    List<String> texts = new ArrayList<>(List.of("first"));
    for (int i = 0; i < 20; i++) {
      a.say(b, "message " + i);
      texts.add("message " + i);
    }
    for (int copies = 0; copies < 2; copies++) {
      for (Datagram message : sim.sent(a, TRANSPORT).reversed()) {
        sim.inject(a.endpoint(), b, message.bytes());
      }
    }
    sim.run(1);

    assertThat(b.heard()).containsExactlyInAnyOrderElementsOf(texts);
    // Each of 21 came three times.
    assertThat(b.drops(TunnelDrop.REPLAY)).isEqualTo(2 * 21);
  }

  @Test
  void the_oldest_staged_packets_go_first_and_are_counted() {
    b.change(b.peerChange(a));
    a.change(PeerChange.of(b.publicKey()).withAllowedIps(List.of(IpPrefix.parse(b.address()))));
    for (int i = 0; i < Peer.STAGED_MAX + 10; i++) {
      a.say(b, "" + i);
    }
    assertThat(a.peer(b).stagedPackets()).isEqualTo(Peer.STAGED_MAX);
    assertThat(a.drops(TunnelDrop.STAGED_OVERFLOW)).isEqualTo(10);

    a.change(PeerChange.of(b.publicKey()).withEndpoint(b.endpoint()));
    b.change(PeerChange.of(a.publicKey()).withAllowedIps(List.of(IpPrefix.parse(a.address()))));
    sim.run(1);
    assertThat(b.heard()).hasSize(Peer.STAGED_MAX).startsWith("10", "11").endsWith("1033");
    assertThat(a.peer(b).stagedPackets()).isZero();
  }

  @Test
  void all_peers_together_stage_a_bounded_number_of_bytes() {
    List<Node> dead = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      Node other = sim.node();
      other.down();
      dead.add(other);
      a.change(a.peerChange(other));
    }
    String text = "x".repeat(1400);
    for (Node other : dead) {
      for (int i = 0; i < Peer.STAGED_MAX; i++) {
        a.say(other, text);
      }
    }
    long staged = dead.stream().mapToLong(other -> a.peer(other).stagedPackets()).sum();

    assertThat(staged * 1420).isLessThanOrEqualTo(64L << 20).isGreaterThan((64L << 20) - 1420);
    assertThat(staged + a.drops(TunnelDrop.STAGED_OVERFLOW)).isEqualTo(60L * Peer.STAGED_MAX);
    a.down();
    assertThat(a.drops(TunnelDrop.STAGED_DROPPED)).isEqualTo(staged);
    assertThat(a.core().mayStage(64 << 20)).as("all of it is free again").isTrue();
  }
}
