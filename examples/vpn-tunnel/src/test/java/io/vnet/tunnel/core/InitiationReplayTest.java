package io.vnet.tunnel.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.Endpoint;
import io.vnet.tunnel.core.TunnelSim.Node;
import io.vnet.tunnel.noise.Messages;
import io.vnet.tunnel.noise.Tai64n;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.TunnelDrop;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Which initiations are answered (cases I1 to I8), and the stamps of one's own. */
class InitiationReplayTest {
  private final TunnelSim sim = new TunnelSim(2);
  private final Node a = sim.node();
  private final Node b = sim.node();

  @BeforeEach
  void join() {
    sim.join(a, b);
  }

  private void inject(byte[] initiation) {
    sim.inject(a.endpoint(), b, initiation);
    sim.run(0.001);
  }

  private int responses() {
    return sim.sent(b, Messages.RESPONSE).size();
  }

  @Test
  void I1_the_same_initiation_twice_has_one_response() {
    byte[] initiation = Crafted.initiation(sim, a, b, 0);

    inject(initiation);
    sim.run(1);
    inject(initiation);

    assertThat(responses()).isEqualTo(1);
    assertThat(b.drops(TunnelDrop.INITIATION_REPLAY)).isEqualTo(1);
  }

  @Test
  void I2_a_new_initiation_with_an_equal_stamp_meets_silence() {
    byte[] stamp = Tai64n.of(sim.unixNanos());

    inject(Crafted.initiation(sim, a, b, stamp));
    sim.run(1);
    inject(Crafted.initiation(sim, a, b, stamp));

    assertThat(responses()).isEqualTo(1);
    assertThat(b.drops(TunnelDrop.INITIATION_REPLAY)).isEqualTo(1);
  }

  @Test
  void I3_an_older_stamp_meets_silence() {
    inject(Crafted.initiation(sim, a, b, 0));
    sim.run(1);
    inject(Crafted.initiation(sim, a, b, -100));

    assertThat(responses()).isEqualTo(1);
    assertThat(b.drops(TunnelDrop.INITIATION_REPLAY)).isEqualTo(1);
  }

  @Test
  void I4_a_newer_stamp_within_20_ms_meets_silence_and_is_taken_after_that() {
    inject(Crafted.initiation(sim, a, b, 0));
    byte[] newer = Crafted.initiation(sim, a, b, 1);
    sim.run(0.0189);
    inject(newer);
    assertThat(responses()).isEqualTo(1);
    assertThat(b.drops(TunnelDrop.INITIATION_FLOOD)).isEqualTo(1);

    sim.run(0.0001);
    inject(newer);
    assertThat(responses()).as("a refused stamp is not kept").isEqualTo(2);
  }

  @Test
  void I5_a_replay_from_another_port_does_not_move_the_endpoint() {
    byte[] initiation = Crafted.initiation(sim, a, b, 0);
    inject(initiation);
    sim.run(1);

    sim.inject(Endpoint.parse("198.51.100.1:7"), b, initiation);
    sim.run(1);

    assertThat(b.peer(a).endpoint()).isEqualTo(a.endpoint());
    assertThat(responses()).isEqualTo(1);
    assertThat(b.status(a).receivedBytes()).isEqualTo(Messages.INITIATION_BYTES);
  }

  @Test
  void I6_the_greatest_stamp_survives_down_and_up() {
    byte[] initiation = Crafted.initiation(sim, a, b, 0);
    inject(initiation);
    b.down();
    b.up();
    sim.run(1);

    inject(initiation);

    assertThat(responses()).isEqualTo(1);
    assertThat(b.drops(TunnelDrop.INITIATION_REPLAY)).isEqualTo(1);
  }

  @Test
  void I7_a_peer_that_was_removed_and_added_is_a_new_one() {
    byte[] initiation = Crafted.initiation(sim, a, b, 0);
    inject(initiation);
    b.change(PeerChange.removing(a.publicKey()));
    b.change(b.peerChange(a));
    sim.run(1);

    inject(initiation);

    assertThat(responses()).isEqualTo(2);
  }

  @Test
  void I8_a_stamp_that_is_not_rounded_is_taken() {
    byte[] stamp = Tai64n.of(sim.unixNanos());
    stamp[11] = 0x15;

    inject(Crafted.initiation(sim, a, b, stamp));
    sim.run(1);
    stamp[11] = 0x16;
    inject(Crafted.initiation(sim, a, b, stamp));

    assertThat(responses()).isEqualTo(2);
  }

  @Test
  void a_zero_stamp_is_not_newer_than_none() {
    inject(Crafted.initiation(sim, a, b, new byte[Tai64n.BYTES]));

    assertThat(responses()).isZero();
    assertThat(b.drops(TunnelDrop.INITIATION_REPLAY)).isEqualTo(1);
  }

  @Test
  void many_at_once_have_one_response() {
    b.holdResults();
    for (int i = 0; i < 20; i++) {
      inject(Crafted.initiation(sim, a, b, i));
    }
    b.completeHeld();
    sim.run(1);

    assertThat(responses()).isEqualTo(1);
    assertThat(b.drops(TunnelDrop.INITIATION_FLOOD)).isEqualTo(19);
  }

  @Test
  void stamps_of_ones_own_grow_although_the_wall_clock_goes_back() {
    a.say(b, "before");
    sim.run(1);
    sim.shiftClock(-3600 * TunnelSim.SECOND);
    sim.run(130);
    a.say(b, "rekey");
    sim.run(1);

    assertThat(sim.sent(b, Messages.RESPONSE)).hasSize(2);
    assertThat(b.drops()).isEmpty();
    assertThat(b.heard()).containsExactly("before", "rekey");
  }
}
