package io.vnet.api.packet;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * One packet, copied out of a batch: immutable, collected like any object, safe to share.
 *
 * <p>Costs an object and an array a packet. Who cares for speed stays with {@link PacketBatch}.
 */
public final class Packet {
  private static final int SHOWN_BYTES = 32;

  private final byte[] bytes;

  private Packet(byte[] bytes) {
    this.bytes = bytes;
  }

  /** A packet with a copy of these bytes. */
  public static Packet of(byte[] bytes) {
    return wrap(bytes.clone());
  }

  /** A packet with a copy of a part of a segment. */
  public static Packet of(MemorySegment source, long offset, int length) {
    byte[] copy = new byte[length];
    MemorySegment.copy(source, ValueLayout.JAVA_BYTE, offset, copy, 0, length);
    return wrap(copy);
  }

  static Packet wrap(byte[] owned) {
    if (owned.length == 0) {
      throw new IllegalArgumentException("a packet has at least one byte");
    }
    return new Packet(owned);
  }

  /** Length in bytes, at least 1. */
  public int length() {
    return bytes.length;
  }

  /** Byte {@code i}, 0 to 255. */
  public int unsignedByte(int i) {
    return bytes[i] & 0xFF;
  }

  /** A copy of the bytes. */
  public byte[] toByteArray() {
    return bytes.clone();
  }

  /** The bytes, read-only, for the header views. */
  public MemorySegment segment() {
    return MemorySegment.ofArray(bytes).asReadOnly();
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Packet packet && Arrays.equals(bytes, packet.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  /** Length and the first bytes in hexadecimal. */
  @Override
  public String toString() {
    int shown = Math.min(bytes.length, SHOWN_BYTES);
    return bytes.length
        + " bytes: "
        + HexFormat.of().formatHex(bytes, 0, shown)
        + (shown < bytes.length ? "…" : "");
  }
}
