package io.vnet.benchmarks.relay;

import java.io.PrintStream;

/** One line that is written over on a terminal, and nothing elsewhere. */
final class Progress {
  private static final String START_OF_LINE = "\r\u001b[K";

  private final PrintStream out;
  private final boolean terminal;

  Progress(PrintStream out, boolean terminal) {
    this.out = out;
    this.terminal = terminal;
  }

  /** Shows this instead of what was there. */
  void show(String line) {
    if (terminal) {
      out.print(START_OF_LINE + line);
      out.flush();
    }
  }

  /** Leaves an empty line to write on. */
  void clear() {
    show("");
  }
}
