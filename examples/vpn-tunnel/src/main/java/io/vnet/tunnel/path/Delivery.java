package io.vnet.tunnel.path;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.PacketPort;
import io.vnet.tunnel.core.Drops;
import io.vnet.tunnel.settings.TunnelDrop;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Objects;
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

  private static final int HEADER_BYTES_MAX = 128;
  private static final int TAIL_ROOM = 32;
  private static final int ALIGNMENT = 64;
  private static final int HEAD_ROOM = 64;

  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

  private final PacketPort port;
  private final Drops drops;
  private final PacketBatch batch;
  private final MemorySegment segment;
  private final Joining joining;
  private final int memoryEnd;
  private final Joining.Item[] items;
  private final Joining.Item[] growing = new Joining.Item[OPEN_MAX];
  private final long[] kept = new long[HEADER_BYTES_MAX / Long.BYTES];

  private int count;
  private int growingCount;
  private int free;
  private long bytes;
  private Joining.@Nullable Item latest;
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
    this.joining = new Joining(segment);
    this.memoryEnd = (int) segment.byteSize() - TAIL_ROOM;
    // One more than there can be: who does not become an item of its own is looked at in it.
    this.items =
        Stream.generate(Joining.Item::new)
            .limit(batch.capacity() + 1L)
            .toArray(Joining.Item[]::new);
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
  void refresh() {
    joining.offloads(port.offloads());
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
    Joining.Item item = latest;
    if (item != null
        && item.open
        && textBytes > item.header
        && item.length >= 2 * item.header
        && item.length - item.header + textBytes <= item.limit
        && joining.isVerified(item)) {
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
    Joining.Item packet = items[count];
    packet.at = place;
    packet.length = length;
    packet.segments = 1;
    packet.open = false;
    Joining.Sight sight = joining.look(packet);
    if (keptBytes > 0) {
      Joining.Item item = Objects.requireNonNull(latest);
      if (sight == Joining.Sight.CANDIDATE
          && packet.header == item.header
          && joining.sameFlow(item, packet)
          && joining.follows(item, packet)
          && joining.checksumsAreRight(packet)) {
        putBack();
        Joining.join(item, packet);
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
  private boolean joinElsewhere(Joining.Item packet, Joining.Sight sight) {
    switch (sight) {
      case NOTHING -> {}
      case ADDRESSES -> {
        for (int i = 0; i < growingCount; i++) {
          if (joining.sameAddresses(growing[i], packet)) {
            growing[i].open = false;
          }
        }
      }
      case FLOW, CANDIDATE -> {
        for (int i = 0; i < growingCount; i++) {
          Joining.Item item = growing[i];
          if (!joining.sameFlow(item, packet)) {
            continue;
          }
          if (sight == Joining.Sight.CANDIDATE
              && item.open
              && joining.follows(item, packet)
              && joining.isVerified(item)
              && joining.checksumsAreRight(packet)) {
            MemorySegment.copy(
                segment,
                packet.at + (long) packet.header,
                segment,
                item.at + (long) item.length,
                packet.length - packet.header);
            Joining.join(item, packet);
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

  private void add(Joining.Item packet, Joining.Sight sight) {
    count++;
    int end = packet.at + packet.length;
    if (sight == Joining.Sight.CANDIDATE && !packet.pushed) {
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
  private void grow(Joining.Item packet) {
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
        Joining.Item item = items[i];
        batch.commitAt(item.at, item.length, item.segments == 1 ? 0 : joining.finish(item));
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
