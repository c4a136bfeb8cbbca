package io.vnet.actors.sim;

import java.util.List;
import java.util.SplittableRandom;

/**
 * Which ready lane runs next, by seed alone.
 *
 * <p>Four seeds in five use random priorities: the ready lane with the highest runs, and at up to
 * four random steps the one that would run drops to the bottom. That piles delays up on one lane,
 * which a uniform choice, the fifth seed's, does not. A priority depends on the seed and the lane's
 * key only, not on the order in which lanes are seen.
 *
 * <p>A lane that only looks again (the grace period's turns) drops to the bottom after a few turns:
 * otherwise it would starve the reader it waits for.
 */
final class Chooser implements Order {
  private static final int EXPECTED_STEPS = 300;
  private static final int SPINS = 5;
  private static final String SPINNING = "grace-period";

  private final SplittableRandom random;
  private final long salt;
  private final boolean uniform;
  private final long[] changes;
  private long steps;
  private long lowest;
  private int spins;

  Chooser(long seed) {
    random = new SplittableRandom(seed);
    salt = random.nextLong();
    uniform = Math.floorMod(seed, 5L) == 0;
    changes = new long[random.nextInt(5)];
    for (int i = 0; i < changes.length; i++) {
      changes[i] = random.nextInt(EXPECTED_STEPS);
    }
  }

  @Override
  public long priority(String key) {
    long z = salt ^ (key.hashCode() * 0x9E3779B97F4A7C15L);
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return (z ^ (z >>> 31)) >>> 1;
  }

  @Override
  public int choose(List<Lane> ready) {
    if (uniform) {
      return random.nextInt(ready.size());
    }
    long step = steps++;
    int best = highest(ready);
    for (long change : changes) {
      if (change == step) {
        ready.get(best).priority = --lowest;
        best = highest(ready);
      }
    }
    if (!ready.get(best).key.equals(SPINNING)) {
      spins = 0;
    } else if (++spins > SPINS) {
      spins = 0;
      ready.get(best).priority = --lowest;
      best = highest(ready);
    }
    return best;
  }

  private static int highest(List<Lane> ready) {
    int best = 0;
    for (int i = 1; i < ready.size(); i++) {
      if (ready.get(i).priority > ready.get(best).priority) {
        best = i;
      }
    }
    return best;
  }
}
