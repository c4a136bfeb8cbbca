package io.vnet.api.header;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The ones' complement sum of RFC 1071. Partial sums are {@code long}s that can be added; {@link
 * #fold} brings one to 16 bits. No allocation.
 */
public final class InternetChecksum {
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final boolean BIG_ENDIAN = ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN;

  private InternetChecksum() {}

  /**
   * Adds up bytes as big-endian 16-bit words; an odd last byte counts as the high half of a word.
   *
   * <p>Words are taken in the host's order and the sum is swapped at the end, which comes to the
   * same (RFC 1071, section 2). The loop counts with an int and adds the halves apart, without a
   * carry: so the compiler makes vectors of it.
   *
   * @param offset where to begin; any alignment
   * @param length bytes; at most 2^31 - 1
   * @return a partial sum of 16 bits, 0 only if all bytes are
   */
  public static long sum(MemorySegment segment, long offset, int length) {
    int words = length / 8;
    long high = 0;
    long low = 0;
    for (int i = 0; i < words; i++) {
      long word = segment.get(LONG, offset + 8L * i);
      high += word >>> 32;
      low += word & 0xFFFF_FFFFL;
    }
    long sum = high + low;
    long at = offset + 8L * words;
    int left = length - 8 * words;
    if (left >= 4) {
      sum += segment.get(INT, at) & 0xFFFF_FFFFL;
      at += 4;
      left -= 4;
    }
    if (left >= 2) {
      sum += segment.get(SHORT, at) & 0xFFFF;
      at += 2;
      left -= 2;
    }
    if (left > 0) {
      int last = segment.get(ValueLayout.JAVA_BYTE, at) & 0xFF;
      sum += BIG_ENDIAN ? last << 8 : last;
    }
    int folded = fold(sum);
    return BIG_ENDIAN ? folded : Integer.reverseBytes(folded) >>> 16;
  }

  /** Brings a partial sum to 16 bits. */
  public static int fold(long sum) {
    long folded = sum;
    while (folded >>> 16 != 0) {
      folded = (folded >>> 16) + (folded & 0xFFFF);
    }
    return (int) folded;
  }

  /** The checksum field for a partial sum: its complement, 16 bits. */
  public static int checksum(long sum) {
    return ~fold(sum) & 0xFFFF;
  }

  /**
   * The checksum after one 16-bit word of what it covers has changed.
   *
   * <p>Source: RFC 1624, equation 3.
   */
  public static int update(int checksum, int oldWord, int newWord) {
    return checksum((~checksum & 0xFFFFL) + (~oldWord & 0xFFFFL) + (newWord & 0xFFFFL));
  }

  /** The partial sum of an IPv4 pseudo header. Source: RFC 9293, section 3.1. */
  public static long pseudoHeader(int source, int destination, int protocol, int length) {
    return (source & 0xFFFF_FFFFL) + (destination & 0xFFFF_FFFFL) + protocol + length;
  }

  /** The partial sum of an IPv6 pseudo header. Source: RFC 8200, section 8.1. */
  public static long pseudoHeader(
      long sourceHigh,
      long sourceLow,
      long destinationHigh,
      long destinationLow,
      int protocol,
      int length) {
    return (sourceHigh >>> 32)
        + (sourceHigh & 0xFFFF_FFFFL)
        + (sourceLow >>> 32)
        + (sourceLow & 0xFFFF_FFFFL)
        + (destinationHigh >>> 32)
        + (destinationHigh & 0xFFFF_FFFFL)
        + (destinationLow >>> 32)
        + (destinationLow & 0xFFFF_FFFFL)
        + protocol
        + length;
  }
}
