package io.vnet.api.header;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The ones' complement sum of RFC 1071. Partial sums are {@code long}s that can be added; {@link
 * #fold} brings one to 16 bits. No allocation.
 */
public final class InternetChecksum {
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  private InternetChecksum() {}

  /**
   * Adds up bytes as big-endian 16-bit words; an odd last byte counts as the high half of a word.
   *
   * @param offset where to begin; any alignment
   * @param length bytes; at most 2^31 - 1
   * @return a partial sum below 2^48
   */
  public static long sum(MemorySegment segment, long offset, int length) {
    long sum = 0;
    long at = offset;
    int left = length;
    for (; left >= 8; left -= 8, at += 8) {
      long word = segment.get(LONG, at);
      sum += (word >>> 32) + (word & 0xFFFF_FFFFL);
    }
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
      sum += (segment.get(ValueLayout.JAVA_BYTE, at) & 0xFF) << 8;
    }
    return (sum >>> 32) + (sum & 0xFFFF_FFFFL);
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
