package io.vnet.api.header;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HexFormat;

/** Literal bytes as segments, and segments full of what somebody else left. */
final class HeaderBytes {
  /** Where headers begin in the segments here: neither 0 nor aligned. */
  static final int OFFSET = 3;

  private static final byte DIRT = (byte) 0xa5;

  private HeaderBytes() {}

  /** Hexadecimal digits, spaces and lines between them. */
  static byte[] hex(String text) {
    return HexFormat.of().parseHex(text.replaceAll("\\s+", ""));
  }

  /** {@link #OFFSET} bytes, then room for {@code length} and as much again, all dirty. */
  static MemorySegment dirty(int length) {
    return MemorySegment.ofArray(new byte[OFFSET + 2 * length + 8]).fill(DIRT);
  }

  /** Dirty bytes around these ones, which begin at {@link #OFFSET}. */
  static MemorySegment around(byte[] bytes) {
    MemorySegment segment = dirty(bytes.length);
    MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, OFFSET, bytes.length);
    return segment;
  }

  /** The bytes at {@link #OFFSET}. */
  static String hexAt(MemorySegment segment, int length) {
    return HexFormat.of().formatHex(segment.asSlice(OFFSET, length).toArray(ValueLayout.JAVA_BYTE));
  }

  /** Whether nothing but the {@code length} bytes at {@link #OFFSET} has been written. */
  static boolean dirtyAround(MemorySegment segment, int length) {
    for (long i = 0; i < segment.byteSize(); i++) {
      boolean within = i >= OFFSET && i < OFFSET + length;
      if (!within && segment.get(ValueLayout.JAVA_BYTE, i) != DIRT) {
        return false;
      }
    }
    return true;
  }

  /** Asks {@code view} about the bytes cut to each length below their own. */
  static HeaderStatus[] truncations(HeaderView view, byte[] bytes) {
    HeaderStatus[] statuses = new HeaderStatus[bytes.length];
    for (int length = 0; length < bytes.length; length++) {
      // An exact copy: a read beyond the end would be an exception.
      byte[] cut = Arrays.copyOf(bytes, length);
      statuses[length] = view.wrap(MemorySegment.ofArray(cut), 0, length);
    }
    return statuses;
  }
}
