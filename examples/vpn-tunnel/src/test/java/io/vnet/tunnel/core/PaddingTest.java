package io.vnet.tunnel.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.tunnel.KnownAnswers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How many zero bytes follow a packet. */
class PaddingTest {
  @ParameterizedTest
  @CsvSource({
    "0, 1420", "1, 1420", "16, 1420", "37, 1420", "1408, 1420", "1409, 1420", "1420, 1420",
    "1419, 1420", "1430, 1420", "2850, 1420", "1420, 0", "1280, 1280", "1279, 1280", "60, 68",
    "67, 68"
  })
  void known_answers(int length, int mtu) {
    assertThat(Padding.bytes(length, mtu))
        .isEqualTo((int) KnownAnswers.number("padding_" + length + "_mtu" + mtu));
  }

  @Test
  void a_padded_packet_is_a_multiple_of_16_or_as_long_as_the_mtu() {
    for (int mtu = 68; mtu < 1600; mtu += 7) {
      for (int length = 0; length <= mtu; length++) {
        int padded = length + Padding.bytes(length, mtu);
        assertThat(padded).isBetween(length, Math.min(mtu, length + 15));
        assertThat(padded == mtu || padded % 16 == 0).isTrue();
      }
    }
  }
}
