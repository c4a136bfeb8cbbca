package io.vnet.api.header;

import java.lang.foreign.MemorySegment;

/**
 * An ICMP or ICMPv6 message; identifier and sequence number are those of an echo. Source: RFC 792,
 * RFC 4443.
 */
public final class IcmpView extends HeaderView {
  /** Bytes of the header, an echo's two numbers included. */
  public static final int HEADER_BYTES = 8;

  /** ICMP: reply to an echo. */
  public static final int ECHO_REPLY = 0;

  /** ICMP: asks for an echo. */
  public static final int ECHO_REQUEST = 8;

  /** ICMPv6: asks for an echo. */
  public static final int V6_ECHO_REQUEST = 128;

  /** ICMPv6: reply to an echo. */
  public static final int V6_ECHO_REPLY = 129;

  private static final int TYPE = 0;
  private static final int CODE = 1;
  private static final int CHECKSUM = 2;
  private static final int IDENTIFIER = 4;
  private static final int SEQUENCE = 6;

  /** A view that points at nothing yet. */
  public IcmpView() {}

  @Override
  HeaderStatus check() {
    return available() < HEADER_BYTES ? HeaderStatus.TRUNCATED : HeaderStatus.OK;
  }

  /** The kind of message. */
  public int type() {
    return getByte(TYPE);
  }

  /** The kind within the type. */
  public int code() {
    return getByte(CODE);
  }

  /** An echo's identifier. */
  public int identifier() {
    return getShort(IDENTIFIER);
  }

  /** An echo's sequence number. */
  public int sequence() {
    return getShort(SEQUENCE);
  }

  @Override
  public long payloadOffset() {
    return start() + HEADER_BYTES;
  }

  @Override
  public int payloadLength() {
    return available() - HEADER_BYTES;
  }

  /**
   * Whether the checksum is right.
   *
   * @param pseudoHeaderSum 0 for ICMP, {@link Ipv6View#pseudoHeaderSum} for ICMPv6
   */
  public boolean checksumIsRight(long pseudoHeaderSum) {
    return InternetChecksum.fold(
            pseudoHeaderSum + InternetChecksum.sum(segment(), start(), available()))
        == 0xFFFF;
  }

  /** Writes the checksum anew; the parameter as above. */
  public void updateChecksum(long pseudoHeaderSum) {
    setShort(CHECKSUM, 0);
    setShort(
        CHECKSUM,
        InternetChecksum.checksum(
            pseudoHeaderSum + InternetChecksum.sum(segment(), start(), available())));
  }

  /** Changes the type and corrects the checksum. */
  public void setType(int type) {
    int before = getShort(TYPE);
    setByte(TYPE, type);
    setShort(CHECKSUM, InternetChecksum.update(getShort(CHECKSUM), before, getShort(TYPE)));
  }

  /** Writes an ICMP echo header in front of a payload that is there, with its checksum. */
  public HeaderStatus buildEcho(
      MemorySegment target, long offset, int available, int type, int identifier, int sequence) {
    HeaderStatus status = wrap(target, offset, available);
    if (status == HeaderStatus.OK) {
      setShort(TYPE, type << 8);
      setShort(IDENTIFIER, identifier);
      setShort(SEQUENCE, sequence);
      updateChecksum(0);
    }
    return status;
  }
}
