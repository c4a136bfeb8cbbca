package io.vnet.io.tun;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * What takes back the steps of something that has not come to its end, last step first. Of one
 * thread.
 */
final class Undo {
  private final Deque<Runnable> steps = new ArrayDeque<>();

  void add(Runnable step) {
    steps.push(step);
  }

  /**
   * Takes all back.
   *
   * @param cause why; what cannot be taken back is among its suppressed exceptions
   */
  void run(Throwable cause) {
    for (Runnable step = steps.poll(); step != null; step = steps.poll()) {
      try {
        step.run();
      } catch (RuntimeException | Error e) {
        cause.addSuppressed(e);
      }
    }
  }
}
