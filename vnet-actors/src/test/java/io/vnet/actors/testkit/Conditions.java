package io.vnet.actors.testkit;

import java.time.Duration;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;

/** Waiting for what another thread does, with a guard that a busy machine does not trip. */
public final class Conditions {
  private static final Duration GUARD = Duration.ofSeconds(60);

  private Conditions() {}

  /** Awaitility's, with that guard. */
  public static ConditionFactory await() {
    return Awaitility.await().atMost(GUARD);
  }
}
