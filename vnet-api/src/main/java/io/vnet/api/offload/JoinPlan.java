package io.vnet.api.offload;

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
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.wire.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * Decides which packets of a batch are written as one super-packet, and moves no payload: {@link
 * Coalescer} copies by it, and so can who writes a header and the payloads where they lie (gather).
 *
 * <p>An <i>item</i> is one write: a packet as it is, or a super-packet made of several. Items are
 * in the order of their first packets. Within a flow (addresses, protocol, ports) nothing
 * overtakes: only the flow's newest item takes a packet, and a packet of the flow that does not
 * join closes it. So does, for all flows between its addresses, one whose ports cannot be seen.
 *
 * <p>A packet joins only if splitting gives it back: the next sequence number, the same
 * acknowledgment, window, options, flags but PSH, TTL, TOS, flow label and Ethernet header; no IP
 * options or extension headers, no fragment, not longer than the first, nothing behind a shorter
 * one or behind PSH, checksums right. The IPv4 id has to go on where packets may be fragmented, and
 * is not looked at with DF, where it means nothing (RFC 6864) and splitting numbers anew.
 *
 * <p><b>Owner:</b> one thread. The batch must stay as it is from {@link #plan} until the items have
 * been written.
 *
 * <p><b>Cost</b> of a packet: its header read and compared with one item's, found through a hash of
 * the flow (at most 8 looked at); its payload summed once, and only if it is about to join or be
 * joined. No copy; no allocation after the largest batch capacity has been seen.
 */
public final class JoinPlan {
  /** The end of an item's packets. */
  public static final int NO_PACKET = -1;

  private static final int PROBES_MAX = 8;
  private static final int ABSENT = -1;
  private static final long SPREAD = 0x9E37_79B9_7F4A_7C15L;

  /** What is known of the flow of a packet. */
  private enum Sight {
    /** Nothing that is joined. */
    NOTHING,
    /** Its addresses. */
    ADDRESSES,
    /** Addresses and ports; not a candidate. */
    FLOW,
    /** All, and it may join. */
    CANDIDATE
  }

  /** One write, and how its first packet is laid out; offsets count from the packet's start. */
  private static final class Item {
    private int first;
    private int last;
    private int segments;
    private int length;
    private int gsoSize;
    private boolean open;
    private boolean verified;
    private boolean pushed;

    private long at;
    private int ip;
    private int transport;
    private int header;
    private int payload;
    private boolean v4;
    private boolean udp;
  }

  private final JoinRules rules;
  private Item[] items = {};
  private int[] next = {};

  /** Where a flow's newest item is, plus one; 0 for nothing. Length is a power of two. */
  private int[] slots = {};

  private int count;
  private MemorySegment segment = MemorySegment.NULL;

  /** A plan without items. */
  public JoinPlan(JoinRules rules) {
    this.rules = rules;
  }

  /**
   * Looks at all packets of a batch, in order.
   *
   * @param batch finished packets; one with an offload word is left as it is
   * @return how many items they make
   */
  public int plan(PacketBatch batch) {
    reserve(batch.capacity());
    Arrays.fill(slots, 0);
    segment = batch.segment();
    count = 0;
    for (int i = 0; i < batch.count(); i++) {
      place(batch, i);
    }
    return count;
  }

  /** How many items there are. */
  public int items() {
    return count;
  }

  /** How many packets an item is made of; 1: it is written as it is. */
  public int segments(int item) {
    return items[Objects.checkIndex(item, count)].segments;
  }

  /** An item's first packet, an index in the batch. */
  public int first(int item) {
    return items[Objects.checkIndex(item, count)].first;
  }

  /** The packet behind another one in the same item, or {@link #NO_PACKET}. */
  public int next(int packet) {
    return next[packet];
  }

  /** The bytes of what is written for an item. */
  public int length(int item) {
    return items[Objects.checkIndex(item, count)].length;
  }

  /**
   * The bytes of the header of an item of several packets: what {@link #writeHeader} writes, and
   * where the payload of each of its packets begins.
   */
  public int headerBytes(int item) {
    return items[Objects.checkIndex(item, count)].header;
  }

  /** The offload word that goes with a super-packet; 0 for an item of one packet. */
  public long offload(int item) {
    Item which = items[Objects.checkIndex(item, count)];
    if (which.segments == 1) {
      return 0;
    }
    int tcp = which.v4 ? Offload.TCPV4 : Offload.TCPV6;
    return Offload.of(
        Offload.NEEDS_CSUM,
        which.udp ? Offload.UDP_L4 : tcp,
        which.gsoSize,
        which.transport,
        which.udp ? UDP_CHECKSUM : TCP_CHECKSUM);
  }

  /**
   * Writes the header of an item of several packets: that of the first packet with the length of
   * all, the PSH of the last, and the pseudo header's sum in place of the transport checksum.
   *
   * @param to where; may be the batch's slab, at the first packet, whose header is then replaced
   * @param at offset there
   */
  public void writeHeader(int item, MemorySegment to, long at) {
    Item which = items[Objects.checkIndex(item, count)];
    if (which.segments == 1) {
      throw new IllegalArgumentException("item " + item + " is written as it is");
    }
    MemorySegment.copy(segment, which.at, to, at, which.header);
    long ip = at + which.ip;
    if (which.v4) {
      Bytes.put16(to, ip + IPV4_TOTAL_LENGTH, which.length - which.ip);
      Bytes.put16(to, ip + IPV4_CHECKSUM, 0);
      int checksum = InternetChecksum.checksum(InternetChecksum.sum(to, ip, Ipv4View.HEADER_BYTES));
      Bytes.put16(to, ip + IPV4_CHECKSUM, checksum);
    } else {
      int payloadLength = which.length - which.ip - Ipv6View.HEADER_BYTES;
      Bytes.put16(to, ip + IPV6_PAYLOAD_LENGTH, payloadLength);
    }
    long transport = at + which.transport;
    int transportBytes = which.length - which.transport;
    int partial = InternetChecksum.fold(pseudoHeaderSum(which, to, ip, transportBytes));
    if (which.udp) {
      Bytes.put16(to, transport + UDP_LENGTH, transportBytes);
      Bytes.put16(to, transport + UDP_CHECKSUM, partial);
    } else {
      int flags = TcpView.ACK | (which.pushed ? TcpView.PSH : 0);
      Bytes.put8(to, transport + TCP_FLAGS, flags);
      Bytes.put16(to, transport + TCP_CHECKSUM, partial);
    }
  }

  private void reserve(int capacity) {
    if (next.length >= capacity) {
      return;
    }
    next = new int[capacity];
    slots = new int[Integer.highestOneBit(capacity) * 4];
    items = Stream.generate(Item::new).limit(capacity).toArray(Item[]::new);
  }

  private void place(PacketBatch batch, int i) {
    Item packet = items[count];
    packet.first = i;
    packet.last = i;
    packet.segments = 1;
    packet.at = batch.offset(i);
    packet.length = batch.length(i);
    packet.open = false;
    next[i] = NO_PACKET;
    Sight sight = look(packet, batch.offload(i) == 0);
    switch (sight) {
      case NOTHING -> count++;
      case ADDRESSES -> {
        closeBetween(packet);
        count++;
      }
      case FLOW, CANDIDATE -> {
        int slot = slot(packet);
        Item newest = slot == ABSENT || slots[slot] == 0 ? null : items[slots[slot] - 1];
        if (newest != null && sight == Sight.CANDIDATE && follows(newest, packet)) {
          joinOrLeave(newest, packet, slot);
        } else {
          if (newest != null) {
            newest.open = false;
          }
          if (sight == Sight.CANDIDATE && slot != ABSENT) {
            open(packet, slot);
          }
          count++;
        }
      }
    }
  }

  /** Fills in where things are, as far as they are there. */
  private Sight look(Item packet, boolean finished) {
    packet.ip = Wire.ipStart(rules.layer(), segment, packet.at, packet.length);
    int bytes = packet.length - packet.ip;
    if (packet.ip < 0 || bytes < Ipv4View.HEADER_BYTES) {
      return Sight.NOTHING;
    }
    long ip = packet.at + packet.ip;
    int version = Bytes.u8(segment, ip) >> 4;
    packet.v4 = version == 4;
    if (packet.v4) {
      int protocol = Bytes.u8(segment, ip + IPV4_PROTOCOL);
      if (!joins(protocol)) {
        return Sight.NOTHING;
      }
      packet.udp = protocol == IpProtocols.UDP;
      packet.transport = packet.ip + Ipv4View.HEADER_BYTES;
      boolean plain =
          (Bytes.u8(segment, ip) & 15) * 4 == Ipv4View.HEADER_BYTES
              && Bytes.u16(segment, ip + IPV4_TOTAL_LENGTH) == bytes
              && (Bytes.u16(segment, ip + IPV4_FRAGMENT) & IPV4_PART) == 0;
      return plain ? lookAtTransport(packet, finished) : Sight.ADDRESSES;
    }
    if (version != 6 || bytes < Ipv6View.HEADER_BYTES) {
      return Sight.NOTHING;
    }
    int protocol = Bytes.u8(segment, ip + IPV6_NEXT_HEADER);
    if (!joins(protocol)) {
      return IpProtocols.isExtension(protocol) ? Sight.ADDRESSES : Sight.NOTHING;
    }
    packet.udp = protocol == IpProtocols.UDP;
    packet.transport = packet.ip + Ipv6View.HEADER_BYTES;
    boolean plain = Bytes.u16(segment, ip + IPV6_PAYLOAD_LENGTH) == bytes - Ipv6View.HEADER_BYTES;
    return plain ? lookAtTransport(packet, finished) : Sight.ADDRESSES;
  }

  private boolean joins(int protocol) {
    return protocol == IpProtocols.TCP || (protocol == IpProtocols.UDP && rules.udp());
  }

  private Sight lookAtTransport(Item packet, boolean finished) {
    long at = packet.at + packet.transport;
    int bytes = packet.length - packet.transport;
    boolean candidate;
    if (packet.udp) {
      if (bytes < UdpView.HEADER_BYTES) {
        return Sight.ADDRESSES;
      }
      packet.header = packet.transport + UdpView.HEADER_BYTES;
      packet.pushed = false;
      candidate =
          Bytes.u16(segment, at + UDP_LENGTH) == bytes
              && Bytes.u16(segment, at + UDP_CHECKSUM) != 0;
    } else {
      if (bytes < TcpView.HEADER_BYTES) {
        return Sight.ADDRESSES;
      }
      int headerAndReserved = Bytes.u8(segment, at + TCP_DATA_OFFSET);
      int headerBytes = (headerAndReserved >> 4) * 4;
      int flags = Bytes.u8(segment, at + TCP_FLAGS);
      packet.header = packet.transport + headerBytes;
      packet.pushed = (flags & TcpView.PSH) != 0;
      candidate =
          headerBytes >= TcpView.HEADER_BYTES
              && (headerAndReserved & 15) == 0
              && (flags & ~TcpView.PSH) == TcpView.ACK;
    }
    packet.payload = packet.length - packet.header;
    return candidate && finished && packet.payload > 0 ? Sight.CANDIDATE : Sight.FLOW;
  }

  /** The slot of a packet's flow, or the free one for it, or {@link #ABSENT}: too many collide. */
  private int slot(Item packet) {
    int mask = slots.length - 1;
    int slot = hash(packet) & mask;
    for (int probes = 0; probes < PROBES_MAX; probes++) {
      int entry = slots[slot];
      if (entry == 0 || sameFlow(items[entry - 1], packet)) {
        return slot;
      }
      slot = slot + 1 & mask;
    }
    return ABSENT;
  }

  private int hash(Item packet) {
    long addresses = packet.at + packet.ip;
    long hash = Bytes.i32(segment, packet.at + packet.transport);
    if (packet.v4) {
      hash = hash * SPREAD + Bytes.i64(segment, addresses + IPV4_SOURCE);
    } else {
      for (int i = 0; i < 32; i += 8) {
        hash = hash * SPREAD + Bytes.i64(segment, addresses + IPV6_SOURCE + i);
      }
    }
    hash *= SPREAD;
    return (int) (hash >>> 40);
  }

  private boolean sameFlow(Item item, Item packet) {
    return item.udp == packet.udp
        && sameAddresses(item, packet)
        && sameInt(item, item.transport, packet, packet.transport);
  }

  private boolean sameAddresses(Item item, Item packet) {
    if (item.v4 != packet.v4) {
      return false;
    }
    int from = packet.v4 ? IPV4_SOURCE : IPV6_SOURCE;
    int bytes = packet.v4 ? 8 : 32;
    return sameBytes(item, item.ip + from, packet, packet.ip + from, bytes);
  }

  private void closeBetween(Item packet) {
    for (int i = 0; i < count; i++) {
      if (items[i].open && sameAddresses(items[i], packet)) {
        items[i].open = false;
      }
    }
  }

  private void open(Item packet, int slot) {
    slots[slot] = count + 1;
    packet.gsoSize = packet.payload;
    packet.open = !packet.pushed;
    packet.verified = false;
  }

  /** Whether a packet of an item's flow continues it, checksums aside. */
  private boolean follows(Item item, Item packet) {
    if (!item.open
        || packet.payload > item.gsoSize
        || item.segments == rules.segmentsMax()
        || item.length - item.ip + packet.payload > rules.bytesMax()
        || item.header != packet.header
        || !sameBytes(item, 0, packet, 0, item.ip)) {
      return false;
    }
    return (packet.v4 ? ipv4Follows(item, packet) : ipv6Follows(item, packet))
        && (packet.udp || tcpFollows(item, packet));
  }

  private boolean ipv4Follows(Item item, Item packet) {
    long a = item.at + item.ip;
    long b = packet.at + packet.ip;
    int fragment = Bytes.u16(segment, b + IPV4_FRAGMENT);
    int expected = Bytes.u16(segment, a + IPV4_ID) + item.segments & 0xFFFF;
    return Bytes.u16(segment, a) == Bytes.u16(segment, b)
        && Bytes.u16(segment, a + IPV4_FRAGMENT) == fragment
        && Bytes.u8(segment, a + IPV4_TIME_TO_LIVE) == Bytes.u8(segment, b + IPV4_TIME_TO_LIVE)
        && ((fragment & IPV4_DONT_FRAGMENT) != 0 || Bytes.u16(segment, b + IPV4_ID) == expected);
  }

  private boolean ipv6Follows(Item item, Item packet) {
    return sameInt(item, item.ip, packet, packet.ip)
        && Bytes.u8(segment, item.at + item.ip + IPV6_HOP_LIMIT)
            == Bytes.u8(segment, packet.at + packet.ip + IPV6_HOP_LIMIT);
  }

  private boolean tcpFollows(Item item, Item packet) {
    long a = item.at + item.transport;
    long b = packet.at + packet.transport;
    int options = item.transport + TcpView.HEADER_BYTES;
    return Bytes.i32(segment, a + TCP_SEQUENCE) + (item.length - item.header)
            == Bytes.i32(segment, b + TCP_SEQUENCE)
        && Bytes.i32(segment, a + TCP_ACKNOWLEDGMENT) == Bytes.i32(segment, b + TCP_ACKNOWLEDGMENT)
        && Bytes.u16(segment, a + TCP_WINDOW) == Bytes.u16(segment, b + TCP_WINDOW)
        && Bytes.u16(segment, a + TCP_URGENT) == Bytes.u16(segment, b + TCP_URGENT)
        && sameBytes(item, options, packet, options, item.header - options);
  }

  /** The last condition, the dear one: who has a wrong checksum stays alone for good. */
  private void joinOrLeave(Item item, Item packet, int slot) {
    item.verified = item.verified || checksumsAreRight(item, item.payload);
    if (!item.verified) {
      item.open = false;
      open(packet, slot);
      count++;
    } else if (!checksumsAreRight(packet, packet.payload)) {
      item.open = false;
      count++;
    } else {
      next[item.last] = packet.first;
      item.last = packet.first;
      item.segments++;
      item.length += packet.payload;
      item.pushed |= packet.pushed;
      item.open = !packet.pushed && packet.payload == item.gsoSize;
    }
  }

  private boolean checksumsAreRight(Item packet, int payload) {
    long ip = packet.at + packet.ip;
    if (packet.v4
        && InternetChecksum.fold(InternetChecksum.sum(segment, ip, Ipv4View.HEADER_BYTES))
            != 0xFFFF) {
      return false;
    }
    int bytes = packet.header - packet.transport + payload;
    long sum = InternetChecksum.sum(segment, packet.at + packet.transport, bytes);
    return InternetChecksum.fold(sum + pseudoHeaderSum(packet, segment, ip, bytes)) == 0xFFFF;
  }

  private static long pseudoHeaderSum(Item packet, MemorySegment where, long ip, int bytes) {
    long addresses = ip + (packet.v4 ? IPV4_SOURCE : IPV6_SOURCE);
    return InternetChecksum.sum(where, addresses, packet.v4 ? 8 : 32)
        + (packet.udp ? IpProtocols.UDP : IpProtocols.TCP)
        + bytes;
  }

  private boolean sameInt(Item item, int itemField, Item packet, int packetField) {
    return Bytes.i32(segment, item.at + itemField) == Bytes.i32(segment, packet.at + packetField);
  }

  /** A loop and not a mismatch of segments: a few words, mostly one or none. */
  private boolean sameBytes(Item item, int itemFrom, Item packet, int packetFrom, int bytes) {
    long a = item.at + itemFrom;
    long b = packet.at + packetFrom;
    int i = 0;
    for (; i + 8 <= bytes; i += 8) {
      if (Bytes.i64(segment, a + i) != Bytes.i64(segment, b + i)) {
        return false;
      }
    }
    for (; i + 2 <= bytes; i += 2) {
      if (Bytes.u16(segment, a + i) != Bytes.u16(segment, b + i)) {
        return false;
      }
    }
    return true;
  }
}
