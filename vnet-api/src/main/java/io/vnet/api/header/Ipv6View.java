package io.vnet.api.header;

import io.vnet.api.address.IpAddress;

/**
 * An IPv6 packet and its extension headers, up to {@link #EXTENSIONS_MAX} of them. Source: RFC
 * 8200.
 */
public final class Ipv6View extends HeaderView {
  /** Bytes of the fixed header. */
  public static final int HEADER_BYTES = 40;

  /** Extension headers that are followed; a packet with more is {@link HeaderStatus#BAD_TYPE}. */
  public static final int EXTENSIONS_MAX = 8;

  private static final int PAYLOAD_LENGTH = 4;
  private static final int NEXT_HEADER = 6;
  private static final int HOP_LIMIT = 7;
  private static final int SOURCE = 8;
  private static final int DESTINATION = 24;
  private static final int FRAGMENT_BYTES = 8;

  private int extensionBytes;
  private int protocol;
  private int fragmentField;
  private boolean authenticated;

  /** A view that points at nothing yet. */
  public Ipv6View() {}

  @Override
  HeaderStatus check() {
    if (available() < 1) {
      return HeaderStatus.TRUNCATED;
    }
    if (getByte(0) >> 4 != 6) {
      return HeaderStatus.BAD_VERSION;
    }
    if (available() < HEADER_BYTES || available() < HEADER_BYTES + getShort(PAYLOAD_LENGTH)) {
      return HeaderStatus.TRUNCATED;
    }
    return walkExtensions();
  }

  private HeaderStatus walkExtensions() {
    int end = HEADER_BYTES + getShort(PAYLOAD_LENGTH);
    int at = HEADER_BYTES;
    int next = getByte(NEXT_HEADER);
    fragmentField = 0;
    authenticated = false;
    for (int i = 0; isExtension(next) && fragmentField >>> 3 == 0; i++) {
      if (i == EXTENSIONS_MAX) {
        return HeaderStatus.BAD_TYPE;
      }
      if (end - at < FRAGMENT_BYTES) {
        return HeaderStatus.TRUNCATED;
      }
      int bytes =
          switch (next) {
            case IpProtocols.FRAGMENT -> FRAGMENT_BYTES;
            case IpProtocols.AUTHENTICATION -> (getByte(at + 1) + 2) * 4;
            default -> (getByte(at + 1) + 1) * 8;
          };
      if (end - at < bytes) {
        return HeaderStatus.TRUNCATED;
      }
      if (next == IpProtocols.FRAGMENT) {
        fragmentField = getShort(at + 2);
      }
      authenticated |= next == IpProtocols.AUTHENTICATION;
      next = getByte(at);
      at += bytes;
    }
    protocol = next;
    extensionBytes = at - HEADER_BYTES;
    return HeaderStatus.OK;
  }

  private static boolean isExtension(int header) {
    return switch (header) {
      case IpProtocols.HOP_BY_HOP,
          IpProtocols.ROUTING,
          IpProtocols.FRAGMENT,
          IpProtocols.AUTHENTICATION,
          IpProtocols.DESTINATION_OPTIONS ->
          true;
      default -> false;
    };
  }

  /** DSCP in the high six bits, ECN in the low two. */
  public int trafficClass() {
    return getInt(0) >>> 20 & 0xFF;
  }

  /** The flow label, 20 bits. */
  public int flowLabel() {
    return getInt(0) & 0xF_FFFF;
  }

  /** Hops left. */
  public int hopLimit() {
    return getByte(HOP_LIMIT);
  }

  /** What the payload behind the extensions is: {@link IpProtocols}. */
  public int protocol() {
    checkValid();
    return protocol;
  }

  /** Whether it is a part of a packet; a later part's payload has no upper-layer header. */
  public boolean isFragment() {
    checkValid();
    return (fragmentField & 0xFFF9) != 0;
  }

  /** Where this fragment belongs, in bytes. */
  public int fragmentOffset() {
    checkValid();
    return fragmentField & 0xFFF8;
  }

  /** The sender. */
  public IpAddress source() {
    return IpAddress.v6(getLong(SOURCE), getLong(SOURCE + 8));
  }

  /** The receiver. */
  public IpAddress destination() {
    return IpAddress.v6(getLong(DESTINATION), getLong(DESTINATION + 8));
  }

  /** Whether an authentication header covers the payload: who changes that breaks it. */
  public boolean isAuthenticated() {
    checkValid();
    return authenticated;
  }

  @Override
  public long payloadOffset() {
    return start() + HEADER_BYTES + extensionBytes;
  }

  @Override
  public int payloadLength() {
    return getShort(PAYLOAD_LENGTH) - extensionBytes;
  }

  /** The partial sum that TCP, UDP and ICMPv6 checksums begin with. */
  public long pseudoHeaderSum() {
    return InternetChecksum.pseudoHeader(
        getLong(SOURCE),
        getLong(SOURCE + 8),
        getLong(DESTINATION),
        getLong(DESTINATION + 8),
        protocol,
        payloadLength());
  }

  /** Swaps sender and receiver; upper-layer checksums stay right. */
  public void swapAddresses() {
    for (int i = 0; i < 16; i += 8) {
      long source = getLong(SOURCE + i);
      setLong(SOURCE + i, getLong(DESTINATION + i));
      setLong(DESTINATION + i, source);
    }
  }

  /** Changes the hops left. */
  public void setHopLimit(int hops) {
    setByte(HOP_LIMIT, hops);
  }
}
