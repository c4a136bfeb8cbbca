package io.vnet.api.wire;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Big-endian access at any alignment. No allocation. */
public final class Bytes {
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  private Bytes() {}

  /** One byte, unsigned. */
  public static int u8(MemorySegment segment, long at) {
    return segment.get(ValueLayout.JAVA_BYTE, at) & 0xFF;
  }

  /** Two bytes, unsigned. */
  public static int u16(MemorySegment segment, long at) {
    return segment.get(SHORT, at) & 0xFFFF;
  }

  /** Four bytes. */
  public static int i32(MemorySegment segment, long at) {
    return segment.get(INT, at);
  }

  /** Eight bytes. */
  public static long i64(MemorySegment segment, long at) {
    return segment.get(LONG, at);
  }

  /** The low byte. */
  public static void put8(MemorySegment segment, long at, int value) {
    segment.set(ValueLayout.JAVA_BYTE, at, (byte) value);
  }

  /** The low two bytes. */
  public static void put16(MemorySegment segment, long at, int value) {
    segment.set(SHORT, at, (short) value);
  }

  /** Four bytes. */
  public static void put32(MemorySegment segment, long at, int value) {
    segment.set(INT, at, value);
  }

  /** Eight bytes. */
  public static void put64(MemorySegment segment, long at, long value) {
    segment.set(LONG, at, value);
  }
}
