package io.vnet.actors.device;

/**
 * Runs something some microseconds later. Akka's timers, ten milliseconds apart, are too coarse for
 * who waits for a section to end.
 */
@FunctionalInterface
public interface Later {
  /**
   * Returns at once, or, if it is very soon, after the task.
   *
   * @param nanos when, at the earliest
   * @param task must be short and not block
   */
  void run(long nanos, Runnable task);

  /** Who waited has what he waited for, and has told it. */
  default void over() {}
}
