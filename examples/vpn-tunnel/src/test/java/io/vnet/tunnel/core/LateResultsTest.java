package io.vnet.tunnel.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.Endpoint;
import io.vnet.tunnel.core.TunnelSim.Node;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.noise.Messages;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.settings.TunnelDrop;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Results of works that come when the world has moved on. Each event that makes a result void is
 * tried between the giving out of each kind of work and its result.
 */
class LateResultsTest {
  private static final int INITIATION = Messages.INITIATION;
  private static final int RESPONSE = Messages.RESPONSE;

  private final TunnelSim sim = new TunnelSim(9);
  private final Node a = sim.node();
  private final Node b = sim.node();
  private final Node stranger = sim.node();

  /** What may happen to a node meanwhile. */
  enum Event {
    PEER_REMOVED,
    PEER_REMOVED_AND_ADDED,
    KEY_CHANGED,
    KEY_REMOVED,
    DOWN,
    DOWN_AND_UP;

    void happen(LateResultsTest test, Node to, Node peer) {
      switch (this) {
        case PEER_REMOVED -> to.change(PeerChange.removing(peer.publicKey()));
        case PEER_REMOVED_AND_ADDED -> {
          to.change(PeerChange.removing(peer.publicKey()));
          to.change(to.peerChange(peer));
        }
        case KEY_CHANGED -> to.change(TunnelChange.NONE.withPrivateKey(test.stranger.privateKey()));
        case KEY_REMOVED ->
            to.change(TunnelChange.NONE.withPrivateKey(PrivateKey.of(new byte[32])));
        case DOWN -> to.down();
        case DOWN_AND_UP -> {
          to.down();
          to.up();
        }
      }
    }
  }

  @BeforeEach
  void join() {
    sim.join(a, b);
  }

  @AfterEach
  void nothingIsLeftOver() {
    sim.each(Node::checkInvariants);
  }

  @ParameterizedTest
  @EnumSource
  void an_initiation_that_was_made_for_what_is_gone_is_not_sent(Event event) {
    a.holdResults();
    a.say(b, "hello");
    sim.run(0.1);
    assertThat(a.heldResults()).isEqualTo(1);
    HandshakeWorks.InitiationMade made = (HandshakeWorks.InitiationMade) a.takeHeldResult();
    event.happen(this, a, b);

    a.complete(made);

    assertThat(sim.sent(a, INITIATION)).isEmpty();
    Object secrets = Objects.requireNonNull(made.initiation()).secrets();
    assertThat(Secrets.of(secrets)).noneMatch(Secrets::isNotZero);
  }

  @Test
  void an_initiation_goes_to_where_the_peer_is_when_it_is_made() {
    a.holdResults();
    a.say(b, "hello");
    sim.run(0.1);
    b.moveTo(Endpoint.parse("198.51.100.7:7"));
    a.change(PeerChange.of(b.publicKey()).withEndpoint(b.endpoint()));
    a.completeHeld();
    sim.run(1);

    assertThat(b.heard()).containsExactly("hello");
  }

  @Test
  void an_initiation_gives_way_to_one_of_the_peer_that_came_meanwhile() {
    a.holdWorks();
    a.say(b, "from a");
    sim.run(0.1);
    b.say(a, "from b");
    sim.run(0.1);
    assertThat(a.heldWorks()).as("one's own to make, the other's to open").isEqualTo(2);
    a.holdResults();
    a.doHeldWorks(2);
    HandshakeResult own = a.takeHeldResult();
    HandshakeResult others = a.takeHeldResult();
    a.complete(others);
    a.complete(own);
    a.completeHeld();
    a.doHeldWorks();
    sim.run(1);

    assertThat(sim.sent(a, INITIATION)).isEmpty();
    assertThat(b.heard()).containsExactly("from a");
    assertThat(a.heard()).containsExactly("from b");
  }

