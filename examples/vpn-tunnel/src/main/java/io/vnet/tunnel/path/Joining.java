package io.vnet.tunnel.path;

import static io.vnet.api.header.HeaderFields.IPV4_CHECKSUM;
import static io.vnet.api.header.HeaderFields.IPV4_DONT_FRAGMENT;
import static io.vnet.api.header.HeaderFields.IPV4_FRAGMENT;
import static io.vnet.api.header.HeaderFields.IPV4_ID;
import static io.vnet.api.header.HeaderFields.IPV4_PART;
import static io.vnet.api.header.HeaderFields.IPV4_PROTOCOL;
import static io.vnet.api.header.HeaderFields.IPV4_SOURCE;
import static io.vnet.api.header.HeaderFields.IPV4_TIME_TO_LIVE;
import static io.vnet.api.header.HeaderFields.IPV4_TOTAL_LENGTH;
import static io.vnet.api.header.HeaderFields.IPV6_HOP_LIMIT;
import static io.vnet.api.header.HeaderFields.IPV6_NEXT_HEADER;
import static io.vnet.api.header.HeaderFields.IPV6_PAYLOAD_LENGTH;
import static io.vnet.api.header.HeaderFields.IPV6_SOURCE;
import static io.vnet.api.header.HeaderFields.TCP_ACKNOWLEDGMENT;
import static io.vnet.api.header.HeaderFields.TCP_CHECKSUM;
import static io.vnet.api.header.HeaderFields.TCP_DATA_OFFSET;
import static io.vnet.api.header.HeaderFields.TCP_FLAGS;
import static io.vnet.api.header.HeaderFields.TCP_SEQUENCE;
import static io.vnet.api.header.HeaderFields.TCP_URGENT;
import static io.vnet.api.header.HeaderFields.TCP_WINDOW;
import static io.vnet.api.header.HeaderFields.UDP_CHECKSUM;
import static io.vnet.api.header.HeaderFields.UDP_LENGTH;

import io.vnet.api.header.InternetChecksum;
import io.vnet.api.header.IpProtocols;
import io.vnet.api.header.Ipv4View;
import io.vnet.api.header.Ipv6View;
import io.vnet.api.header.TcpView;
import io.vnet.api.header.UdpView;
import io.vnet.api.offload.Offload;
import io.vnet.api.port.OffloadFeature;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Set;

/**
 * Which packets are one super-packet, as their headers say, and the header that it has then. The
 * rules are those of {@link io.vnet.api.offload.JoinPlan}; there the packets lie in a batch, here
 * each lies where {@link Delivery} has put it.
 *
 * <p><b>Owner:</b> the island. <b>Cost:</b> a header is read, compared and, once a super-packet,
 * written; a payload is summed once. No allocation.
 */
final class Joining {
  /** What a kernel takes of UDP in one super-packet; TCP is as content with it. */
  private static final int SEGMENTS_MAX = 64;

  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
  private static final ValueLayout.OfInt NET_INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

  /** What is known of the flow of a packet. */
  enum Sight {
    /** Nothing that is joined. */
    NOTHING,
    /** Its addresses. */
    ADDRESSES,
    /** Addresses and ports; it is not joined. */
    FLOW,
    /** All, and it may join. */
    CANDIDATE
  }

  /** One packet or super-packet; offsets but {@code at} count from its start. */
  static final class Item {
    int at;
    int length;
    int segments;
    int limit;
    boolean open;
    boolean verified;

    boolean v4;
    boolean udp;
    boolean pushed;
    int transport;
    int header;
    int segmentBytes;
  }

  private final MemorySegment segment;
  private Set<OffloadFeature> offloads = Set.of();
  private boolean tcp4;
  private boolean tcp6;
  private boolean udp4;
  private boolean udp6;

  /**
   * @param segment where all packets lie
   */
  Joining(MemorySegment segment) {
    this.segment = segment;
  }

  /** What the port takes now. */
  @SuppressWarnings("ReferenceEquality") // Another one is looked at, even if it is equal.
  void offloads(Set<OffloadFeature> now) {
    if (now != offloads) {
      offloads = now;
      tcp4 = now.contains(OffloadFeature.TSO4);
      tcp6 = now.contains(OffloadFeature.TSO6);
      udp4 = now.contains(OffloadFeature.USO4);
      udp6 = now.contains(OffloadFeature.USO6);
    }
  }

