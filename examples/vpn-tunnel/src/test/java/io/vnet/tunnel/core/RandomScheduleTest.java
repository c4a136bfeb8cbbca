package io.vnet.tunnel.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.tunnel.core.TunnelSim.Node;
import io.vnet.tunnel.key.PresharedKey;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.settings.TunnelDrop;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Many short lives of two to four tunnels in bad weather, with everything that people do to them,
 * each from a seed of its own: {@code -Dvnet.seed=N -Dvnet.tunnel.schedules=1} has one again.
 *
 * <p>What must hold at any time: a text is heard once at the most, only by whom it was said to, and
 * as it was said; no message under keys that both have fails to open; ciphers, indices and packets
 * are accounted for; the world does not run hot. And when it is quiet again, everybody hears
 * everybody within the time that the protocol's timers take.
 */
class RandomScheduleTest {
  private static final double RECOVERY_SECONDS = 45;

  @Test
  void whatever_happens_messages_arrive_once_unaltered_and_quiet_heals() {
    long first = Long.getLong("vnet.seed", 1_000_000L);
    int count = Integer.getInteger("vnet.tunnel.schedules", 150);
    for (long seed = first; seed < first + count; seed++) {
      try {
        new Life(seed).live();
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("vnet.seed=" + seed + ": " + e.getMessage(), e);
      }
    }
  }

  private static final class Life {
    private final TunnelSim sim;
    private final SplittableRandom random;
    private final List<Node> nodes;
    private final Set<String> said = new HashSet<>();
    private int texts;
    private int places;

    Life(long seed) {
      sim = new TunnelSim(seed);
      sim.doNotRecord();
      random = sim.random();
      int count = random.nextInt(4) == 0 ? 2 + random.nextInt(3) : 2;
      for (int i = 0; i < count; i++) {
        Node node = sim.node();
        if (random.nextBoolean()) {
          node.looksFirst();
        }
      }
      nodes = sim.nodes();
    }

    void live() {
      for (Node node : nodes) {
        for (Node other : nodes) {
          if (node != other) {
            configure(node, other);
          }
        }
      }
      int steps = 20 + random.nextInt(60);
      for (int i = 0; i < steps; i++) {
        if (random.nextInt(6) == 0) {
          weather();
        }
        act();
        sim.run(pause());
        check();
      }
      settle();
    }

    private double pause() {
      return switch (random.nextInt(8)) {
        case 0 -> random.nextDouble() * 60;
        case 1 -> random.nextDouble() * 200;
        case 2, 3 -> random.nextDouble() * 6;
        default -> random.nextDouble() * 0.3;
      };
    }

    private void weather() {
      long delay = random.nextLong(200 * TunnelSim.MILLI);
      sim.weather(
          new TunnelSim.Weather(
              random.nextInt(3) == 0 ? random.nextDouble() * 0.5 : 0,
              random.nextInt(3) == 0 ? random.nextDouble() * 0.5 : 0,
              delay / 10,
              delay,
              random.nextInt(4) == 0 ? random.nextLong(3 * TunnelSim.SECOND) : 0));
      int silent = random.nextInt(12);
      sim.letThrough(
          silent < nodes.size()
              ? d -> !d.from().address().equals(nodes.get(silent).endpoint().address())
              : _ -> true);
    }

    private Node any() {
      return nodes.get(random.nextInt(nodes.size()));
    }

