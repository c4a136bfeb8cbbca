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

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.header.InternetChecksum;
import io.vnet.api.header.IpProtocols;
import io.vnet.api.header.Ipv4View;
import io.vnet.api.header.Ipv6View;
import io.vnet.api.header.TcpView;
import io.vnet.api.header.UdpView;
import io.vnet.api.offload.Offload;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.OffloadFeature;
import io.vnet.api.port.PacketPort;
import io.vnet.tunnel.core.Drops;
import io.vnet.tunnel.settings.TunnelDrop;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The packets that go to the inside port, those that belong together as super-packets if it takes
 * such.
 *
 * <p><b>Opened where they stay.</b> A message is opened at {@link #place}. If it is expected to
 * continue the super-packet that grew last, that place is such that its payload comes to lie right
 * behind the payload before: its header lies over the end of that one, which is kept aside and put
 * back. So what was expected costs no copy at all, and what was not (another flow, a bare
 * acknowledgment) is copied to a place of its own.
 *
 * <p><b>What is joined:</b> what {@link io.vnet.api.offload.JoinPlan} joins, and nothing else: a
 * packet joins only if splitting gives it back, its own checksum and those before it are right, and
 * nothing of its flow (addresses, protocol, ports) has come in between. Packets are in the order of
 * the first packet of each. What is joined here is not copied into a batch first and planned then,
 * because the copy of the payload would cost a seventh of what its decryption does.
 *
 * <p><b>Calls:</b> {@link #prepare}, the opening, then {@link #take} or {@link #leave}; {@link
 * #flush} only between.
 *
 * <p><b>Owner:</b> the island. <b>Cost</b> of a packet: its header read and compared with that of
 * at most {@value #OPEN_MAX} super-packets; its payload summed once if it joins. No allocation.
 */
final class Delivery {
  private static final int OPEN_MAX = 8;
  private static final int NONE = -1;
  private static final int IP_BYTES_MAX = 65_535;

  /** What a kernel takes of UDP in one super-packet; TCP is as content with it. */
  private static final int SEGMENTS_MAX = 64;

  private static final int HEADER_BYTES_MAX = 128;
  private static final int TAIL_ROOM = 32;
  private static final int ALIGNMENT = 64;
  private static final int HEAD_ROOM = 64;

  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
  private static final ValueLayout.OfInt NET_INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

  /** What is known of the flow of a packet. */
  private enum Sight {
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
  private static final class Item {
    private int at;
    private int length;
    private int segments;
    private int limit;
    private boolean open;
    private boolean verified;

    private boolean v4;
    private boolean udp;
    private boolean pushed;
    private int transport;
    private int header;
    private int segmentBytes;
  }

  private final PacketPort port;
  private final Drops drops;
  private final PacketBatch batch;
  private final MemorySegment segment;
  private final int memoryEnd;
  private final Item[] items;
  private final Item[] growing = new Item[OPEN_MAX];
  private final long[] kept = new long[HEADER_BYTES_MAX / Long.BYTES];

  private Set<OffloadFeature> offloads = Set.of();
  private boolean tcp4;
  private boolean tcp6;
  private boolean udp4;
  private boolean udp6;

  private int count;
  private int growingCount;
  private int free;
  private long bytes;
  private @Nullable Item latest;
  private int place = NONE;
  private int keptBytes;
  private int next;
  private boolean blocked;

  /**
   * @param batch empty; of a pool with {@value #HEAD_ROOM} bytes in front of a packet and {@value
   *     #TAIL_ROOM} behind
   */
  Delivery(PacketPort port, Drops drops, PacketBatch batch) {
    this.port = port;
    this.drops = drops;
    this.batch = batch;
    this.segment = batch.segment();
    this.memoryEnd = (int) segment.byteSize() - TAIL_ROOM;
    // One more than there can be: who does not become an item of its own is looked at in it.
    this.items = Stream.generate(Item::new).limit(batch.capacity() + 1L).toArray(Item[]::new);
    this.free = HEAD_ROOM;
  }

  /** The memory that messages are opened into. */
  MemorySegment segment() {
    return segment;
  }

  /** Where in it. */
  int place() {
    return place;
  }

  /** How many bytes wait to be sent. */
  long bytes() {
    return bytes;
  }

  /** Whether the port said that it has no room, and has not said since that it has. */
  boolean isBlocked() {
    return blocked;
  }

  /** The port has said that it has room. */
  void unblock() {
    blocked = false;
  }

  /** Looks again what the port takes. */
  @SuppressWarnings("ReferenceEquality") // Another one is looked at, even if it is equal.
  void refresh() {
    Set<OffloadFeature> now = port.offloads();
    if (now != offloads) {
      offloads = now;
      tcp4 = now.contains(OffloadFeature.TSO4);
      tcp6 = now.contains(OffloadFeature.TSO6);
      udp4 = now.contains(OffloadFeature.USO4);
      udp6 = now.contains(OffloadFeature.USO6);
    }
  }

  /**
   * Finds a place for a text.
   *
   * @param textBytes how long it is
   * @return false: there is none before a {@link #flush}
   */
  boolean prepare(int textBytes) {
    if (count == batch.capacity() || free + textBytes > memoryEnd || !batch.isEmpty()) {
      return false;
    }
    keptBytes = 0;
    place = free;
    Item item = latest;
    if (item != null
        && item.open
        && textBytes > item.header
        && item.length >= 2 * item.header
        && item.length - item.header + textBytes <= item.limit
        && isVerified(item)) {
      keptBytes = item.header;
      place = item.at + item.length - item.header;
      for (int i = 0; i * Long.BYTES < keptBytes; i++) {
        kept[i] = segment.get(LONG, place + (long) i * Long.BYTES);
      }
    }
    return true;
  }

  /** What was opened is not delivered. */
  void leave() {
    putBack();
  }

  private void putBack() {
    int whole = keptBytes / Long.BYTES;
    for (int i = 0; i < whole; i++) {
      segment.set(LONG, place + (long) i * Long.BYTES, kept[i]);
    }
    // Headers are of whole 32-bit words.
    if ((keptBytes & Integer.BYTES) != 0) {
      int rest =
          ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN
              ? (int) kept[whole]
              : (int) (kept[whole] >>> Integer.SIZE);
      segment.set(INT, place + (long) whole * Long.BYTES, rest);
    }
    keptBytes = 0;
  }

  /**
   * Delivers the packet that lies at {@link #place}.
   *
   * @param length of it, at most the text's
   */
  void take(int length) {
    bytes += length;
    Item packet = items[count];
    packet.at = place;
    packet.length = length;
    packet.segments = 1;
    packet.open = false;
    Sight sight = look(packet);
    if (keptBytes > 0) {
      Item item = Objects.requireNonNull(latest);
      if (sight == Sight.CANDIDATE
          && packet.header == item.header
          && sameFlow(item, packet)
          && follows(item, packet)
          && checksumsAreRight(packet, length)) {
        putBack();
        join(item, packet);
        return;
      }
      MemorySegment.copy(segment, place, segment, free, length);
      packet.at = free;
      putBack();
    }
    if (!joinElsewhere(packet, sight)) {
      add(packet, sight);
    }
  }

  /** Whether a packet that has a place of its own joins a super-packet; closes what it does not. */
  private boolean joinElsewhere(Item packet, Sight sight) {
    switch (sight) {
      case NOTHING -> {}
      case ADDRESSES -> {
        for (int i = 0; i < growingCount; i++) {
          if (sameAddresses(growing[i], packet)) {
            growing[i].open = false;
          }
        }
      }
      case FLOW, CANDIDATE -> {
        for (int i = 0; i < growingCount; i++) {
          Item item = growing[i];
          if (!sameFlow(item, packet)) {
            continue;
          }
          if (sight == Sight.CANDIDATE
              && item.open
              && follows(item, packet)
              && isVerified(item)
              && checksumsAreRight(packet, packet.length)) {
            MemorySegment.copy(
                segment,
                packet.at + (long) packet.header,
                segment,
                item.at + (long) item.length,
                packet.length - packet.header);
            join(item, packet);
            latest = item;
            return true;
          }
          item.open = false;
          break;
        }
      }
    }
    return false;
  }

  private static void join(Item item, Item packet) {
    int payloadBytes = packet.length - packet.header;
    item.length += payloadBytes;
    item.segments++;
    item.pushed |= packet.pushed;
    item.open = !packet.pushed && payloadBytes == item.segmentBytes;
  }

  private void add(Item packet, Sight sight) {
    count++;
    int end = packet.at + packet.length;
    if (sight == Sight.CANDIDATE && !packet.pushed) {
      packet.open = true;
      packet.verified = false;
      packet.segmentBytes = packet.length - packet.header;
      packet.limit = Math.min(IP_BYTES_MAX, memoryEnd - packet.at);
      end = packet.at + packet.limit;
      grow(packet);
      latest = packet;
    }
    free = (end + TAIL_ROOM + HEAD_ROOM + ALIGNMENT - 1) & -ALIGNMENT;
  }

  /** Notes one that can grow; its flow has no other one that can, any more. */
  private void grow(Item packet) {
    int kept = 0;
    for (int i = 0; i < growingCount; i++) {
      if (growing[i].open) {
        growing[kept++] = growing[i];
      }
    }
    if (kept == OPEN_MAX) {
      growing[0].open = false;
      System.arraycopy(growing, 1, growing, 0, --kept);
    }
    growing[kept++] = packet;
    growingCount = kept;
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
  private Sight look(Item packet) {
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

  private boolean sameFlow(Item item, Item packet) {
    return item.udp == packet.udp
        && sameAddresses(item, packet)
        && sameInt(item.at + item.transport, packet.at + packet.transport);
  }

  private boolean sameAddresses(Item item, Item packet) {
    if (item.v4 != packet.v4) {
      return false;
    }
    return packet.v4
        ? sameLong(item.at + IPV4_SOURCE, packet.at + IPV4_SOURCE)
        : sameBytes(item.at + IPV6_SOURCE, packet.at + IPV6_SOURCE, 32);
  }

  /** Whether a packet of an item's flow continues it, checksums aside. */
  private boolean follows(Item item, Item packet) {
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
  private boolean isVerified(Item item) {
    if (!item.verified) {
      item.verified = checksumsAreRight(item, item.length);
      item.open = item.verified;
    }
    return item.verified;
  }

  private boolean checksumsAreRight(Item packet, int length) {
    if (packet.v4
        && InternetChecksum.fold(InternetChecksum.sum(segment, packet.at, Ipv4View.HEADER_BYTES))
            != 0xFFFF) {
      return false;
    }
    int bytes = length - packet.transport;
    long sum = InternetChecksum.sum(segment, packet.at + (long) packet.transport, bytes);
    return InternetChecksum.fold(sum + pseudoHeaderSum(packet, bytes)) == 0xFFFF;
  }

  private long pseudoHeaderSum(Item packet, int bytes) {
    long addresses = (long) packet.at + (packet.v4 ? IPV4_SOURCE : IPV6_SOURCE);
    return InternetChecksum.sum(segment, addresses, packet.v4 ? 8 : 32)
        + (packet.udp ? IpProtocols.UDP : IpProtocols.TCP)
        + bytes;
  }

  /**
   * Sends all that there is.
   *
   * @return whether nothing is left; else the port is {@linkplain #isBlocked without room}
   * @throws VnetException the port has ended
   */
  boolean flush() {
    if (blocked) {
      return false;
    }
    if (batch.isEmpty()) {
      for (int i = 0; i < count; i++) {
        Item item = items[i];
        batch.commitAt(item.at, item.length, item.segments == 1 ? 0 : finish(item));
      }
    }
    while (next < batch.count()) {
      try {
        next += port.send(batch, next);
      } catch (VnetException e) {
        if (e.errno() != Errno.ENOBUFS) {
          throw e;
        }
        drops.count(TunnelDrop.DELIVER_FAILED, items[next].segments);
        next++;
        continue;
      }
      if (next < batch.count()) {
        blocked = true;
        return false;
      }
    }
    reset();
    return true;
  }

  private void reset() {
    batch.clear();
    count = 0;
    growingCount = 0;
    latest = null;
    free = HEAD_ROOM;
    bytes = 0;
    next = 0;
    blocked = false;
  }

  /** Makes the header of several packets of that of the first; returns the offload word. */
  private long finish(Item item) {
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

  /** Ends it: what is left is lost and counted. */
  void close() {
    long left = 0;
    for (int i = next; i < count; i++) {
      left += items[i].segments;
    }
    if (left > 0) {
      drops.count(TunnelDrop.DELIVER_FAILED, left);
    }
    reset();
    batch.release();
  }
}
