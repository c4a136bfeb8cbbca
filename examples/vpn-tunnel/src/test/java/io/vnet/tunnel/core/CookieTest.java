package io.vnet.tunnel.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.tunnel.core.TunnelSim.Datagram;
import io.vnet.tunnel.core.TunnelSim.Node;
import io.vnet.tunnel.noise.Messages;
import io.vnet.tunnel.noise.SourceShares;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.settings.TunnelDrop;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** mac1, load, cookies and the rate of an address (cases C1 to C12). */
class CookieTest {
  private static final int MAC2_AT = 132;

  private final TunnelSim sim = new TunnelSim(3);
  private final Node a = sim.node();
  private final Node b = sim.node();

  @BeforeEach
  void join() {
    sim.join(a, b);
  }

  private void inject(byte[] message) {
    inject(message, a.endpoint());
  }

  private void inject(byte[] message, Endpoint from) {
    sim.inject(from, b, message);
    sim.run(0.000_001);
  }

  private int responses() {
    return sim.sent(b, Messages.RESPONSE).size();
  }

  private List<Datagram> replies() {
    return sim.sent(b, Messages.COOKIE_REPLY);
  }

  private static boolean hasMac2(byte[] initiation) {
    return !Arrays.equals(initiation, MAC2_AT, initiation.length, new byte[16], 0, 16);
  }

  /** Wins a cookie from b for where a is. */
  private byte[] signedWithWonCookie(byte[] message) {
    byte[] refused = Crafted.initiation(sim, a, b, -1000);
    inject(refused);
    byte[] reply = replies().getLast().bytes();
    return Crafted.signedWithCookie(message, reply, refused, a, b);
  }

  @Test
  void C1_a_wrong_mac1_meets_silence_also_under_load() {
    byte[] initiation = Crafted.initiation(sim, a, b, 0);
    for (boolean loaded : new boolean[] {false, true}) {
      if (loaded) {
        Crafted.load(sim, b);
      }
      long before = b.drops(TunnelDrop.BAD_MAC1);
      for (int bit = 116 * 8; bit < 132 * 8; bit++) {
        inject(Crafted.flipped(initiation, bit));
      }
      byte[] forAnother = Crafted.signed(initiation.clone(), b, a);
      inject(forAnother);
      assertThat(b.drops(TunnelDrop.BAD_MAC1) - before).isEqualTo(129);
    }

    assertThat(sim.sent()).isEmpty();
  }

  @Test
  void C2_without_load_mac2_is_not_looked_at() {
    byte[] initiation = Crafted.initiation(sim, a, b, 0);
    Arrays.fill(initiation, MAC2_AT, initiation.length, (byte) 0x5A);

    inject(initiation);

    assertThat(responses()).isEqualTo(1);
    assertThat(replies()).isEmpty();
  }

  @Test
  void C3_under_load_a_message_without_cookie_is_answered_by_one() {
    Crafted.load(sim, b);
    byte[] initiation = Crafted.initiation(sim, a, b, 0);

    inject(initiation);

    assertThat(responses()).isZero();
    assertThat(replies()).hasSize(1);
    assertThat(replies().getFirst().to()).isEqualTo(a.endpoint());
    assertThat(replies().getFirst().bytes()).hasSize(Messages.COOKIE_REPLY_BYTES);
    assertThat(Crafted.cookie(replies().getFirst().bytes(), initiation, a, b)).hasSize(16);
    assertThat(b.drops(TunnelDrop.COOKIE_SENT)).isEqualTo(1);
    assertThat(b.status(a).sentBytes()).isZero();
  }

  @Test
  void C4_under_load_the_right_mac2_is_answered() {
    Crafted.load(sim, b);

    inject(signedWithWonCookie(Crafted.initiation(sim, a, b, 0)));

    assertThat(responses()).isEqualTo(1);
    assertThat(replies()).hasSize(1);
  }

  @Test
  void C5_a_cookie_is_good_for_its_address_and_port_only() {
    Crafted.load(sim, b);
    byte[] signed = signedWithWonCookie(Crafted.initiation(sim, a, b, 0));

    inject(signed, Endpoint.of(a.endpoint().address(), a.endpoint().port() + 1));
    inject(signed, Endpoint.of(IpAddress.parse("10.100.9.9"), a.endpoint().port()));

    assertThat(responses()).isZero();
    assertThat(replies()).hasSize(3);
    inject(signed);
    assertThat(responses()).isEqualTo(1);
  }

  @Test
  void C6_the_secret_behind_cookies_lasts_120_s() {
    Crafted.load(sim, b);
    byte[] first = signedWithWonCookie(Crafted.initiation(sim, a, b, 0));
    byte[] second = signedWithWonCookie(Crafted.initiation(sim, a, b, 50));

    sim.run(119);
    Crafted.load(sim, b);
    inject(first);
    assertThat(responses()).isEqualTo(1);
    sim.run(1);
    Crafted.load(sim, b);
    inject(second);
    assertThat(responses()).isEqualTo(1);
    assertThat(replies()).hasSize(3);
  }

