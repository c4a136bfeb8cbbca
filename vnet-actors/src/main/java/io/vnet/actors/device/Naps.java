package io.vnet.actors.device;

import io.vnet.api.epoch.Nap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * Pauses of actors that share a control thread. A short one is {@linkplain Nap slept through} by
 * that thread itself: another one that ended it would have to get a processor first, where those
 * who are waited for leave none. Messages to its actors wait as long, and have their turn after
 * each; a longer pause is another thread's.
 *
 * <p>That a nap is over is done behind what the control thread has to do at that moment, as it may
 * lose its processor with it.
 */
public final class Naps implements Later {
  /** Eight looks of a grace period's, half a millisecond together. */
  private static final long NAP_MAX_NANOS = 100_000;

  private final Executor control;

  /** Written and read on the control thread; with several, one of them may stay napping. */
  private volatile boolean napping;

  /**
   * @param control the thread of the actors that pause
   */
  public Naps(Executor control) {
    this.control = control;
  }

  @Override
  public void run(long nanos, Runnable task) {
    if (nanos > NAP_MAX_NANOS) {
      CompletableFuture.delayedExecutor(nanos, TimeUnit.NANOSECONDS, Runnable::run).execute(task);
      return;
    }
    napping = true;
    Nap.nanos(nanos);
    task.run();
  }

  @Override
  public void over() {
    if (napping) {
      napping = false;
      control.execute(Nap::over);
    }
  }
}
