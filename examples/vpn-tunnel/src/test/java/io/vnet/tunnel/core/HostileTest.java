package io.vnet.tunnel.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.Endpoint;
import io.vnet.tunnel.core.TunnelSim.Datagram;
import io.vnet.tunnel.core.TunnelSim.Node;
import io.vnet.tunnel.noise.Messages;
import io.vnet.tunnel.settings.TunnelDrop;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Datagrams by somebody who means no good (cases X1, X2, X3 and X5): silence, and no change. */
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
  void X3_mutated_genuine_messages_change_nothing() {
    long seed = Long.getLong("vnet.seed", 3);
    int rounds = Integer.getInteger("vnet.tunnel.fuzz", 4_000);
    SplittableRandom random = new SplittableRandom(seed);
    // a and b have keys; c waits for a response that never came; d holds a refused initiation.
    Node c = sim.node();
    Node d = sim.node();
    sim.handshake(a, b);
    b.say(a, "data");
    sim.join(c, b);
    sim.join(d, b);
    sim.letThrough(x -> !(x.type() == Messages.RESPONSE && x.to().equals(c.endpoint())));
    c.say(b, "waits");
    sim.run(0.1);
    Crafted.load(sim, b);
    d.say(b, "refused");
    sim.run(1.1);
    List<Datagram> genuine = List.copyOf(sim.sent());
    assertThat(genuine.stream().map(Datagram::type).distinct()).contains(1, 2, 3, 4);
    List<Node> nodes = List.of(a, b, c, d);
    List<String> before = nodes.stream().map(HostileTest::state).toList();
    sim.letThrough(_ -> false);
    int sent = sim.sent().size();

    for (int i = 0; i < rounds; i++) {
      Datagram original = genuine.get(random.nextInt(genuine.size()));
      byte[] mutant = mutate(random, original.bytes(), genuine);
      boolean isHandshake =
          mutant.length == Messages.INITIATION_BYTES || mutant.length == Messages.RESPONSE_BYTES;
      Node to = nodes.get(random.nextInt(nodes.size()));
      Node from = nodes.get(random.nextInt(nodes.size()));
      if (isHandshake && random.nextInt(3) > 0) {
        Crafted.signed(mutant, from, to); // So that it gets beyond mac1.
      }
      if (isAuthentic(mutant, genuine)) {
        continue;
      }
      // At one moment of the virtual time, that timers do not change what is compared.
      sim.inject(random.nextBoolean() ? original.from() : ENEMY, to, mutant);
      sim.runUntil(sim.now());
      if (i % 64 == 0 || i == rounds - 1) {
        assertThat(nodes.stream().map(HostileTest::state).toList())
            .as("seed %d, round %d", seed, i)
            .isEqualTo(before);
      }
    }

    assertThat(sim.sent()).as("seed %d", seed).hasSize(sent);
    nodes.forEach(Node::checkInvariants);
    sim.letThrough(_ -> true);
    a.say(b, "as if nothing had been");
    sim.run(1);
    assertThat(b.heard()).contains("as if nothing had been");
  }

  /**
   * Whether the keys of its sender vouch for it: they do not for the sender's index, which mac1
   * covers, nor for the macs.
   */
  private static boolean isAuthentic(byte[] mutant, List<Datagram> genuine) {
    int covered = mutant.length - 32;
    return genuine.stream()
        .filter(d -> d.type() == Messages.INITIATION || d.type() == Messages.RESPONSE)
        .anyMatch(d ->
            d.bytes().length == mutant.length
                && Arrays.equals(d.bytes(), 0, 4, mutant, 0, 4)
                && Arrays.equals(d.bytes(), 8, covered, mutant, 8, covered));
  }

  private static byte[] mutate(SplittableRandom random, byte[] original, List<Datagram> genuine) {
    byte[] mutant = original.clone();
    switch (random.nextInt(5)) {
      case 0 -> mutant = Crafted.flipped(mutant, random.nextInt(mutant.length * 8));
      case 1 -> mutant = Arrays.copyOf(mutant, random.nextInt(mutant.length));
      case 2 -> {
        int length = mutant.length;
        mutant = Arrays.copyOf(mutant, length + 1 + random.nextInt(64));
        for (int i = length; i < mutant.length; i++) {
          mutant[i] = (byte) random.nextInt();
        }
      }
      case 3 -> {
        byte[] other = genuine.get(random.nextInt(genuine.size())).bytes();
        int at = random.nextInt(Math.min(mutant.length, other.length));
        int length = random.nextInt(Math.min(mutant.length, other.length) - at + 1);
        System.arraycopy(other, at, mutant, at, length);
      }
      default -> {
        for (int i = 0; i < 8; i++) {
          mutant[4 + random.nextInt(mutant.length - 4)] = (byte) random.nextInt();
        }
      }
    }
    return mutant;
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