  private int u8(int at) {
    return Inner.u8(segment, at);
  }

  private int u16(int at) {
    return Inner.u16(segment, at);
  }

  private void put16(int at, int value) {
    Inner.put16(segment, at, value);
  }

  /** Fills in where things are, as far as they are there. It is a whole IP packet. */
  Sight look(Item packet) {
    int at = packet.at;
    packet.v4 = u8(at) >> 4 == 4;
    packet.pushed = false;
    int protocol = u8(at + (packet.v4 ? IPV4_PROTOCOL : IPV6_NEXT_HEADER));
    boolean tcp = protocol == IpProtocols.TCP && (packet.v4 ? tcp4 : tcp6);
    packet.udp = protocol == IpProtocols.UDP && (packet.v4 ? udp4 : udp6);
    if (!tcp && !packet.udp) {
      return !packet.v4 && IpProtocols.isExtension(protocol) ? Sight.ADDRESSES : Sight.NOTHING;
    }
    packet.transport = packet.v4 ? Ipv4View.HEADER_BYTES : Ipv6View.HEADER_BYTES;
    if (packet.v4
        && ((u8(at) & 15) * 4 != Ipv4View.HEADER_BYTES
            || (u16(at + IPV4_FRAGMENT) & IPV4_PART) != 0)) {
      return Sight.ADDRESSES;
    }
    int transport = at + packet.transport;
    int transportBytes = packet.length - packet.transport;
    boolean candidate;
    if (packet.udp) {
      if (transportBytes < UdpView.HEADER_BYTES) {
        return Sight.ADDRESSES;
      }
      packet.header = packet.transport + UdpView.HEADER_BYTES;
      candidate =
          u16(transport + UDP_LENGTH) == transportBytes && u16(transport + UDP_CHECKSUM) != 0;
    } else {
      if (transportBytes < TcpView.HEADER_BYTES) {
        return Sight.ADDRESSES;
      }
      int lengthAndReserved = u8(transport + TCP_DATA_OFFSET);
      int tcpBytes = (lengthAndReserved >> 4) * 4;
      int flags = u8(transport + TCP_FLAGS);
      packet.header = packet.transport + tcpBytes;
      packet.pushed = (flags & TcpView.PSH) != 0;
      candidate =
          tcpBytes >= TcpView.HEADER_BYTES
              && (lengthAndReserved & 15) == 0
              && (flags & ~TcpView.PSH) == TcpView.ACK;
    }
    return candidate && packet.length > packet.header ? Sight.CANDIDATE : Sight.FLOW;
  }

  boolean sameFlow(Item item, Item packet) {
    return item.udp == packet.udp
        && sameAddresses(item, packet)
        && sameInt(item.at + item.transport, packet.at + packet.transport);
  }

  boolean sameAddresses(Item item, Item packet) {
    if (item.v4 != packet.v4) {
      return false;
    }
    return packet.v4
        ? sameLong(item.at + IPV4_SOURCE, packet.at + IPV4_SOURCE)
        : sameBytes(item.at + IPV6_SOURCE, packet.at + IPV6_SOURCE, 32);
  }

  /** Whether a packet of an item's flow continues it, checksums aside. */
  boolean follows(Item item, Item packet) {
    int payloadBytes = packet.length - packet.header;
    return item.header == packet.header
        && payloadBytes <= item.segmentBytes
        && item.segments < SEGMENTS_MAX
        && item.length + payloadBytes <= item.limit
        && (packet.v4 ? ipv4Follows(item, packet) : ipv6Follows(item, packet))
        && (packet.udp || tcpFollows(item, packet));
  }

  private boolean ipv4Follows(Item item, Item packet) {
    int a = item.at;
    int b = packet.at;
    int fragment = u16(b + IPV4_FRAGMENT);
    return u16(a) == u16(b)
        && u16(a + IPV4_FRAGMENT) == fragment
        && u8(a + IPV4_TIME_TO_LIVE) == u8(b + IPV4_TIME_TO_LIVE)
        && ((fragment & IPV4_DONT_FRAGMENT) != 0
            || u16(b + IPV4_ID) == (u16(a + IPV4_ID) + item.segments & 0xFFFF));
  }

  private boolean ipv6Follows(Item item, Item packet) {
    return sameInt(item.at, packet.at)
        && u8(item.at + IPV6_HOP_LIMIT) == u8(packet.at + IPV6_HOP_LIMIT);
  }