    private void act() {
      Node node = any();
      Node other = any();
      if (node == other) {
        return;
      }
      switch (random.nextInt(20)) {
        case 0 -> move(node);
        case 1 -> {
          node.down();
          if (random.nextBoolean()) {
            sim.run(random.nextDouble() * 5);
          }
          node.up();
        }
        case 2 -> node.change(PeerChange.removing(other.publicKey()));
        case 3 -> configure(node, other);
        case 4 -> {
          byte[] key = new byte[PresharedKey.BYTES];
          key[0] = (byte) random.nextInt(3);
          PresharedKey shared = PresharedKey.of(key);
          node.change(PeerChange.of(other.publicKey()).withPresharedKey(shared));
          other.change(PeerChange.of(node.publicKey()).withPresharedKey(shared));
        }
        case 5 ->
            node.change(
                PeerChange.of(other.publicKey())
                    .withPersistentKeepalive(random.nextInt(3) * (1 + random.nextInt(30))));
        case 6 -> Crafted.load(sim, node);
        case 7 -> {
          Keypair keypair = node.knows(other) ? node.peer(other).current() : null;
          if (keypair != null) {
            keypair.setNextCounter(
                random.nextBoolean()
                    ? (1L << 60) + random.nextInt(3)
                    : Keypair.REJECT_AFTER_MESSAGES - random.nextInt(4));
          }
        }
        case 8 -> {
          node.change(TunnelChange.NONE.withPrivateKey(PrivateKey.of(new byte[32])));
          sim.run(random.nextDouble());
          node.change(TunnelChange.NONE.withPrivateKey(node.privateKey()));
        }
        case 9 -> sim.shiftClock(random.nextLong(-60, 60) * TunnelSim.SECOND);
        case 10 -> node.core().outsideChanged();
        default -> {
          for (int i = random.nextInt(5); i >= 0; i--) {
            say(node, other);
          }
        }
      }
    }

    private void move(Node node) {
      places++;
      node.moveTo(
          random.nextBoolean()
              ? Endpoint.of(IpAddress.v4(0x0B00_0000 + places), 1 + random.nextInt(65_000))
              : Endpoint.of(IpAddress.v6(0x2001_0db8L << 32, places), 1 + places));
    }

    private void configure(Node node, Node other) {
      node.change(node.peerChange(other));
    }

    private String say(Node node, Node other) {
      String text = node.address() + ">" + other.address() + " " + texts++;
      said.add(text);
      node.say(other, text);
      return text;
    }

    private void check() {
      for (Node node : nodes) {
        node.checkInvariants();
        assertThat(node.drops(TunnelDrop.BAD_TAG)).as("keys agree").isZero();
        assertThat(node.drops(TunnelDrop.MALFORMED)).isZero();
        List<String> heard = node.heard();
        assertThat(new HashSet<>(heard)).as("once").hasSize(heard.size());
        assertThat(said).as("unaltered").containsAll(heard);
        for (String text : heard) {
          assertThat(text).as("to whom it was said").contains(">" + node.address() + " ");
        }
      }
    }

    /** Good weather, and everybody is told once more where everybody is. */
    private void settle() {
      sim.weather(TunnelSim.Weather.CALM);
      sim.letThrough(_ -> true);
      for (Node node : nodes) {
        for (Node other : nodes) {
          if (node != other) {
            configure(node, other);
            PresharedKey shared = PresharedKey.of(new byte[PresharedKey.BYTES]);
            node.change(PeerChange.of(other.publicKey()).withPresharedKey(shared));
          }
        }
      }
      // Clocks that went back give no new stamps in the eyes of a peer who was added anew.
      sim.shiftClock(7200 * TunnelSim.SECOND);
      double end = sim.now() / 1e9 + RECOVERY_SECONDS;
      Set<String> missing = new HashSet<>();
      do {
        missing.clear();
        for (Node node : nodes) {
          for (Node other : nodes) {
            if (node != other) {
              missing.add(say(node, other));
            }
          }
        }
        sim.run(1);
        check();
        nodes.forEach(node -> missing.removeAll(node.heard()));
      } while (!missing.isEmpty() && sim.now() / 1e9 < end);
      assertThat(missing).as("not heard although all is well").isEmpty();
      sim.run(700);
      for (Node node : nodes) {
        node.change(TunnelChange.NONE.replacingPeers());
        node.checkInvariants();
        assertThat(node.crypto().openCiphers()).isZero();
        assertThat(node.core().indexes().size()).isZero();
        assertThat(node.core().mayStage(64 << 20)).as("nothing is staged").isTrue();
      }
    }
  }
}
