package io.vnet.api.mtu;

import java.util.function.LongSupplier;

/**
 * So many a second, and so many at once after a pause.
 *
 * <p>Holds the time at which the bucket will be full again instead of the tokens: nothing has to be
 * added as time goes by. One thread.
 */
final class TokenBucket {
  private static final long SECOND_NANOS = 1_000_000_000;

  private final LongSupplier nanoClock;
  private final long intervalNanos;
  private final long depthNanos;
  private long fullAt;

  /**
   * @param perSecond at least 1
   * @param burst at least 1
   * @param nanoClock any origin
   */
  TokenBucket(int perSecond, int burst, LongSupplier nanoClock) {
    this.nanoClock = nanoClock;
    intervalNanos = SECOND_NANOS / perSecond;
    depthNanos = intervalNanos * burst;
    fullAt = nanoClock.getAsLong();
  }

  /** Takes a token if there is one. */
  boolean take() {
    long now = nanoClock.getAsLong();
    long next = (fullAt - now > 0 ? fullAt : now) + intervalNanos;
    if (next - now > depthNanos) {
      return false;
    }
    fullAt = next;
    return true;
  }
}
