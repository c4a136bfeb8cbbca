package io.vnet.tunnel.noise;

import static io.vnet.tunnel.KnownAnswers.hex;
import static io.vnet.tunnel.KnownAnswers.number;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Time stamps: the known answers, and the test case P5 of the protocol's page. */
class Tai64nTest {
  private static final long MILLISECOND = 1_000_000;
  private static final long STEP = 1 << 24;

  @ParameterizedTest
  @ValueSource(strings = {"epoch", "1s", "y2001", "y2026", "below", "at"})
  void known_stamps(String name) {
    assertThat(Tai64n.of(number("tai64n_" + name + "_unix_ns"))).isEqualTo(hex("tai64n_" + name));
  }

  @Test
  void P5_stamps_16_ms_apart_may_be_equal_and_17_ms_apart_are_ordered() {
    long at = number("tai64n_at_unix_ns"); // Where a step begins.
    byte[] stamp = Tai64n.of(at);
    assertThat(Tai64n.of(at + 16 * MILLISECOND)).isEqualTo(stamp);
    assertThat(Tai64n.isNewer(Tai64n.of(at + 17 * MILLISECOND), stamp)).isTrue();
    for (long offset = 0; offset < 3_000 * MILLISECOND; offset += 977_777) {
      byte[] earlier = Tai64n.of(at + offset);
      byte[] later = Tai64n.of(at + offset + 17 * MILLISECOND);
      assertThat(Tai64n.isNewer(later, earlier)).isTrue();
      assertThat(Tai64n.isNewer(earlier, later)).isFalse();
    }
  }

  @Test
  void newer_is_strict_and_unsigned_and_takes_exact_stamps() {
    assertThat(Tai64n.isNewer(hex("tai64n_at"), hex("tai64n_at"))).isFalse();
    assertThat(Tai64n.isNewer(hex("tai64n_y2001_raw"), hex("tai64n_y2001"))).isTrue();
    assertThat(Tai64n.isNewer(hex("tai64n_y2001"), hex("tai64n_y2001_raw"))).isFalse();
    byte[] high = new byte[12];
    high[0] = (byte) 0x80;
    assertThat(Tai64n.isNewer(high, hex("tai64n_at"))).isTrue();
    assertThat(Tai64n.isNewer(hex("tai64n_at"), high)).isFalse();
    assertThat(Tai64n.isNewer(hex("tai64n_epoch"), new byte[12])).isTrue();
  }

  @Test
  void the_next_stamp_is_the_least_newer_one_that_a_clock_gives() {
    long second = number("tai64n_1s_unix_ns");
    for (long nanos = 0; nanos < 3 * second; nanos += STEP / 3) {
      byte[] stamp = Tai64n.of(nanos);
      byte[] next = Tai64n.next(stamp);
      assertThat(Tai64n.isNewer(next, stamp)).isTrue();
      long later = nanos;
      while (!Tai64n.isNewer(Tai64n.of(later), stamp)) {
        later += STEP / 16;
      }
      assertThat(next).isEqualTo(Tai64n.of(later));
    }
  }

  @Test
  void the_next_of_an_exact_stamp_is_newer_too() {
    byte[] next = Tai64n.next(hex("tai64n_y2001_raw"));
    assertThat(Tai64n.isNewer(next, hex("tai64n_y2001_raw"))).isTrue();
    assertThat(next).isEqualTo(Tai64n.of(number("tai64n_y2001_unix_ns") + STEP));
  }
}
