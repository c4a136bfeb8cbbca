package io.vnet.api.header;

import static io.vnet.api.header.HeaderFields.UDP_CHECKSUM;
import static io.vnet.api.header.HeaderFields.UDP_LENGTH;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A UDP datagram. Source: RFC 768. */
public final class UdpView extends HeaderView {
  /** Bytes of the header. */
  public static final int HEADER_BYTES = 8;

  private static final int SOURCE_PORT = 0;
  private static final int DESTINATION_PORT = 2;

  /** A view that points at nothing yet. */
  public UdpView() {}

  @Override
  HeaderStatus check() {
    if (available() < HEADER_BYTES) {
      return HeaderStatus.TRUNCATED;
    }
    if (getShort(UDP_LENGTH) < HEADER_BYTES) {
      return HeaderStatus.BAD_TOTAL_LENGTH;
    }
    return available() < getShort(UDP_LENGTH) ? HeaderStatus.TRUNCATED : HeaderStatus.OK;
  }

  /** The sender's port. */
  public int sourcePort() {
    return getShort(SOURCE_PORT);
  }

  /** The receiver's port. */
  public int destinationPort() {
    return getShort(DESTINATION_PORT);
  }

  @Override
  public long payloadOffset() {
    return start() + HEADER_BYTES;
  }

  @Override
  public int payloadLength() {
    return getShort(UDP_LENGTH) - HEADER_BYTES;
  }

  /**
   * Whether the checksum is right, or absent.
   *
   * @param pseudoHeaderSum from the IP header's view
   */
  public boolean checksumIsRight(long pseudoHeaderSum) {
    return getShort(UDP_CHECKSUM) == 0
        || InternetChecksum.fold(
                pseudoHeaderSum + InternetChecksum.sum(segment(), start(), getShort(UDP_LENGTH)))
            == 0xFFFF;
  }

  /** Writes the checksum anew. */
  public void updateChecksum(long pseudoHeaderSum) {
    setShort(UDP_CHECKSUM, 0);
    int checksum =
        InternetChecksum.checksum(
            pseudoHeaderSum + InternetChecksum.sum(segment(), start(), getShort(UDP_LENGTH)));
    // Zero on the wire means "none", so a sum of zero is sent as its other form.
    setShort(UDP_CHECKSUM, checksum == 0 ? 0xFFFF : checksum);
  }

  /** Writes a header without a checksum in front of a payload that is there. */
  public HeaderStatus build(
      MemorySegment target,
      long offset,
      int available,
      int sourcePort,
      int destinationPort,
      int payloadLength) {
    if (payloadLength < 0) {
      return HeaderStatus.BAD_TOTAL_LENGTH;
    }
    if (available < HEADER_BYTES + payloadLength || payloadLength > 65535 - HEADER_BYTES) {
      return HeaderStatus.TRUNCATED;
    }
    target.set(
        ValueLayout.JAVA_BYTE, offset + UDP_LENGTH, (byte) ((HEADER_BYTES + payloadLength) >> 8));
    target.set(
        ValueLayout.JAVA_BYTE, offset + UDP_LENGTH + 1, (byte) (HEADER_BYTES + payloadLength));
    HeaderStatus status = wrap(target, offset, available);
    setShort(SOURCE_PORT, sourcePort);
    setShort(DESTINATION_PORT, destinationPort);
    setShort(UDP_CHECKSUM, 0);
    return status;
  }
}
