package io.vnet.api.header;

import static io.vnet.api.header.HeaderFields.IPV6_DESTINATION;
import static io.vnet.api.header.HeaderFields.IPV6_HOP_LIMIT;
import static io.vnet.api.header.HeaderFields.IPV6_NEXT_HEADER;
import static io.vnet.api.header.HeaderFields.IPV6_PAYLOAD_LENGTH;
import static io.vnet.api.header.HeaderFields.IPV6_SOURCE;

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
    if (available() < HEADER_BYTES || available() < HEADER_BYTES + getShort(IPV6_PAYLOAD_LENGTH)) {
      return HeaderStatus.TRUNCATED;
    }
    return walkExtensions();
  }

  private HeaderStatus walkExtensions() {
    int end = HEADER_BYTES + getShort(IPV6_PAYLOAD_LENGTH);
    int at = HEADER_BYTES;
    int next = getByte(IPV6_NEXT_HEADER);
    fragmentField = 0;
    authenticated = false;
    for (int i = 0; IpProtocols.isExtension(next) && fragmentField >>> 3 == 0; i++) {
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
    return getByte(IPV6_HOP_LIMIT);
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
    return IpAddress.v6(getLong(IPV6_SOURCE), getLong(IPV6_SOURCE + 8));
  }

  /** The receiver. */
  public IpAddress destination() {
    return IpAddress.v6(getLong(IPV6_DESTINATION), getLong(IPV6_DESTINATION + 8));
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
    return getShort(IPV6_PAYLOAD_LENGTH) - extensionBytes;
  }

  /** The partial sum that TCP, UDP and ICMPv6 checksums begin with. */
  public long pseudoHeaderSum() {
    return InternetChecksum.pseudoHeader(
        getLong(IPV6_SOURCE),
        getLong(IPV6_SOURCE + 8),
        getLong(IPV6_DESTINATION),
        getLong(IPV6_DESTINATION + 8),
        protocol,
        payloadLength());
  }

  /** Swaps sender and receiver; upper-layer checksums stay right. */
  public void swapAddresses() {
    for (int i = 0; i < 16; i += 8) {
      long source = getLong(IPV6_SOURCE + i);
      setLong(IPV6_SOURCE + i, getLong(IPV6_DESTINATION + i));
      setLong(IPV6_DESTINATION + i, source);
    }
  }

  /** Changes the hops left. */
  public void setHopLimit(int hops) {
    setByte(IPV6_HOP_LIMIT, hops);
  }
}
