package io.vnet.examples.cli;

import java.util.concurrent.CompletionException;

/** What failed, without the wrapper of a dependent stage. */
final class Failures {
  private Failures() {}

  static Throwable cause(Throwable failure) {
    Throwable inner = failure.getCause();
    return failure instanceof CompletionException && inner != null ? inner : failure;
  }
}
