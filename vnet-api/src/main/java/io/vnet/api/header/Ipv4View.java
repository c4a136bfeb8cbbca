package io.vnet.api.header;

import static io.vnet.api.header.HeaderFields.IPV4_CHECKSUM;
import static io.vnet.api.header.HeaderFields.IPV4_DESTINATION;
import static io.vnet.api.header.HeaderFields.IPV4_DONT_FRAGMENT;
import static io.vnet.api.header.HeaderFields.IPV4_FRAGMENT;
import static io.vnet.api.header.HeaderFields.IPV4_ID;
import static io.vnet.api.header.HeaderFields.IPV4_MORE_FRAGMENTS;
import static io.vnet.api.header.HeaderFields.IPV4_PART;
import static io.vnet.api.header.HeaderFields.IPV4_PROTOCOL;
import static io.vnet.api.header.HeaderFields.IPV4_SOURCE;
import static io.vnet.api.header.HeaderFields.IPV4_TIME_TO_LIVE;
import static io.vnet.api.header.HeaderFields.IPV4_TOTAL_LENGTH;

import io.vnet.api.address.IpAddress;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** An IPv4 packet. Source: RFC 791; fields of the second byte: RFC 2474, RFC 3168. */
public final class Ipv4View extends HeaderView {
  /** Bytes of a header without options. */
  public static final int HEADER_BYTES = 20;

  private static final int VERSION_AND_LENGTH = 0;
  private static final int TRAFFIC_CLASS = 1;

  /** A view that points at nothing yet. */
  public Ipv4View() {}

  @Override
  HeaderStatus check() {
    if (available() < 1) {
      return HeaderStatus.TRUNCATED;
    }
    if (getByte(VERSION_AND_LENGTH) >> 4 != 4) {
      return HeaderStatus.BAD_VERSION;
    }
    if (available() < HEADER_BYTES) {
      return HeaderStatus.TRUNCATED;
    }
    if (headerBytes() < HEADER_BYTES) {
      return HeaderStatus.BAD_HEADER_LENGTH;
    }
    if (totalLength() < headerBytes()) {
      return HeaderStatus.BAD_TOTAL_LENGTH;
    }
    return available() < totalLength() ? HeaderStatus.TRUNCATED : HeaderStatus.OK;
  }

  /** Bytes of the header with its options. */
  public int headerBytes() {
    return (getByte(VERSION_AND_LENGTH) & 15) * 4;
  }

  /** DSCP in the high six bits, ECN in the low two. */
  public int trafficClass() {
    return getByte(TRAFFIC_CLASS);
  }

  /** Bytes of header and payload; what follows is padding. */
  public int totalLength() {
    return getShort(IPV4_TOTAL_LENGTH);
  }

  /** Tells fragments of different packets apart. */
  public int identification() {
    return getShort(IPV4_ID);
  }

  /** Whether routers must not fragment it. */
  public boolean dontFragment() {
    return (getShort(IPV4_FRAGMENT) & IPV4_DONT_FRAGMENT) != 0;
  }

  /** Whether it is a part of a packet. */
  public boolean isFragment() {
    return (getShort(IPV4_FRAGMENT) & IPV4_PART) != 0;
  }

  /** Whether further fragments follow. */
  public boolean moreFragments() {
    return (getShort(IPV4_FRAGMENT) & IPV4_MORE_FRAGMENTS) != 0;
  }

  /** Where this fragment belongs, in bytes. */
  public int fragmentOffset() {
    return (getShort(IPV4_FRAGMENT) & 0x1FFF) * 8;
  }

  /** Hops left. */
  public int timeToLive() {
    return getByte(IPV4_TIME_TO_LIVE);
  }

  /** What the payload is: {@link IpProtocols}. */
  public int protocol() {
    return getByte(IPV4_PROTOCOL);
  }

  /** The sender. */
  public IpAddress source() {
    return IpAddress.v4(sourceBits());
  }

  /** The sender, without an object. */
  public int sourceBits() {
    return getInt(IPV4_SOURCE);
  }

  /** The receiver. */
  public IpAddress destination() {
    return IpAddress.v4(destinationBits());
  }

  /** The receiver, without an object. */
  public int destinationBits() {
    return getInt(IPV4_DESTINATION);
  }

  @Override
  public long payloadOffset() {
    return start() + headerBytes();
  }

  @Override
  public int payloadLength() {
    return totalLength() - headerBytes();
  }

  /** Whether the header's checksum is right. */
  public boolean checksumIsRight() {
    return InternetChecksum.fold(InternetChecksum.sum(segment(), start(), headerBytes())) == 0xFFFF;
  }

  /** Writes the header's checksum anew. */
  public void updateChecksum() {
    setShort(IPV4_CHECKSUM, 0);
    setShort(
        IPV4_CHECKSUM,
        InternetChecksum.checksum(InternetChecksum.sum(segment(), start(), headerBytes())));
  }

  /** The partial sum that TCP and UDP checksums begin with. */
  public long pseudoHeaderSum() {
    return InternetChecksum.pseudoHeader(
        sourceBits(), destinationBits(), protocol(), payloadLength());
  }

  /** Swaps sender and receiver; the checksum stays right. */
  public void swapAddresses() {
    int source = sourceBits();
    setInt(IPV4_SOURCE, destinationBits());
    setInt(IPV4_DESTINATION, source);
  }

  /** Changes the hops left and corrects the checksum. */
  public void setTimeToLive(int hops) {
    int before = getShort(IPV4_TIME_TO_LIVE);
    setByte(IPV4_TIME_TO_LIVE, hops);
    setShort(
        IPV4_CHECKSUM,
        InternetChecksum.update(getShort(IPV4_CHECKSUM), before, getShort(IPV4_TIME_TO_LIVE)));
  }

  /** Writes a header without options, with its checksum, and points the view at it. */
  public HeaderStatus build(
      MemorySegment target,
      long offset,
      int available,
      int protocol,
      int source,
      int destination,
      int payloadLength) {
    if (payloadLength < 0) {
      return HeaderStatus.BAD_TOTAL_LENGTH;
    }
    if (available < HEADER_BYTES + payloadLength || payloadLength > 65535 - HEADER_BYTES) {
      return HeaderStatus.TRUNCATED;
    }
    target.asSlice(offset, HEADER_BYTES).fill((byte) 0);
    target.set(ValueLayout.JAVA_BYTE, offset, (byte) 0x45);
    target.set(
        ValueLayout.JAVA_BYTE,
        offset + IPV4_TOTAL_LENGTH,
        (byte) ((HEADER_BYTES + payloadLength) >> 8));
    target.set(
        ValueLayout.JAVA_BYTE,
        offset + IPV4_TOTAL_LENGTH + 1,
        (byte) (HEADER_BYTES + payloadLength));
    HeaderStatus status = wrap(target, offset, available);
    setShort(IPV4_FRAGMENT, IPV4_DONT_FRAGMENT);
    setByte(IPV4_TIME_TO_LIVE, 64);
    setByte(IPV4_PROTOCOL, protocol);
    setInt(IPV4_SOURCE, source);
    setInt(IPV4_DESTINATION, destination);
    updateChecksum();
    return status;
  }
}
