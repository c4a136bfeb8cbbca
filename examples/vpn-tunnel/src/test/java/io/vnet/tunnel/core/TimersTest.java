package io.vnet.tunnel.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.packet.Packet;
import io.vnet.tunnel.core.TunnelSim.Datagram;
import io.vnet.tunnel.core.TunnelSim.Node;
import io.vnet.tunnel.noise.Messages;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.TunnelDrop;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Timers (cases M1 to M12) in virtual time. */
class TimersTest {
  private static final int INITIATION = Messages.INITIATION;
  private static final int TRANSPORT = Messages.TRANSPORT;
  private static final long SECOND = TunnelSim.SECOND;
  private static final long JITTER = 333 * TunnelSim.MILLI;
  private static final long WAY = 10 * TunnelSim.MILLI;

  private final TunnelSim sim = new TunnelSim(6);
  private final Node a = sim.node();
  private final Node b = sim.node();

  /** Since a moment, the times of a node's keepalives. */
  private List<Long> keepalives(Node by, long since) {
    return sim.sent(by, TRANSPORT).stream()
        .filter(d -> d.time() >= since && d.bytes().length == 32)
        .map(d -> d.time() - since)
        .toList();
  }

  private List<Long> initiations(Node by, long since) {
    return sim.sent(by, INITIATION).stream()
        .filter(d -> d.time() >= since)
        .map(d -> d.time() - since)
        .toList();
  }

  /** A handshake and quiet after it. */
  private void quietHandshake() {
    sim.handshake(a, b);
    sim.run(30);
  }

  @Test
  void M1_data_that_is_not_answered_is_followed_by_one_keepalive_after_10_s() {
    quietHandshake();
    long start = sim.now();
    a.say(b, "one way");
    sim.run(60);

    assertThat(keepalives(b, start)).containsExactly(10 * SECOND + WAY);
    assertThat(keepalives(a, start)).as("a keepalive needs no answer").isEmpty();
    assertThat(initiations(a, start)).isEmpty();
  }

  @Test
  void M2_data_at_0_and_5_s_is_followed_by_keepalives_at_10_and_20_s() {
    quietHandshake();
    long start = sim.now();
    a.say(b, "one");
    sim.run(5);
    a.say(b, "two");
    sim.run(60);

    assertThat(keepalives(b, start)).containsExactly(10 * SECOND + WAY, 20 * SECOND + WAY);
  }

  @Test
  void data_the_other_way_does_as_well_as_a_keepalive() {
    quietHandshake();
    long start = sim.now();
    a.say(b, "ask");
    sim.run(9);
    b.say(a, "answer");
    sim.run(30);

    assertThat(keepalives(b, start)).isEmpty();
    assertThat(keepalives(a, start)).containsExactly(19 * SECOND + WAY);
  }

  @Test
  void M3_silence_after_data_begins_a_handshake_from_any_source_after_15_s() {
    quietHandshake();
    Endpoint.Source source = new Endpoint.Source(IpAddress.parse("10.100.0.1"), 3);
    Endpoint known = b.endpoint().withSource(source);
    sim.inject(known, a, b.seal(some(b.peer(a).current()), 40, new byte[0]));
    assertThat(a.peer(b).endpoint()).isEqualTo(known);
    long start = sim.now();
    sim.letThrough(_ -> false);
    a.say(b, "anybody?");
    sim.run(14.99);
    assertThat(a.peer(b).endpoint()).isEqualTo(known);
    assertThat(initiations(a, start)).isEmpty();
    sim.run(0.35);

    assertThat(initiations(a, start)).hasSize(1);
    assertThat(initiations(a, start).getFirst()).isBetween(15 * SECOND, 15 * SECOND + JITTER);
    assertThat(a.peer(b).endpoint()).isEqualTo(b.endpoint());
    sim.run(10.7);
    assertThat(initiations(a, start)).as("and every 5 s from then on").hasSize(3);
  }

  private static Keypair some(@Nullable Keypair keypair) {
    return Objects.requireNonNull(keypair);
  }

  @Test
  void keepalives_alone_begin_nothing() {
    quietHandshake();
    long start = sim.now();
    sim.letThrough(d -> d.from().equals(a.endpoint()));
    a.change(PeerChange.of(b.publicKey()).withPersistentKeepalive(20));
    sim.run(70);

    assertThat(keepalives(a, start)).hasSize(4);
    assertThat(keepalives(b, start)).isEmpty();
    assertThat(initiations(a, start)).isEmpty();
  }

  @Test
  void M4_an_initiation_is_tried_20_times_and_then_given_up() {
    sim.join(a, b);
    sim.letThrough(_ -> false);
    a.say(b, "in vain");
    a.say(b, "in vain, too");
    sim.run(600);

    List<Long> times = initiations(a, 0);
    assertThat(times).hasSize(20);
    for (int i = 1; i < times.size(); i++) {
      assertThat(times.get(i) - times.get(i - 1)).isBetween(5 * SECOND, 5 * SECOND + JITTER);
    }
    assertThat(times.getLast() - times.getFirst()).isBetween(95 * SECOND, 102 * SECOND);
    assertThat(a.drops()).containsOnly(Map.entry(TunnelDrop.STAGED_DROPPED, 2L));
    assertThat(a.peer(b).stagedPackets()).isZero();
  }

