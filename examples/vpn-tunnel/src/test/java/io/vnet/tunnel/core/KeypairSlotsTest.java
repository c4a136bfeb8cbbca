package io.vnet.tunnel.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.tunnel.core.TunnelSim.Datagram;
import io.vnet.tunnel.core.TunnelSim.Node;
import io.vnet.tunnel.noise.Messages;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.TunnelDrop;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Previous, current and next keypair (cases S1 to S5). */
class KeypairSlotsTest {
  private static final int TRANSPORT = Messages.TRANSPORT;
  private static final int INDEX_AT = 4;

  private final TunnelSim sim = new TunnelSim(5);
  private final Node a = sim.node();
  private final Node b = sim.node();

  private static Keypair some(@Nullable Keypair keypair) {
    return Objects.requireNonNull(keypair);
  }

  /** Two minutes later the initiator has new keys, if his messages get through. */
  private void rekey() {
    sim.run(121);
    a.say(b, "rekey");
    sim.run(1);
  }

  @Test
  void S1_the_responder_sends_under_the_old_keys_until_the_new_ones_are_confirmed() {
    sim.handshake(a, b);
    Keypair old = some(a.peer(b).current());
    sim.run(121);
    a.say(b, "rekey");
    sim.run(0.015);
    sim.letThrough(d -> !(d.type() == TRANSPORT && d.from().equals(a.endpoint())));
    sim.run(1);
    assertThat(a.peer(b).current()).isNotSameAs(old);
    assertThat(b.peer(a).next()).isNotNull();

    b.say(a, "under the old ones");
    Datagram message = sim.sent(b, TRANSPORT).getLast();
    sim.run(1);

    assertThat(message.word(INDEX_AT)).isEqualTo(old.localIndex());
    assertThat(a.heard()).containsExactly("under the old ones");
    a.checkInvariants();
    b.checkInvariants();
  }

  @Test
  void S2_a_late_message_under_the_previous_keys_is_delivered() {
    sim.handshake(a, b);
    byte[] late =
        a.seal(some(a.peer(b).current()), 50, TunnelSim.packet(a.address(), b.address(), "late"));
    rekey();
    assertThat(b.heard()).containsExactly("first", "rekey");

    sim.inject(a.endpoint(), b, late);

    assertThat(b.heard()).containsExactly("first", "rekey", "late");
    assertThat(b.peer(a).previous()).isNotNull();
  }

  @Test
  void S3_the_third_handshake_ends_the_keys_of_the_first() {
    sim.handshake(a, b);
    Keypair first = some(a.peer(b).current());
    byte[] late = a.seal(first, 50, TunnelSim.packet(a.address(), b.address(), "late"));
    // Faster than by age, so that age is not what refuses it.
    for (int i = 0; i < 2; i++) {
      sim.run(6);
      some(a.peer(b).current()).setNextCounter((1L << 60) + 1);
      a.say(b, "rekey");
      sim.run(1);
    }
    assertThat(sim.sent(a, Messages.INITIATION)).hasSize(3);

    sim.inject(a.endpoint(), b, late);

    assertThat(b.heard()).doesNotContain("late");
    assertThat(b.drops()).containsOnlyKeys(TunnelDrop.UNKNOWN_INDEX);
    assertThat(a.core().keypair(first.localIndex())).isNull();
    a.checkInvariants();
    b.checkInvariants();
  }

  @Test
  void S4_an_initiator_with_an_unconfirmed_keypair_keeps_it_as_the_previous_one() {
    sim.join(a, b);
    sim.letThrough(d -> !(d.type() == TRANSPORT && d.from().equals(b.endpoint())));
    b.say(a, "confirms nothing");
    sim.run(6);
    Keypair next = some(a.peer(b).next());
    assertThat(a.peer(b).current()).isNull();

    a.say(b, "initiates");
    sim.run(1);

    assertThat(a.peer(b).previous()).isSameAs(next);
    assertThat(a.peer(b).next()).isNull();
    assertThat(a.peer(b).current()).isNotNull();
    assertThat(b.heard()).containsExactly("initiates");
    a.checkInvariants();
    b.checkInvariants();
  }

