package io.vnet.examples.cli;

import io.vnet.api.error.VnetException;

/** A configuration file is well-formed, but asks for what is refused here, each time again. */
final class UnusableFileException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  UnusableFileException(VnetException refusal) {
    super(String.valueOf(refusal.getMessage()), refusal);
  }
}