  @Test
  void M5_a_new_packet_after_that_starts_again() {
    sim.join(a, b);
    sim.letThrough(_ -> false);
    a.say(b, "in vain");
    sim.run(200);
    long start = sim.now();
    a.say(b, "once more");
    sim.run(200);
    assertThat(initiations(a, start)).hasSize(20);

    sim.letThrough(_ -> true);
    a.say(b, "there you are");
    sim.run(1);
    assertThat(b.heard()).containsExactly("there you are");
  }

  @Test
  void M6_the_initiator_makes_new_keys_with_the_first_packet_after_120_s_and_loses_nothing() {
    sim.handshake(a, b);
    long birth = sim.sent(b, Messages.RESPONSE).getFirst().time() + WAY;
    List<String> texts = new ArrayList<>(List.of("first"));
    while (sim.now() < birth + 260 * SECOND) {
      String text = "" + sim.now();
      texts.add(text);
      a.say(b, text);
      sim.run(0.25);
    }

    List<Long> times = initiations(a, birth);
    assertThat(times).hasSize(2);
    assertThat(times.get(0)).isBetween(120 * SECOND, 120 * SECOND + SECOND / 4);
    assertThat(times.get(1) - times.get(0)).isBetween(120 * SECOND, 121 * SECOND);
    sim.run(1);
    assertThat(b.heard()).containsExactlyElementsOf(texts);
    assertThat(a.drops()).isEmpty();
    assertThat(b.drops()).isEmpty();
    assertThat(initiations(b, 0)).isEmpty();
  }

  @Test
  void M7_an_initiator_that_only_receives_makes_new_keys_after_165_s_and_tries_once() {
    sim.handshake(a, b);
    long birth = sim.sent(b, Messages.RESPONSE).getFirst().time() + WAY;
    sim.run(20);
    sim.letThrough(d -> d.type() != INITIATION && d.type() != Messages.RESPONSE);
    // Keepalives at least every 5 s, so that a itself never has to send one.
    b.change(PeerChange.of(a.publicKey()).withPersistentKeepalive(1));
    sim.runUntil(birth + 165 * SECOND - 1);
    assertThat(initiations(a, birth)).isEmpty();
    sim.runUntil(birth + 169 * SECOND);

    assertThat(initiations(a, birth)).hasSize(1);
    assertThat(initiations(a, birth).getFirst()).isBetween(165 * SECOND, 167 * SECOND);
    sim.letThrough(_ -> true);
    sim.runUntil(birth + 200 * SECOND);
    assertThat(initiations(a, birth)).as("one, and its retransmission").hasSize(2);
    assertThat(sim.sent(a, TRANSPORT).getLast().time()).isGreaterThan(birth + 169 * SECOND);
  }

  @Test
  void M8_the_responder_does_not_mind_the_age_before_180_s() {
    sim.handshake(a, b);
    long birth = sim.sent(b, Messages.RESPONSE).getFirst().time();
    sim.letThrough(d -> d.from().equals(b.endpoint()));
    while (sim.now() < birth + 179 * SECOND) {
      // It receives, so that it is not silence that begins a handshake.
      sim.inject(
          a.endpoint(),
          b,
          a.seal(some(a.peer(b).current()), 100 + sim.now() / SECOND, new byte[0]));
      b.say(a, "steady");
      sim.run(1);
    }
    assertThat(initiations(b, 0)).isEmpty();
    sim.runUntil(birth + 180 * SECOND);
    b.say(a, "now");
    sim.run(0.1);

    assertThat(initiations(b, birth)).hasSize(1);
    assertThat(b.peer(a).stagedPackets()).isEqualTo(1);
  }

  @Test
  void M9_a_persistent_keepalive_follows_the_last_message_of_either_side() {
    sim.handshake(a, b);
    sim.run(15);
    long start = sim.now();
    a.change(PeerChange.of(b.publicKey()).withPersistentKeepalive(25));
    assertThat(keepalives(a, start)).as("when it is turned on").containsExactly(0L);
    sim.run(40);
    assertThat(keepalives(a, start)).containsExactly(0L, 25 * SECOND);
    long data = sim.now();
    b.say(a, "here");
    sim.run(27);
    // 10 s after the data the ordinary one, 25 s after that the next.
    assertThat(keepalives(a, data)).containsExactly(10 * SECOND + WAY);
    sim.run(10);
    assertThat(keepalives(a, data)).containsExactly(10 * SECOND + WAY, 35 * SECOND + WAY);

    a.change(PeerChange.of(b.publicKey()).withPersistentKeepalive(0));
    long off = sim.now();
    sim.run(60);
    assertThat(keepalives(a, off)).isEmpty();
  }

