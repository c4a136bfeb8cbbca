package io.vnet.io.thread;

/** Waits for what is sure to come, whatever interrupts the thread meanwhile. */
public final class Uninterrupted {
  private Uninterrupted() {}

  /** Something that can be waited for again. */
  @FunctionalInterface
  public interface Wait {
    /** Returns when it has come. */
    void await() throws InterruptedException;
  }

  /** Waits to the end; the thread is interrupted afterwards if it was before or meanwhile. */
  public static void await(Wait wait) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          wait.await();
          return;
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
