package io.vnet.examples.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * SIGINT and SIGTERM as an orderly end: {@link #requested} is counted down, the process waits for
 * {@link #finished} and then exits with the given code instead of the signal's.
 */
final class Termination {
  private final CountDownLatch requested = new CountDownLatch(1);
  private final CountDownLatch finished = new CountDownLatch(1);
  private volatile int exitCode;

  Termination() {
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  requested.countDown();
                  try {
                    finished.await();
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                  // The virtual machine would exit with 128 + signal.
                  Runtime.getRuntime().halt(exitCode);
                },
                "vnet-termination"));
  }

  /** Ends the wait, as a signal does. */
  void request() {
    requested.countDown();
  }

  /** Whether the end was asked for. */
  boolean isRequested() {
    return requested.getCount() == 0;
  }

  /** Waits for a signal or a {@link #request}. */
  void await() throws InterruptedException {
    requested.await();
  }

  /** Waits at most so long; true if the end was asked for. */
  boolean await(long millis) throws InterruptedException {
    return requested.await(millis, TimeUnit.MILLISECONDS);
  }

  /** Everything is cleaned up. */
  void finished(int code) {
    exitCode = code;
    finished.countDown();
  }
}
