package io.vnet.examples.cli;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * SIGINT and SIGTERM as an orderly end. A command that has something to clean up arms it and waits
 * on it; the process then lives until {@link #finished} and exits with the command's code instead
 * of the signal's. Safe on any thread.
 */
final class Termination {
  private final CountDownLatch requested = new CountDownLatch(1);
  private final CompletableFuture<Boolean> told = new CompletableFuture<>();
  private final CountDownLatch finished = new CountDownLatch(1);
  private final Thread hook = new Thread(this::endProcess, "vnet-termination");
  private volatile int exitCode;

  /** From now on a signal only asks for the end. Once. */
  void arm() {
    Runtime.getRuntime().addShutdownHook(hook);
  }

  private void endProcess() {
    request();
    try {
      finished.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    // The virtual machine would exit with 128 + signal.
    Runtime.getRuntime().halt(exitCode);
  }

  /** Ends the wait, as a signal does. */
  void request() {
    requested.countDown();
    told.complete(true);
  }

  /** Completes with true when the end is asked for. */
  CompletionStage<Boolean> requested() {
    return told.minimalCompletionStage();
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

  /** Everything is cleaned up and said; signals are what they were. */
  void finished(int code) {
    exitCode = code;
    finished.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // A signal came, and the hook now ends the process.
      request();
    }
  }
}