  @Test
  void S4_then_the_old_previous_and_current_are_erased() {
    sim.handshake(a, b);
    rekey();
    Keypair previous = some(a.peer(b).previous());
    Keypair current = some(a.peer(b).current());
    // Now b initiates, and does not confirm.
    sim.letThrough(d -> !(d.type() == TRANSPORT && d.from().equals(b.endpoint())));
    some(b.peer(a).current()).setNextCounter((1L << 60) + 1);
    sim.run(6);
    b.say(a, "new keys");
    sim.run(1);
    Keypair next = some(a.peer(b).next());
    assertThat(a.core().keypair(previous.localIndex())).as("erased by next").isNull();
    assertThat(a.peer(b).current()).isSameAs(current);
    current.setNextCounter((1L << 60) + 1);
    sim.run(6);
    a.say(b, "own new keys");
    sim.run(1);

    assertThat(a.peer(b).previous()).isSameAs(next);
    assertThat(a.core().keypair(current.localIndex())).isNull();
    a.checkInvariants();
    b.checkInvariants();
  }

  @Test
  void S5_after_540_s_without_new_keys_all_are_erased() {
    sim.handshake(a, b);
    rekey();
    assertThat(a.crypto().openCiphers()).isEqualTo(4);
    sim.letThrough(_ -> false);
    long derived = sim.sent(b, Messages.RESPONSE).getLast().time();
    sim.runUntil(derived + 540 * TunnelSim.SECOND - 1);
    assertThat(b.crypto().openCiphers()).isEqualTo(4);
    sim.run(0.1);

    for (Node node : sim.nodes()) {
      assertThat(node.crypto().openCiphers()).isZero();
      assertThat(node.core().indexes().size()).isZero();
      assertThat(node.keypairs()).isEmpty();
    }
  }

  @Test
  void S5_a_handshake_that_waits_for_its_response_is_erased_too() {
    sim.join(a, b);
    sim.letThrough(_ -> false);
    a.say(b, "nobody there");
    sim.run(1);
    PendingHandshake handshake = Objects.requireNonNull(a.peer(b).handshake());
    Object secrets = Objects.requireNonNull(handshake.initiation());
    assertThat(Secrets.of(secrets)).isNotEmpty().anyMatch(Secrets::isNotZero);
    // It is given up after some 103 s, and erased 540 s after that.
    sim.run(110);
    assertThat(a.peer(b).handshake()).isNotNull();
    sim.run(540);

    assertThat(a.peer(b).handshake()).isNull();
    assertThat(a.core().indexes().size()).isZero();
  }

  @Test
  void S5_what_leaves_is_overwritten() {
    sim.join(a, b);
    a.holdResults();
    b.holdResults();
    a.say(b, "hello");
    sim.run(1);
    a.completeHeld();
    Object initiation =
        Objects.requireNonNull(Objects.requireNonNull(a.peer(b).handshake()).initiation());
    sim.run(0.1);
    HandshakeWorks.InitiationConsumed consumed =
        (HandshakeWorks.InitiationConsumed) b.takeHeldResult();
    assertThat(Secrets.of(consumed.consumed())).anyMatch(Secrets::isNotZero);
    b.complete(consumed);
    sim.run(0.1);
    HandshakeWorks.ResponseMade made = (HandshakeWorks.ResponseMade) b.takeHeldResult();
    assertThat(Secrets.of(consumed.consumed())).noneMatch(Secrets::isNotZero);
    HandshakeWorks.Response response = Objects.requireNonNull(made.response());
    assertThat(Secrets.isNotZero(response.keys().send())).isTrue();
    a.holdResults();
    b.complete(made);
    assertThat(Secrets.isNotZero(response.keys().send())).isFalse();
    assertThat(Secrets.isNotZero(response.keys().receive())).isFalse();
    sim.run(0.1);
    HandshakeWorks.HandshakeFinished finished =
        (HandshakeWorks.HandshakeFinished) a.takeHeldResult();
    assertThat(Secrets.of(initiation)).anyMatch(Secrets::isNotZero);
    a.complete(finished);

    assertThat(Secrets.of(initiation)).noneMatch(Secrets::isNotZero);
    assertThat(Secrets.isNotZero(finished.keys().send())).isFalse();
    assertThat(Secrets.isNotZero(finished.keys().receive())).isFalse();
    b.completeHeld();
    sim.run(1);
    assertThat(b.heard()).containsExactly("hello");
  }

  @Test
  void S5_going_down_and_removal_erase_at_once() {
    sim.handshake(a, b);
    a.down();
    b.change(PeerChange.removing(a.publicKey()));

    for (Node node : sim.nodes()) {
      assertThat(node.crypto().openCiphers()).isZero();
      assertThat(node.core().indexes().size()).isZero();
    }
  }
}
