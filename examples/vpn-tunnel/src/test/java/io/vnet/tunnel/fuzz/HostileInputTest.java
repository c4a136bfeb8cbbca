package io.vnet.tunnel.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.io.testkit.Progress;
import io.vnet.tunnel.settings.TunnelDrop;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Case X3 and what surrounds it: hostile datagrams in every {@link Phase}. {@code mvn verify
 * -Pfuzz} sends ten million, {@code -Dvnet.tunnel.fuzz=} another number; {@code mvn verify} a few.
 * A failure prints the seed of its episode: {@code -Dvnet.seed=N -Dvnet.tunnel.fuzz=1} has it
 * again.
 */
class HostileInputTest {
  private static final long SEED = Long.getLong("vnet.seed", 1_000_000);
  private static final long SHORT = Long.getLong("vnet.tunnel.fuzz", 130_000);
  private static final long LONG = Long.getLong("vnet.tunnel.fuzz", 10_000_000);

  /** All that a datagram from outside can be dropped for, but a queue that is full. */
  private static final Set<TunnelDrop> REASONS =
      EnumSet.of(
          TunnelDrop.MALFORMED,
          TunnelDrop.UNKNOWN_INDEX,
          TunnelDrop.EXPIRED_KEY,
          TunnelDrop.BAD_TAG,
          TunnelDrop.REPLAY,
          TunnelDrop.BAD_INNER,
          TunnelDrop.DISALLOWED_SOURCE,
          TunnelDrop.BAD_MAC1,
          TunnelDrop.COOKIE_SENT,
          TunnelDrop.RATE_LIMITED,
          TunnelDrop.BAD_HANDSHAKE,
          TunnelDrop.UNKNOWN_PEER,
          TunnelDrop.INITIATION_REPLAY,
          TunnelDrop.INITIATION_FLOOD,
          TunnelDrop.BAD_COOKIE);

  @Test
  void X3_some_hostile_datagrams_change_nothing_and_are_all_accounted_for() {
    run(SHORT);
  }

  @Test
  @Tag("fuzz")
  void X3_ten_million_hostile_datagrams_change_nothing_and_are_all_accounted_for() {
    run(LONG);
  }

  private static void run(long datagrams) {
    List<Phase> phases = List.of(Phase.values());
    long episodes = Math.max(1, datagrams / Episode.DATAGRAMS / phases.size());
    long done = 0;
    long finished = 0;
    Map<TunnelDrop, Long> all = new EnumMap<>(TunnelDrop.class);
    try (Progress progress = Progress.of("episodes of hostile input", episodes * phases.size())) {
      for (Phase phase : phases) {
        Map<TunnelDrop, Long> drops = new EnumMap<>(TunnelDrop.class);
        long start = System.nanoTime();
        long before = done;
        for (long i = 0; i < episodes; i++) {
          done += Episode.run(phase, SEED + i, drops);
          progress.done(++finished);
        }
        long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
        System.out.printf("%s: %d datagrams in %d ms; %s%n", phase, done - before, millis, drops);
        drops.forEach((reason, number) -> all.merge(reason, number, Long::sum));
      }
    }
    System.out.printf("hostile input: %d datagrams, first seed %d; %s%n", done, SEED, all);
    assertThat(done).isGreaterThanOrEqualTo(episodes * phases.size() * Episode.DATAGRAMS);
    if (episodes > 1) {
      assertThat(all).containsOnlyKeys(REASONS);
    }
  }
}
