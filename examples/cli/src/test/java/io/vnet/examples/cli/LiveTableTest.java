package io.vnet.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

/** Frames are for terminals only; the last one is for everybody. */
class LiveTableTest {
  private final StringWriter written = new StringWriter();

  @Test
  void elsewhere_than_on_a_terminal_only_the_last_state_is_printed() {
    LiveTable table = new LiveTable(new PrintWriter(written));
    table.draw("one\n");
    assertThat(written.toString()).isEmpty();
    table.last("two\n");
    assertThat(written).hasToString("two\n");
  }

  @Test
  void on_a_terminal_each_state_goes_over_the_one_before_and_lines_do_not_wrap() {
    LiveTable table = new LiveTable(new PrintWriter(written), true, () -> 24);
    table.draw("a\nb\n");
    table.last("c\n");
    assertThat(written)
        .hasToString("\033[?7la\nb\n\033[?7h" + "\033[2A\033[J" + "\033[?7lc\n\033[?7h");
  }

  @Test
  void what_has_no_room_on_the_terminal_is_a_number_and_follows_its_size() {
    int[] rows = {4};
    LiveTable table = new LiveTable(new PrintWriter(written), true, () -> rows[0]);
    table.draw("a\nb\nc\nd\n");
    rows[0] = 5;
    table.last("a\nb\nc\nd\n");
    assertThat(written)
        .hasToString(
            "\033[?7la\nb\n… and 2 more lines\n\033[?7h"
                + "\033[3A\033[J"
                + "\033[?7la\nb\nc\nd\n\033[?7h");
  }

  @Test
  void a_terminal_has_rows() {
    assertThat(TerminalRows.now()).isPositive();
  }
}
