package io.vnet.api.header;

import io.vnet.api.wire.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * What the views share: where they point, and big-endian access to it. One thread at a time.
 *
 * <p>After a {@link #wrap} that did not answer {@link HeaderStatus#OK}, or threw, a view points at
 * nothing: whatever is asked of it throws {@link IllegalStateException}, until a wrap succeeds.
 */
public abstract class HeaderView {
  private MemorySegment segment = MemorySegment.NULL;
  private long start;
  private int length;
  private boolean valid;

  HeaderView() {}

  /**
   * Points the view at bytes and checks them.
   *
   * @param source where the bytes are
   * @param offset where the header begins in it
   * @param available bytes from there on
   * @return {@link HeaderStatus#OK}, or why the fields must not be used
   * @throws IndexOutOfBoundsException if the range is not within the segment
   */
  public final HeaderStatus wrap(MemorySegment source, long offset, int available) {
    valid = false;
    Objects.checkFromIndexSize(offset, (long) available, source.byteSize());
    segment = source;
    start = offset;
    length = available;
    valid = true;
    HeaderStatus status = check();
    valid = status == HeaderStatus.OK;
    return status;
  }

  /** Checks the bytes that the view points at; may read only within {@link #available}. */
  abstract HeaderStatus check();

  /** Where the payload begins, in the segment. */
  public abstract long payloadOffset();

  /** How long the payload is, in bytes. */
  public abstract int payloadLength();

  final MemorySegment segment() {
    return segment;
  }

  final long start() {
    return at(0);
  }

  final int available() {
    checkValid();
    return length;
  }

  /** For what was worked out at the wrap. */
  final void checkValid() {
    if (!valid) {
      throw new IllegalStateException("the view points at nothing valid");
    }
  }

  private long at(int field) {
    checkValid();
    return start + field;
  }

  final int getByte(int field) {
    return Bytes.u8(segment, at(field));
  }

  final int getShort(int field) {
    return Bytes.u16(segment, at(field));
  }

  final int getInt(int field) {
    return Bytes.i32(segment, at(field));
  }

  final long getLong(int field) {
    return Bytes.i64(segment, at(field));
  }

  final long getMac(int field) {
    return ((long) getShort(field) << 32) | (getInt(field + 2) & 0xFFFF_FFFFL);
  }

  final void setByte(int field, int value) {
    Bytes.put8(segment, at(field), value);
  }

  final void setShort(int field, int value) {
    Bytes.put16(segment, at(field), value);
  }

  final void setInt(int field, int value) {
    Bytes.put32(segment, at(field), value);
  }

  final void setLong(int field, long value) {
    Bytes.put64(segment, at(field), value);
  }

  final void setMac(int field, long bits) {
    setShort(field, (int) (bits >>> 32));
    setInt(field + 2, (int) bits);
  }
}
