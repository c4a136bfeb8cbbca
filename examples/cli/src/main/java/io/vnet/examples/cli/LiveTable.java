package io.vnet.examples.cli;

import java.io.Console;
import java.io.PrintWriter;

/**
 * A table that is redrawn in place on a terminal. Elsewhere only {@link #last} prints. One thread.
 */
final class LiveTable {
  private final PrintWriter out;
  private final boolean terminal;
  private int drawnLines;

  @SuppressWarnings("SystemConsoleNull") // It is null in 25 when standard input is no terminal.
  LiveTable(PrintWriter out) {
    this.out = out;
    Console console = System.console();
    this.terminal = console != null && console.isTerminal();
  }

  /** Shows the state now, over the one before. */
  void draw(String text) {
    if (terminal) {
      if (drawnLines > 0) {
        out.print("\033[" + drawnLines + "A\033[J");
      }
      out.print(text);
      out.flush();
      drawnLines = (int) text.lines().count();
    }
  }

  /** Shows the last state, which stays. */
  void last(String text) {
    if (terminal) {
      draw(text);
    } else {
      out.print(text);
      out.flush();
    }
  }
}