  @Test
  void C7_five_messages_at_once_pass_and_the_sixth_is_beyond_its_address_rate() {
    Crafted.load(sim, b);
    for (int i = 0; i < 6; i++) {
      inject(signedWithWonCookie(Crafted.initiation(sim, a, b, i)));
    }

    assertThat(responses()).isEqualTo(1);
    assertThat(b.drops(TunnelDrop.INITIATION_FLOOD)).isEqualTo(4);
    assertThat(b.drops(TunnelDrop.RATE_LIMITED)).isEqualTo(1);
  }

  @Test
  void C8_cookie_replies_that_fit_nothing_are_ignored() {
    Crafted.load(sim, b);
    a.say(b, "hello");
    sim.run(0.005);
    sim.letThrough(d -> d.type() != Messages.COOKIE_REPLY);
    sim.run(0.1);
    byte[] reply = replies().getFirst().bytes();

    sim.inject(b.endpoint(), a, Crafted.flipped(reply, 63 * 8)); // The tag.
    sim.inject(b.endpoint(), a, Crafted.flipped(reply, 4 * 8)); // The index.
    sim.run(0.1);
    assertThat(a.drops()).containsOnly(Map.entry(TunnelDrop.BAD_COOKIE, 2L));
    sim.inject(b.endpoint(), a, reply);
    sim.run(0.1);
    assertThat(a.drops(TunnelDrop.BAD_COOKIE)).isEqualTo(2);
    byte[] cookie = a.peer(b).cookie(sim.now());
    assertThat(cookie).isNotNull();
    sim.inject(Endpoint.parse("198.51.100.1:7"), a, reply);
    sim.run(0.1);
    assertThat(a.drops(TunnelDrop.BAD_COOKIE)).isEqualTo(3);
    assertThat(a.peer(b).cookie(sim.now())).isSameAs(cookie);
    assertThat(a.peer(b).endpoint()).isEqualTo(b.endpoint());
  }

  @Test
  void C8_two_replies_that_are_opened_at_once_count_once() {
    Crafted.load(sim, b);
    sim.weather(new TunnelSim.Weather(0, 1, TunnelSim.MILLI, TunnelSim.MILLI, 0));
    a.say(b, "hello");
    sim.run(0.000_5);
    a.holdResults();
    sim.run(0.1);

    assertThat(a.heldResults()).isEqualTo(4); // Both copies are answered, both answers doubled.
    a.completeHeld();
    assertThat(a.peer(b).cookie(sim.now())).isNotNull();
    assertThat(a.drops(TunnelDrop.BAD_COOKIE)).isEqualTo(3);
  }

  @Test
  void C9_a_cookie_is_used_by_the_next_regular_retransmission() {
    Crafted.load(sim, b);
    a.say(b, "hello");
    sim.run(4.9);

    assertThat(sim.sent(a, Messages.INITIATION)).hasSize(1);
    assertThat(replies()).hasSize(1);
    Crafted.load(sim, b);
    sim.run(0.5);
    List<Datagram> initiations = sim.sent(a, Messages.INITIATION);
    assertThat(initiations).hasSize(2);
    assertThat(hasMac2(initiations.get(0).bytes())).isFalse();
    assertThat(hasMac2(initiations.get(1).bytes())).isTrue();
    assertThat(initiations.get(1).time() - initiations.get(0).time())
        .isBetween(5 * TunnelSim.SECOND, 5 * TunnelSim.SECOND + 333 * TunnelSim.MILLI);
    assertThat(b.heard()).as("it was right").containsExactly("hello");
  }

  @Test
  void C9_a_responder_whose_response_was_refused_signs_the_next_one_with_the_cookie() {
    a.say(b, "hello");
    sim.run(0.005);
    Crafted.load(sim, a);
    sim.run(1);
    assertThat(sim.sent(a, Messages.COOKIE_REPLY)).hasSize(1);
    sim.run(3.9);
    Crafted.load(sim, a);
    sim.run(0.6);

    byte[] response = sim.sent(b, Messages.RESPONSE).getLast().bytes();
    assertThat(Arrays.copyOfRange(response, 76, 92)).isNotEqualTo(new byte[16]);
    assertThat(b.heard()).containsExactly("hello");
  }

  @Test
  void C10_a_cookie_is_not_used_when_it_is_too_old() {
    Crafted.load(sim, b);
    a.say(b, "hello");
    sim.run(6);
    assertThat(b.heard()).containsExactly("hello");
    sim.run(120);
    a.say(b, "fresh keys, please");
    sim.run(1);

    List<Datagram> initiations = sim.sent(a, Messages.INITIATION);
    assertThat(initiations).hasSize(3);
    assertThat(hasMac2(initiations.get(1).bytes())).isTrue();
    assertThat(hasMac2(initiations.get(2).bytes())).isFalse();
  }

