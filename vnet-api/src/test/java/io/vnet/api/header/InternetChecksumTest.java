package io.vnet.api.header;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The Internet checksum: known answers, and a slow twin. */
class InternetChecksumTest {
  private static final long SEED = 0x73756d;

  private static long sum(byte[] bytes) {
    return InternetChecksum.sum(MemorySegment.ofArray(bytes), 0, bytes.length);
  }

  @Test
  void the_example_of_rfc_1071_gives_its_sum() {
    byte[] bytes = HeaderBytes.hex("0001 f203 f4f5 f6f7");

    assertThat(InternetChecksum.fold(sum(bytes))).isEqualTo(0xddf2);
    assertThat(InternetChecksum.checksum(sum(bytes))).isEqualTo(0x220d);
  }

  @Test
  void the_example_of_rfc_1624_is_updated_to_zero() {
    assertThat(InternetChecksum.update(0xdd2f, 0x5555, 0x3285)).isZero();
  }

  @Test
  void an_odd_last_byte_is_the_high_half_of_a_word() {
    assertThat(InternetChecksum.fold(sum(HeaderBytes.hex("0102 03")))).isEqualTo(0x0402);
    assertThat(InternetChecksum.fold(sum(HeaderBytes.hex("ff")))).isEqualTo(0xff00);
  }

  @Test
  void nothing_sums_up_to_zero() {
    assertThat(sum(new byte[0])).isZero();
    assertThat(sum(new byte[33])).isZero();
    assertThat(InternetChecksum.fold(0)).isZero();
    assertThat(InternetChecksum.checksum(0)).isEqualTo(0xffff);
  }

  @Test
  void bytes_that_are_all_ones_sum_up_to_the_other_zero() {
    for (int length = 2; length <= 70; length += 2) {
      byte[] bytes = new byte[length];
      Arrays.fill(bytes, (byte) 0xff);
      assertThat(InternetChecksum.fold(sum(bytes))).as("length %d", length).isEqualTo(0xffff);
    }
  }

  @Test
  void a_sum_is_the_slow_one_at_every_length_and_alignment() {
    Random random = new Random(SEED);
    byte[] bytes = new byte[200];
    random.nextBytes(bytes);
    MemorySegment segment = MemorySegment.ofArray(bytes);
    for (int offset = 0; offset < 17; offset++) {
      for (int length = 0; length <= bytes.length - offset; length++) {
        assertThat(InternetChecksum.fold(InternetChecksum.sum(segment, offset, length)))
            .as("seed %d, offset %d, length %d", SEED, offset, length)
            .isEqualTo(slow(bytes, offset, length));
      }
    }
  }

  @Test
  void partial_sums_can_be_added_at_even_places() {
    Random random = new Random(SEED);
    byte[] bytes = new byte[64 * 1024];
    random.nextBytes(bytes);
    MemorySegment segment = MemorySegment.ofArray(bytes);
    for (int split = 0; split <= bytes.length; split += 4_098) {
      long parts =
          InternetChecksum.sum(segment, 0, split)
              + InternetChecksum.sum(segment, split, bytes.length - split);
      assertThat(InternetChecksum.fold(parts))
          .as("seed %d, split %d", SEED, split)
          .isEqualTo(slow(bytes, 0, bytes.length));
    }
  }

  @Test
  void a_large_segment_does_not_overflow_the_sum() {
    byte[] bytes = new byte[1 << 24];
    Arrays.fill(bytes, (byte) 0xff);

    assertThat(sum(bytes)).isBetween(1L, (1L << 48) - 1);
    assertThat(InternetChecksum.fold(sum(bytes))).isEqualTo(0xffff);
  }

  @Test
  void an_update_is_what_a_new_sum_would_be() {
    Random random = new Random(SEED);
    for (int round = 0; round < 5_000; round++) {
      byte[] bytes = new byte[20];
      random.nextBytes(bytes);
      bytes[0] = 0x45; // Never all zero: then the two forms of zero would have to be told apart.
      int before = InternetChecksum.checksum(sum(bytes));
      int oldWord = (bytes[8] & 0xff) << 8 | (bytes[9] & 0xff);
      int newWord = random.nextInt(0x10000);
      bytes[8] = (byte) (newWord >> 8);
      bytes[9] = (byte) newWord;

      assertThat(InternetChecksum.update(before, oldWord, newWord))
          .as("seed %d, round %d", SEED, round)
          .isEqualTo(InternetChecksum.checksum(sum(bytes)));
    }
  }

  @Test
  void a_pseudo_header_is_summed_as_its_bytes_would_be() {
    byte[] v4 = HeaderBytes.hex("c0000201 fffffffe 00 11 0014");
    assertThat(InternetChecksum.fold(InternetChecksum.pseudoHeader(0xc0000201, 0xfffffffe, 17, 20)))
        .isEqualTo(InternetChecksum.fold(sum(v4)));

    byte[] v6 =
        HeaderBytes.hex(
            """
            20010db8000000000000000000000001 ff02ffffffffffffffffffffffffffff
            0001ffff 0000003a
            """);
    assertThat(
            InternetChecksum.fold(
                InternetChecksum.pseudoHeader(
                    0x20010db800000000L, 1, 0xff02ffffffffffffL, -1, 58, 0x1ffff)))
        .isEqualTo(InternetChecksum.fold(sum(v6)));
  }

  private static int slow(byte[] bytes, int offset, int length) {
    int sum = 0;
    for (int i = 0; i < length; i++) {
      sum += (bytes[offset + i] & 0xff) << (i % 2 == 0 ? 8 : 0);
      sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
  }
}