  @ParameterizedTest
  @EnumSource
  void an_initiation_that_was_opened_for_what_is_gone_is_not_answered(Event event) {
    b.holdResults();
    a.say(b, "hello");
    sim.run(0.1);
    assertThat(b.heldResults()).isEqualTo(1);
    HandshakeWorks.InitiationConsumed consumed =
        (HandshakeWorks.InitiationConsumed) b.takeHeldResult();
    event.happen(this, b, a);

    b.complete(consumed);
    b.completeHeld();
    sim.run(0.5);

    if (event == Event.DOWN_AND_UP) {
      assertThat(b.drops()).isEmpty();
      assertThat(sim.sent(b, RESPONSE)).as("it is as good as before").hasSize(1);
    } else {
      assertThat(b.drops()).containsOnly(Map.entry(TunnelDrop.BAD_HANDSHAKE, 1L));
      assertThat(sim.sent(b, RESPONSE)).isEmpty();
      assertThat(Secrets.of(consumed.consumed())).noneMatch(Secrets::isNotZero);
    }
  }

  @ParameterizedTest
  @EnumSource
  void an_initiation_that_is_opened_after_the_event_is_not_answered_either(Event event) {
    b.holdWorks();
    a.say(b, "hello");
    sim.run(0.1);
    event.happen(this, b, a);

    b.doHeldWorks();
    sim.run(0.5);

    boolean stillGood = event == Event.DOWN_AND_UP || event == Event.PEER_REMOVED_AND_ADDED;
    assertThat(sim.sent(b, RESPONSE)).hasSize(stillGood ? 1 : 0);
    assertThat(b.drops().values().stream().mapToLong(n -> n).sum()).isEqualTo(stillGood ? 0 : 1);
  }

  @ParameterizedTest
  @EnumSource
  void a_response_that_was_made_for_what_is_gone_is_not_sent(Event event) {
    b.holdResults();
    a.say(b, "hello");
    sim.run(0.1);
    b.complete(b.takeHeldResult());
    sim.run(0.1);
    HandshakeWorks.ResponseMade made = (HandshakeWorks.ResponseMade) b.takeHeldResult();
    event.happen(this, b, a);

    b.complete(made);

    assertThat(sim.sent(b, RESPONSE)).isEmpty();
    assertThat(b.crypto().openCiphers()).isZero();
    HandshakeWorks.Response response = Objects.requireNonNull(made.response());
    assertThat(Secrets.isNotZero(response.keys().send())).isFalse();
    assertThat(Secrets.isNotZero(response.keys().receive())).isFalse();
  }

  @Test
  void of_two_responses_the_one_to_the_newer_initiation_is_sent() {
    b.holdResults();
    a.say(b, "hello");
    sim.run(0.1);
    b.complete(b.takeHeldResult());
    sim.run(5.3); // The retransmission comes while the response is on its way back.
    HandshakeResult older = b.takeHeldResult();
    b.complete(b.takeHeldResult());
    sim.run(0.1);
    b.complete(older);
    assertThat(sim.sent(b, RESPONSE)).isEmpty();
    b.completeHeld();
    sim.run(0.1);

    assertThat(sim.sent(b, RESPONSE)).hasSize(1);
    assertThat(b.heard()).containsExactly("hello");
  }

  @ParameterizedTest
  @EnumSource
  void a_response_that_was_opened_for_what_is_gone_makes_no_keys(Event event) {
    a.say(b, "hello");
    sim.run(0.015);
    a.holdResults();
    sim.run(0.1);
    HandshakeWorks.HandshakeFinished finished =
        (HandshakeWorks.HandshakeFinished) a.takeHeldResult();
    event.happen(this, a, b);
    long received = a.knows(b) ? a.status(b).receivedBytes() : 0;

    a.complete(finished);

    assertThat(a.crypto().openCiphers()).isZero();
    assertThat(Secrets.isNotZero(finished.keys().send())).isFalse();
    assertThat(Secrets.isNotZero(finished.keys().receive())).isFalse();
    assertThat(sim.sent(a, Messages.TRANSPORT)).isEmpty();
    assertThat(a.drops(TunnelDrop.UNKNOWN_INDEX)).isEqualTo(1);
    assertThat(a.knows(b) ? a.status(b).receivedBytes() : 0).isEqualTo(received);
  }

