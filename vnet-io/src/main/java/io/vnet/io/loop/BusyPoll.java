package io.vnet.io.loop;

import io.netty.channel.SelectStrategy;
import io.netty.util.IntSupplier;
import java.time.Duration;

/**
 * Whether a loop that has nothing to do looks again or sleeps: it looks again for a while after it
 * had something to do, or has slept. Of one loop, on its thread.
 */
final class BusyPoll implements SelectStrategy {
  private final long nanos;
  private long last;
  private boolean slept;

  /**
   * @param duration how long; zero: it never looks again
   */
  BusyPoll(Duration duration) {
    this.nanos = duration.toNanos();
  }

  /** There was something to do. */
  void active() {
    if (nanos > 0) {
      last = System.nanoTime();
    }
  }

  /** Whether to look again; if not, the loop sleeps now. */
  boolean looksAgain() {
    if (nanos == 0) {
      return false;
    }
    if (slept) {
      slept = false;
      active();
    }
    slept = System.nanoTime() - last >= nanos;
    return !slept;
  }

  /** Netty's question before each look with epoll. */
  @Override
  public int calculateStrategy(IntSupplier look, boolean hasTasks) throws Exception {
    if (hasTasks) {
      active();
      return look.get();
    }
    if (nanos == 0) {
      return SELECT;
    }
    int ready = look.get();
    if (ready > 0) {
      active();
      return ready;
    }
    return looksAgain() ? CONTINUE : SELECT;
  }
}