  @Test
  void M9_and_the_first_is_sent_when_the_device_comes_up() {
    a.down();
    a.change(a.peerChange(b).withPersistentKeepalive(25));
    b.change(b.peerChange(a));
    sim.run(100);
    assertThat(sim.sent()).isEmpty();
    a.up();
    sim.run(1);

    assertThat(keepalives(a, 0)).hasSize(1);
    assertThat(b.peer(a).current()).isNotNull();
  }

  @Test
  void M9_a_peer_with_persistent_keepalive_is_tried_for_ever() {
    sim.join(a, b);
    sim.letThrough(_ -> false);
    a.change(PeerChange.of(b.publicKey()).withPersistentKeepalive(25));
    sim.run(3600);
    assertThat(initiations(a, 0).size()).isGreaterThan(500);

    sim.letThrough(_ -> true);
    sim.run(31);
    assertThat(b.peer(a).current()).isNotNull();
  }

  @Test
  void M10_of_two_initiations_wanted_within_5_s_one_is_sent() {
    sim.join(a, b);
    sim.letThrough(_ -> false);
    for (int i = 0; i < 49; i++) {
      a.say(b, "impatient");
      sim.run(0.1);
    }

    assertThat(initiations(a, 0)).hasSize(1);
    assertThat(a.peer(b).stagedPackets()).isEqualTo(49);
  }

  @Test
  void M11_the_jitter_is_evenly_within_333_ms() {
    int[] tenths = new int[10];
    for (int i = 0; i < 100_000; i++) {
      long jitter = a.core().jitter();
      assertThat(jitter).isBetween(0L, JITTER);
      tenths[(int) (jitter * 10 / (JITTER + 1))]++;
    }
    for (int count : tenths) {
      assertThat(count).isBetween(9_500, 10_500);
    }
  }

  @Test
  void M12_nothing_acts_for_a_peer_that_was_removed() {
    sim.handshake(a, b);
    a.change(PeerChange.of(b.publicKey()).withPersistentKeepalive(25));
    a.say(b, "arms this");
    b.say(a, "and that");
    sim.run(0.1);
    Peer peer = a.peer(b);
    assertThat(peer.deadline()).isLessThan(Long.MAX_VALUE);
    a.change(PeerChange.removing(b.publicKey()));
    int sent = sim.sent(a, TRANSPORT).size() + sim.sent(a, INITIATION).size();
    assertThat(peer.deadline()).isEqualTo(Long.MAX_VALUE);
    sim.run(1000);

    assertThat(sim.sent(a, TRANSPORT).size() + sim.sent(a, INITIATION).size()).isEqualTo(sent);
    a.call(() -> a.core().expire(peer, sim.now(), sim.unixNanos()));
    a.call(() -> peer.stage(Packet.of(new byte[20]), sim.now()));
    assertThat(a.drops(TunnelDrop.STAGED_DROPPED)).isEqualTo(1);
    assertThat(peer.stagedPackets()).isZero();
  }

  @Test
  void an_idle_tunnel_is_silent_and_the_next_packet_starts_it() {
    sim.handshake(a, b);
    sim.run(30);
    long start = sim.now();
    sim.run(600);
    assertThat(sim.sent().stream().filter(d -> d.time() >= start)).isEmpty();
    assertThat(a.crypto().openCiphers()).isZero();

    b.say(a, "awake?");
    sim.run(1);
    assertThat(a.heard()).containsExactly("awake?");
  }

  @Test
  void a_lost_response_costs_one_retransmission() {
    sim.join(a, b);
    sim.letThrough(d -> d.type() != Messages.RESPONSE);
    a.say(b, "again");
    sim.run(1);
    sim.letThrough(_ -> true);
    sim.run(5);

    assertThat(b.heard()).containsExactly("again");
    assertThat(initiations(a, 0)).hasSize(2);
  }

  @Test
  void the_packets_path_announces_seldom() {
    sim.handshake(a, b);
    int before = a.announcements();
    for (int i = 0; i < 60_000; i++) {
      a.say(b, "x");
      b.say(a, "y");
      sim.run(0.001);
    }

    // A minute of traffic: its timers are put off at every packet, and wake somebody in vain.
    assertThat(a.announcements() - before).isLessThan(20);
    assertThat(initiations(a, 0)).hasSize(1);
  }

  @Test
  void a_late_expiry_acts_on_all_that_is_due_in_order() {
    sim.handshake(a, b);
    a.say(b, "data");
    Peer peer = a.peer(b);
    // The machine slept for an hour: nothing was served in between.
    long later = sim.now() + 3600 * SECOND;
    a.call(() -> a.core().expire(peer, later, sim.unixNanos() + 3600 * SECOND));

    assertThat(a.crypto().openCiphers()).isZero();
    assertThat(peer.current()).isNull();
    List<Datagram> sent = sim.sent(a, TRANSPORT);
    assertThat(sent.getLast().bytes().length).isGreaterThan(32);
  }
}
