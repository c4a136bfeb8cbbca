package io.vnet.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class KnownAnswersTest {
  @Test
  void gives_bytes_numbers_and_text() {
    assertThat(KnownAnswers.hex("index_i")).containsExactly(0x44, 0x33, 0x22, 0x11);
    assertThat(KnownAnswers.hex("initiation")).hasSize(148);
    assertThat(KnownAnswers.hex("response")).hasSize(92);
    assertThat(KnownAnswers.number("tai64n_1s_unix_ns")).isEqualTo(1_000_000_000L);
    assertThat(KnownAnswers.text("index_r")).isEqualTo("ddccbbaa");
  }

  @Test
  void refuses_a_name_that_is_not_there() {
    assertThatThrownBy(() -> KnownAnswers.hex("nonsense"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("nonsense");
  }
}
