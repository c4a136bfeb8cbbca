package io.vnet.api.header;

import static io.vnet.api.header.HeaderFields.TCP_ACKNOWLEDGMENT;
import static io.vnet.api.header.HeaderFields.TCP_CHECKSUM;
import static io.vnet.api.header.HeaderFields.TCP_DATA_OFFSET;
import static io.vnet.api.header.HeaderFields.TCP_FLAGS;
import static io.vnet.api.header.HeaderFields.TCP_SEQUENCE;
import static io.vnet.api.header.HeaderFields.TCP_WINDOW;

/** A TCP segment. Source: RFC 9293, section 3.1. */
public final class TcpView extends HeaderView {
  /** Bytes of a header without options. */
  public static final int HEADER_BYTES = 20;

  public static final int FIN = 0x01;
  public static final int SYN = 0x02;
  public static final int RST = 0x04;
  public static final int PSH = 0x08;
  public static final int ACK = 0x10;
  public static final int URG = 0x20;
  public static final int ECE = 0x40;
  public static final int CWR = 0x80;

  private static final int SOURCE_PORT = 0;
  private static final int DESTINATION_PORT = 2;

  /** A view that points at nothing yet. */
  public TcpView() {}

  @Override
  HeaderStatus check() {
    if (available() < HEADER_BYTES) {
      return HeaderStatus.TRUNCATED;
    }
    if (headerBytes() < HEADER_BYTES) {
      return HeaderStatus.BAD_HEADER_LENGTH;
    }
    return available() < headerBytes() ? HeaderStatus.TRUNCATED : HeaderStatus.OK;
  }

  /** The sender's port. */
  public int sourcePort() {
    return getShort(SOURCE_PORT);
  }

  /** The receiver's port. */
  public int destinationPort() {
    return getShort(DESTINATION_PORT);
  }

  /** The number of the first byte, unsigned. */
  public long sequence() {
    return getInt(TCP_SEQUENCE) & 0xFFFF_FFFFL;
  }

  /** The number of the next byte expected, unsigned. */
  public long acknowledgment() {
    return getInt(TCP_ACKNOWLEDGMENT) & 0xFFFF_FFFFL;
  }

  /** Bytes of the header with its options. */
  public int headerBytes() {
    return (getByte(TCP_DATA_OFFSET) >> 4) * 4;
  }

  /** {@link #FIN} to {@link #CWR}, added. */
  public int flags() {
    return getByte(TCP_FLAGS);
  }

  /** The window as it is on the wire, unscaled. */
  public int window() {
    return getShort(TCP_WINDOW);
  }

  @Override
  public long payloadOffset() {
    return start() + headerBytes();
  }

  @Override
  public int payloadLength() {
    return available() - headerBytes();
  }

  /**
   * Whether the checksum is right.
   *
   * @param pseudoHeaderSum from the IP header's view
   */
  public boolean checksumIsRight(long pseudoHeaderSum) {
    return InternetChecksum.fold(
            pseudoHeaderSum + InternetChecksum.sum(segment(), start(), available()))
        == 0xFFFF;
  }

  /** Writes the checksum anew. */
  public void updateChecksum(long pseudoHeaderSum) {
    setShort(TCP_CHECKSUM, 0);
    setShort(
        TCP_CHECKSUM,
        InternetChecksum.checksum(
            pseudoHeaderSum + InternetChecksum.sum(segment(), start(), available())));
  }
}
