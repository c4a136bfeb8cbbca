package io.vnet.examples.cli;

import java.io.Console;
import java.io.PrintWriter;

/**
 * A table that is redrawn in place on a terminal. Elsewhere only {@link #last} prints. One thread.
 */
final class LiveTable {
  private static final String WRAP_OFF = "\033[?7l";
  private static final String WRAP_ON = "\033[?7h";

  private final PrintWriter out;
  private final boolean terminal;
  private int drawnLines;

  LiveTable(PrintWriter out) {
    this(out, onTerminal());
  }

  LiveTable(PrintWriter out, boolean terminal) {
    this.out = out;
    this.terminal = terminal;
  }

  @SuppressWarnings("SystemConsoleNull") // It is null in 25 when standard input is no terminal.
  private static boolean onTerminal() {
    Console console = System.console();
    return console != null && console.isTerminal();
  }

  /** Whether it is redrawn. */
  boolean isLive() {
    return terminal;
  }

  /** Shows the state now, over the one before. */
  void draw(String text) {
    if (terminal) {
      if (drawnLines > 0) {
        out.print("\033[" + drawnLines + "A\033[J");
      }
      // A line that wrapped would take two rows, and the next frame would go up too little.
      out.print(WRAP_OFF + text + WRAP_ON);
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
