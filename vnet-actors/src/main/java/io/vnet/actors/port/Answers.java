package io.vnet.actors.port;

import io.vnet.api.error.VnetException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** Waiting for an answer on a user's thread, outside any section, actor and lock. */
public final class Answers {
  private Answers() {}

  /** What failed, without the wrapper that a dependent stage puts around it. */
  public static Throwable unwrap(Throwable failure) {
    Throwable cause = failure.getCause();
    return failure instanceof CompletionException && cause != null ? cause : failure;
  }

  /** Waits without regard to interrupts; a failure is thrown with this thread's stack. */
  public static <T> T join(CompletableFuture<T> answer) {
    try {
      return answer.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof VnetException cause) {
        throw cause.rethrown();
      }
      throw e;
    }
  }
}