  private boolean tcpFollows(Item item, Item packet) {
    int a = item.at + item.transport;
    int b = packet.at + packet.transport;
    return segment.get(NET_INT, a + (long) TCP_SEQUENCE) + (item.length - item.header)
            == segment.get(NET_INT, b + (long) TCP_SEQUENCE)
        && sameInt(a + TCP_ACKNOWLEDGMENT, b + TCP_ACKNOWLEDGMENT)
        && u16(a + TCP_WINDOW) == u16(b + TCP_WINDOW)
        && u16(a + TCP_URGENT) == u16(b + TCP_URGENT)
        && sameBytes(
            a + TcpView.HEADER_BYTES,
            b + TcpView.HEADER_BYTES,
            item.header - item.transport - TcpView.HEADER_BYTES);
  }

  private boolean sameInt(int a, int b) {
    return segment.get(INT, a) == segment.get(INT, b);
  }

  private boolean sameLong(int a, int b) {
    return segment.get(LONG, a) == segment.get(LONG, b);
  }

  /** Of whole 32-bit words. */
  private boolean sameBytes(int a, int b, int bytes) {
    int i = 0;
    for (; i + Long.BYTES <= bytes; i += Long.BYTES) {
      if (!sameLong(a + i, b + i)) {
        return false;
      }
    }
    return i == bytes || sameInt(a + i, b + i);
  }

  /** Whether an item may be joined: its first packet's checksums are right. Closes it if not. */
  boolean isVerified(Item item) {
    if (!item.verified) {
      item.verified = checksumsAreRight(item);
      item.open = item.verified;
    }
    return item.verified;
  }

  boolean checksumsAreRight(Item packet) {
    if (packet.v4
        && InternetChecksum.fold(InternetChecksum.sum(segment, packet.at, Ipv4View.HEADER_BYTES))
            != 0xFFFF) {
      return false;
    }
    int bytes = packet.length - packet.transport;
    long sum = InternetChecksum.sum(segment, packet.at + (long) packet.transport, bytes);
    return InternetChecksum.fold(sum + pseudoHeaderSum(packet, bytes)) == 0xFFFF;
  }

  private long pseudoHeaderSum(Item packet, int bytes) {
    long addresses = (long) packet.at + (packet.v4 ? IPV4_SOURCE : IPV6_SOURCE);
    return InternetChecksum.sum(segment, addresses, packet.v4 ? 8 : 32)
        + (packet.udp ? IpProtocols.UDP : IpProtocols.TCP)
        + bytes;
  }

  /** Takes a packet that follows and is right into an item, behind which its payload lies. */
  static void join(Item item, Item packet) {
    int payloadBytes = packet.length - packet.header;
    item.length += payloadBytes;
    item.segments++;
    item.pushed |= packet.pushed;
    item.open = !packet.pushed && payloadBytes == item.segmentBytes;
  }

  /** Makes the header of several packets of that of the first; returns the offload word. */
  long finish(Item item) {
    int at = item.at;
    if (item.v4) {
      put16(at + IPV4_TOTAL_LENGTH, item.length);
      put16(at + IPV4_CHECKSUM, 0);
      long sum = InternetChecksum.sum(segment, at, Ipv4View.HEADER_BYTES);
      put16(at + IPV4_CHECKSUM, InternetChecksum.checksum(sum));
    } else {
      put16(at + IPV6_PAYLOAD_LENGTH, item.length - Ipv6View.HEADER_BYTES);
    }
    int transport = at + item.transport;
    int transportBytes = item.length - item.transport;
    int partial = InternetChecksum.fold(pseudoHeaderSum(item, transportBytes));
    int type;
    if (item.udp) {
      put16(transport + UDP_LENGTH, transportBytes);
      put16(transport + UDP_CHECKSUM, partial);
      type = Offload.UDP_L4;
    } else {
      int flags = TcpView.ACK | (item.pushed ? TcpView.PSH : 0);
      segment.set(ValueLayout.JAVA_BYTE, transport + (long) TCP_FLAGS, (byte) flags);
      put16(transport + TCP_CHECKSUM, partial);
      type = item.v4 ? Offload.TCPV4 : Offload.TCPV6;
    }
    return Offload.of(
        Offload.NEEDS_CSUM,
        type,
        item.segmentBytes,
        item.transport,
        item.udp ? UDP_CHECKSUM : TCP_CHECKSUM);
  }
}