  @Test
  void C11_a_flood_is_bounded_gets_cookies_at_most_and_leaves_running_keys_alone() {
    sim.handshake(a, b);
    Keypair keypair = b.peer(a).current();
    byte[] junk = Crafted.junk(sim);
    int sent = sim.sent().size();
    int peers = b.core().status().peers().size();
    for (int round = 0; round < 5; round++) {
      b.holdWorks();
      for (int i = 0; i < 10_000; i++) {
        sim.random().nextBytes(junk);
        System.arraycopy(new byte[] {1, 0, 0, 0}, 0, junk, 0, 4);
        if (i < 2 * TunnelCore.WAITING_MAX) {
          Crafted.signed(junk, a, b); // What does not fit into the queue is not looked at.
        }
        Endpoint from = Endpoint.of(IpAddress.v4(0x0A65_0000 + i), 1);
        sim.inject(from, b, junk);
        assertThat(b.heldWorks()).isLessThanOrEqualTo(TunnelCore.WAITING_MAX);
      }
      a.say(b, "round " + round);
      b.doHeldWorks();
      sim.run(0.2);
    }

    assertThat(b.heard())
        .containsExactly("first", "round 0", "round 1", "round 2", "round 3", "round 4");
    assertThat(b.peer(a).current()).isSameAs(keypair);
    assertThat(b.drops(TunnelDrop.HANDSHAKE_QUEUE_FULL))
        .isEqualTo(5 * (10_000L - TunnelCore.WAITING_MAX));
    // The first 128 came before there was load; they are opened, and are no handshakes.
    assertThat(b.drops(TunnelDrop.BAD_HANDSHAKE)).isEqualTo(TunnelCore.WAITING_UNDER_LOAD);
    assertThat(replies()).hasSize(5 * TunnelCore.WAITING_MAX - TunnelCore.WAITING_UNDER_LOAD);
    assertThat(sim.sent()).hasSize(sent + 5 + replies().size());
    assertThat(b.core().status().peers()).hasSize(peers);
    b.checkInvariants();
  }

  @Test
  void under_load_a_flooder_has_his_share_and_no_more_and_others_have_theirs() {
    Crafted.load(sim, b);
    byte[] signed = signedWithWonCookie(Crafted.initiation(sim, a, b, 0));
    byte[] junk = Crafted.junk(sim);
    int flood = 10 * SourceShares.BURST;
    long cookiesBefore = b.drops(TunnelDrop.COOKIE_SENT);
    for (int i = 0; i < flood; i++) {
      sim.random().nextBytes(junk);
      System.arraycopy(new byte[] {1, 0, 0, 0}, 0, junk, 0, 4);
      sim.inject(a.endpoint(), b, Crafted.signed(junk, a, b));
    }
    sim.run(0.000_001);
    long cookies = b.drops(TunnelDrop.COOKIE_SENT) - cookiesBefore;
    assertThat(cookies).isBetween(SourceShares.BURST - 1L, (long) SourceShares.BURST);
    assertThat(b.drops(TunnelDrop.RATE_LIMITED)).isEqualTo(flood - cookies);

    int answered = replies().size();
    inject(Crafted.initiation(sim, a, b, 1), Endpoint.parse("198.51.100.1:7"));
    assertThat(replies()).as("of another source").hasSize(answered + 1);
    sim.inject(a.endpoint(), b, signed);
    sim.run(0.000_001);
    assertThat(responses()).as("to the flooded source's cookie").isEqualTo(1);
  }

  @Test
  void what_shares_keep_away_is_load_too() {
    Crafted.load(sim, b);
    byte[] junk = Crafted.junk(sim);
    System.arraycopy(new byte[] {1, 0, 0, 0}, 0, junk, 0, 4);
    for (int round = 0; round < 3; round++) {
      for (int i = 0; i <= SourceShares.BURST; i++) {
        sim.inject(a.endpoint(), b, junk);
      }
      sim.run(0.9);
    }
    assertThat(b.drops(TunnelDrop.RATE_LIMITED)).isEqualTo(3);

    inject(Crafted.initiation(sim, a, b, 0), Endpoint.parse("198.51.100.1:7"));
    assertThat(responses()).isZero();
    assertThat(replies().getLast().to()).isEqualTo(Endpoint.parse("198.51.100.1:7"));
  }

  @Test
  void C12_a_second_after_the_load_no_cookie_is_asked_for() {
    Crafted.load(sim, b);
    sim.run(0.99);
    inject(Crafted.initiation(sim, a, b, 0));
    assertThat(replies()).hasSize(1);
    sim.run(0.01);
    inject(Crafted.initiation(sim, a, b, 0));

    assertThat(replies()).hasSize(1);
    assertThat(responses()).isEqualTo(1);
  }

  @Test
  void a_new_private_key_has_a_new_secret() {
    Crafted.load(sim, b);
    byte[] signed = signedWithWonCookie(Crafted.initiation(sim, a, b, 0));
    b.change(TunnelChange.NONE.withPrivateKey(sim.node().privateKey()));
    b.change(TunnelChange.NONE.withPrivateKey(b.privateKey()));
    b.change(b.peerChange(a));

    inject(signed);

    assertThat(responses()).isZero();
    assertThat(replies()).hasSize(2);
  }
}
