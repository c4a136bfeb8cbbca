package io.vnet.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** Columns are as wide as their widest cell. */
class TextTableTest {
  @Test
  void words_go_left_and_numbers_right() {
    TextTable table = new TextTable("name", "packets");
    table.row("a", "7");
    table.row("longer", "1234567890");
    assertThat(table.render().lines())
        .containsExactly(
            "name    packets", //
            "a                7",
            "longer  1234567890");
  }

  @Test
  void a_table_without_rows_is_its_header() {
    assertThat(new TextTable("one", "two").render()).isEqualTo("one  two" + System.lineSeparator());
  }

  @Test
  void an_empty_cell_keeps_its_column_and_leaves_no_space_at_the_end() {
    TextTable table = new TextTable("a", "b");
    table.row("", "x");
    table.row("x", "");
    assertThat(table.render().lines()).containsExactly("a  b", "   x", "x");
  }

  @Test
  void a_row_of_another_length_is_refused() {
    TextTable table = new TextTable("a", "b");
    assertThatThrownBy(() -> table.row("only one"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("1 cells for 2 columns");
  }
}
