package io.vnet.api.header;

/**
 * Where the fields of a header lie, in bytes from its start, for who reads a few of them himself:
 * once a packet, to compare or to change them, or out of a header whose lengths are not to be
 * believed. Everybody else points a view at it.
 *
 * <p>How long the headers are without options is said by {@link Ipv4View#HEADER_BYTES} and its
 * like.
 */
public final class HeaderFields {
  /** Bytes of the packet, two. Source of all of IPv4: RFC 791, section 3.1. */
  public static final int IPV4_TOTAL_LENGTH = 2;

  /** The identification, two bytes. */
  public static final int IPV4_ID = 4;

  /** Flags and fragment offset, two bytes. */
  public static final int IPV4_FRAGMENT = 6;

  /** One byte. */
  public static final int IPV4_TIME_TO_LIVE = 8;

  /** One of {@link IpProtocols}, one byte. */
  public static final int IPV4_PROTOCOL = 9;

  /** Of the header, two bytes. */
  public static final int IPV4_CHECKSUM = 10;

  /** Four bytes; the destination follows. */
  public static final int IPV4_SOURCE = 12;

  /** Four bytes. */
  public static final int IPV4_DESTINATION = 16;

  /** In {@link #IPV4_FRAGMENT}: may not be fragmented. */
  public static final int IPV4_DONT_FRAGMENT = 0x4000;

  /** In {@link #IPV4_FRAGMENT}: more fragments follow. */
  public static final int IPV4_MORE_FRAGMENTS = 0x2000;

  /** In {@link #IPV4_FRAGMENT}: if any of these is set, the packet is a fragment. */
  public static final int IPV4_PART = 0x3FFF;

  /** Bytes behind the header, two. Source of all of IPv6: RFC 8200, section 3. */
  public static final int IPV6_PAYLOAD_LENGTH = 4;

  /** One of {@link IpProtocols}, one byte. */
  public static final int IPV6_NEXT_HEADER = 6;

  /** One byte. */
  public static final int IPV6_HOP_LIMIT = 7;

  /** Sixteen bytes; the destination follows. */
  public static final int IPV6_SOURCE = 8;

  /** Sixteen bytes. */
  public static final int IPV6_DESTINATION = 24;

  /** The number of the first byte, four bytes. Source of all of TCP: RFC 9293, section 3.1. */
  public static final int TCP_SEQUENCE = 4;

  /** Four bytes. */
  public static final int TCP_ACKNOWLEDGMENT = 8;

  /** In the high four bits how many 32-bit words the header has; the others are reserved. */
  public static final int TCP_DATA_OFFSET = 12;

  /** {@link TcpView#FIN} to {@link TcpView#CWR}, one byte. */
  public static final int TCP_FLAGS = 13;

  /** Two bytes. */
  public static final int TCP_WINDOW = 14;

  /** Two bytes. */
  public static final int TCP_CHECKSUM = 16;

  /** The urgent pointer, two bytes. */
  public static final int TCP_URGENT = 18;

  /** Bytes of header and payload, two. Source of all of UDP: RFC 768. */
  public static final int UDP_LENGTH = 4;

  /** Two bytes; 0: none. */
  public static final int UDP_CHECKSUM = 6;

  private HeaderFields() {}
}
