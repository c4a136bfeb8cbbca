package io.vnet.examples.cli;

import java.io.Console;
import java.io.PrintWriter;
import java.util.List;
import java.util.function.IntSupplier;

/**
 * A table that is redrawn in place on a terminal, as far as it has rows. Elsewhere only {@link
 * #last} prints. One thread.
 */
final class LiveTable {
  private static final String WRAP_OFF = "\033[?7l";
  private static final String WRAP_ON = "\033[?7h";

  private final PrintWriter out;
  private final boolean terminal;
  private final IntSupplier rows;
  private int drawnLines;

  LiveTable(PrintWriter out) {
    this(out, onTerminal(), TerminalRows::now);
  }

  /**
   * @param rows of the terminal, now
   */
  LiveTable(PrintWriter out, boolean terminal, IntSupplier rows) {
    this.out = out;
    this.terminal = terminal;
    this.rows = rows;
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
      String frame = clipped(text);
      out.print(WRAP_OFF + frame + WRAP_ON);
      out.flush();
      drawnLines = (int) frame.lines().count();
    }
  }

  /** What scrolled out at the top could not be drawn over. The last row is the cursor's. */
  private String clipped(String text) {
    List<String> lines = text.lines().toList();
    int room = Math.max(2, rows.getAsInt() - 1);
    if (lines.size() <= room) {
      return text;
    }
    String end = System.lineSeparator();
    return String.join(end, lines.subList(0, room - 1))
        + end
        + "… and "
        + (lines.size() - room + 1)
        + " more lines"
        + end;
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