  @ParameterizedTest
  @EnumSource
  void a_response_that_is_opened_after_its_secrets_were_erased_does_not_open(Event event) {
    a.say(b, "hello");
    sim.run(0.015);
    a.holdWorks();
    sim.run(0.1);
    assertThat(a.heldWorks()).isEqualTo(1);
    event.happen(this, a, b);

    a.doHeldWorks(1);

    assertThat(a.drops(TunnelDrop.BAD_HANDSHAKE)).isEqualTo(1);
    assertThat(a.crypto().openCiphers()).isZero();
  }

  @Test
  void a_response_whose_opening_takes_longer_than_the_retransmission_is_dropped() {
    a.say(b, "hello");
    sim.run(0.015);
    a.holdResults();
    sim.run(5.32);
    // Opened: the response to the first one. Made: the second one.
    HandshakeResult finished = a.takeHeldResult();
    a.complete(finished);
    assertThat(a.drops(TunnelDrop.UNKNOWN_INDEX)).isEqualTo(1);
    a.completeHeld();
    sim.run(1);

    assertThat(sim.sent(a, INITIATION)).hasSize(2);
    assertThat(b.heard()).containsExactly("hello");
  }

  @ParameterizedTest
  @EnumSource
  void a_cookie_for_what_is_gone_is_not_kept(Event event) {
    Crafted.load(sim, b);
    a.say(b, "hello");
    sim.run(0.005);
    a.holdResults();
    sim.run(0.1);
    HandshakeWorks.CookieWon won = (HandshakeWorks.CookieWon) a.takeHeldResult();
    event.happen(this, a, b);
    a.complete(won);

    boolean kept = a.knows(b) && a.peer(b).cookie(sim.now()) != null;
    // Going down makes no cookie void: it is b's answer to where a is.
    assertThat(kept).isEqualTo(event == Event.DOWN || event == Event.DOWN_AND_UP);
  }

  @Test
  void a_cookie_that_answers_an_older_message_is_not_kept() {
    Crafted.load(sim, b);
    a.say(b, "hello");
    sim.run(0.005);
    a.holdResults();
    sim.run(5.5);
    HandshakeResult won = a.takeHeldResult();
    a.complete(a.takeHeldResult()); // The retransmission goes out first.
    a.complete(won);

    assertThat(sim.sent(a, INITIATION)).hasSize(2);
    assertThat(a.drops(TunnelDrop.BAD_COOKIE)).isEqualTo(1);
    assertThat(a.peer(b).cookie(sim.now())).isNull();
    a.completeHeld();
  }

  @Test
  void a_cookie_reply_is_not_sent_by_a_device_that_went_down() {
    Crafted.load(sim, b);
    b.holdResults();
    a.say(b, "hello");
    sim.run(0.1);
    b.down();
    b.completeHeld();

    assertThat(sim.sent(b, Messages.COOKIE_REPLY)).isEmpty();
  }

  @Test
  void while_an_initiation_waits_to_be_made_no_second_one_is_asked_for() {
    a.holdWorks();
    a.say(b, "slow");
    sim.run(29);
    assertThat(a.heldWorks()).isEqualTo(1);
    a.doHeldWorks();
    sim.run(1);

    assertThat(b.heard()).containsExactly("slow");
    assertThat(sim.sent(a, INITIATION)).hasSize(1);
  }

  @Test
  void a_work_that_never_comes_back_is_given_up_in_the_end() {
    a.holdWorks();
    a.say(b, "lost");
    sim.run(0.1);
    a.dropHeldWorks();
    sim.run(36);

    assertThat(b.heard()).containsExactly("lost");
  }
}
