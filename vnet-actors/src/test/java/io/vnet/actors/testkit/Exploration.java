package io.vnet.actors.testkit;

import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;

/**
 * How much Lincheck tries: random scenarios of two threads' calls, and for each the interleavings
 * of their accesses to shared memory, which it takes for sequentially consistent.
 */
public final class Exploration {
  private static final int SCENARIOS = 10;
  private static final int INTERLEAVINGS = 100;

  private Exploration() {}

  /** For what has to hold. */
  public static ModelCheckingOptions modelChecking() {
    return new ModelCheckingOptions()
        .threads(2)
        .actorsBefore(2)
        .actorsPerThread(3)
        .actorsAfter(1)
        .iterations(SCENARIOS)
        .invocationsPerIteration(INTERLEAVINGS);
  }

  /** For a planted fault: the first finding will do, as long as it is. */
  public static ModelCheckingOptions fault() {
    return modelChecking().minimizeFailedScenario(false);
  }
}
