package io.vnet.actors.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.HostStatistics;
import io.vnet.actors.VnetHost;
import java.util.concurrent.TimeUnit;

/** Asserts that a host has given everything back. */
public final class Leftovers {
  private static final int GUARD_SECONDS = 60;

  private Leftovers() {}

  /** Ends the host; nothing may be left, and no batch may have been found by the collector. */
  public static void assertNothingLeft(VnetHost host) {
    assertThat(terminated(host)).matches(HostStatistics::holdsNothing);
  }

  /** Ends the host and says what it still holds. */
  public static HostStatistics terminated(VnetHost host) {
    return host.terminate().toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
  }
}
