package io.vnet.tunnel.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.Endpoint;
import io.vnet.tunnel.core.TunnelSim.Node;
import io.vnet.tunnel.noise.Messages;
import io.vnet.tunnel.settings.TunnelDrop;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Datagrams by somebody who means no good (cases X1, X2 and X5; X3 is a room of its own, {@code
 * io.vnet.tunnel.fuzz}): silence, and no change.
 */
class HostileTest {
  private static final Endpoint ENEMY = Endpoint.parse("198.51.100.66:6");

  private final TunnelSim sim = new TunnelSim(10);
  private final Node a = sim.node();
  private final Node b = sim.node();

  /** All of a node's state that an outsider must not change; drops are counted all the same. */
  private static String state(Node node) {
    StringBuilder state = new StringBuilder();
    node.core().status().peers().forEach(peer -> state.append(peer).append('\n'));
    node.keypairs().forEach(keypair -> state.append(System.identityHashCode(keypair)).append(' '));
    return state
        .append(node.core().indexes().size())
        .append(' ')
        .append(node.crypto().openCiphers())
        .append(' ')
        .append(node.heard().size())
        .toString();
  }

  private static byte[] message(SplittableRandom random, int type, int length) {
    byte[] message = new byte[length];
    random.nextBytes(message);
    for (int i = 0; i < Math.min(4, length); i++) {
      message[i] = (byte) (i == 0 ? type : 0);
    }
    return message;
  }

  @Test
  void X1_all_types_and_lengths_meet_silence() {
    sim.handshake(a, b);
    String before = state(b);
    int sent = sim.sent().size();
    List<Integer> lengths = new ArrayList<>();
    for (int length = 0; length <= 260; length++) {
      lengths.add(length);
    }
    lengths.addAll(List.of(1024, 1500, 9000, 65_507));
    long count = 0;
    for (int type = 0; type <= 5; type++) {
      for (int length : lengths) {
        sim.inject(ENEMY, b, message(sim.random(), type, length));
        sim.run(0.000_001);
        count++;
      }
    }

    assertThat(state(b)).isEqualTo(before);
    assertThat(sim.sent()).hasSize(sent);
    assertThat(b.drops().values().stream().mapToLong(n -> n).sum()).isEqualTo(count);
    assertThat(b.drops(TunnelDrop.BAD_MAC1)).isEqualTo(1);
  }

  @Test
  void X2_other_types_and_reserved_bytes_meet_silence() {
    sim.handshake(a, b);
    String before = state(b);
    int sent = sim.sent().size();
    byte[] initiation = Crafted.initiation(sim, a, b, 1);
    long count = 0;
    for (int type = 0; type < 256; type++) {
      for (int reserved = 0; reserved < 4; reserved++) {
        if (reserved == 0 && type == Messages.INITIATION) {
          continue;
        }
        byte[] other = initiation.clone();
        other[0] = (byte) type;
        if (reserved > 0) {
          other[reserved] = 1;
        }
        sim.inject(a.endpoint(), b, Crafted.signed(other, a, b));
        count++;
      }
    }

    assertThat(state(b)).isEqualTo(before);
    assertThat(sim.sent()).hasSize(sent);
    assertThat(b.drops().values().stream().mapToLong(n -> n).sum()).isEqualTo(count);
    assertThat(b.drops()).containsOnlyKeys(TunnelDrop.MALFORMED, TunnelDrop.UNKNOWN_INDEX);
  }

  @Test
  void X5_guessing_a_million_indices_finds_nothing() {
    sim.handshake(a, b);
    Keypair keypair = b.peer(a).current();
    byte[] message = message(sim.random(), Messages.TRANSPORT, 48);
    int sent = sim.sent().size();
    for (int i = 0; i < 1_000_000; i++) {
      int index = sim.random().nextInt();
      message[4] = (byte) index;
      message[5] = (byte) (index >> 8);
      message[6] = (byte) (index >> 16);
      message[7] = (byte) (index >> 24);
      sim.inject(ENEMY, b, message);
    }

    assertThat(b.drops(TunnelDrop.UNKNOWN_INDEX) + b.drops(TunnelDrop.BAD_TAG))
        .isEqualTo(1_000_000);
    assertThat(b.peer(a).current()).isSameAs(keypair);
    assertThat(sim.sent()).hasSize(sent);
    a.say(b, "undisturbed");
    sim.run(1);
    assertThat(b.heard()).endsWith("undisturbed");
  }
}
