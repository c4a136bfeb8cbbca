package io.vnet.api.mtu;

import io.vnet.api.header.InternetChecksum;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.wire.Bytes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Cuts an IPv4 packet into fragments that fit an MTU (RFC 791, section 3.2). A fragment can be cut
 * again. Options that are not to be copied become no-operations in all fragments but the first, so
 * that every header has the same length.
 *
 * <p><b>Owner:</b> one thread. The packet's payload must stay until done. <b>Cost</b> of a
 * fragment: a copy; no allocation.
 */
final class Ipv4Fragmenter {
  private static final int LINK_BYTES_MAX = 22;
  private static final int HEADER_BYTES_MAX = 60;
  private static final int TOTAL_LENGTH = 2;
  private static final int FRAGMENT = 6;
  private static final int CHECKSUM = 10;
  private static final int HEADER_BYTES_MIN = 20;
  private static final int DONT_FRAGMENT = 0x4000;
  private static final int MORE_FRAGMENTS = 0x2000;
  private static final int OFFSET = 0x1FFF;
  private static final int UNIT_BYTES = 8;
  private static final int COPIED = 0x80;

  private final int mtu;
  private final MemorySegment template =
      Arena.ofAuto().allocate(LINK_BYTES_MAX + HEADER_BYTES_MAX, 8);
  private MemorySegment packet = MemorySegment.NULL;
  private int linkBytes;
  private int headerBytes;
  private long payload;
  private int payloadBytes;
  private int fragment;
  private int done;
  private int dataBytes;

  Ipv4Fragmenter(int mtu) {
    this.mtu = mtu;
  }

  /**
   * Takes a packet whose header has been checked.
   *
   * @param linkOffset where the packet begins, with the link's header if it has one
   * @param ipOffset where its IP header begins
   * @param totalLength bytes of the IP packet
   */
  void begin(MemorySegment source, long linkOffset, long ipOffset, int totalLength) {
    packet = source;
    linkBytes = (int) (ipOffset - linkOffset);
    headerBytes = (Bytes.u8(source, ipOffset) & 15) * 4;
    payload = ipOffset + headerBytes;
    payloadBytes = totalLength - headerBytes;
    fragment = Bytes.u16(source, ipOffset + FRAGMENT);
    done = 0;
    dataBytes = (mtu - headerBytes) & -UNIT_BYTES;
    MemorySegment.copy(source, linkOffset, template, 0, linkBytes + (long) headerBytes);
  }

  boolean isDone() {
    return done == payloadBytes;
  }

  /** How many fragments have neither been written nor skipped. */
  int left() {
    int afterLast = payloadBytes - done - (mtu - headerBytes);
    return isDone() ? 0 : 1 + (Math.max(0, afterLast) + dataBytes - 1) / dataBytes;
  }

  /** Gives up what is left; how many fragments that is. */
  int skip() {
    int left = left();
    done = payloadBytes;
    return left;
  }

  /** Appends the next fragment; false if there is no room. */
  boolean write(PacketBatch target) {
    int left = payloadBytes - done;
    boolean last = headerBytes + left <= mtu;
    int data = last ? left : dataBytes;
    int at = target.room(linkBytes + headerBytes + data);
    if (at < 0) {
      return false;
    }
    MemorySegment to = target.segment();
    MemorySegment.copy(template, 0, to, at, linkBytes + (long) headerBytes);
    long ip = at + (long) linkBytes;
    MemorySegment.copy(packet, payload + done, to, ip + headerBytes, data);
    int more = last ? fragment & MORE_FRAGMENTS : MORE_FRAGMENTS;
    int offset = (fragment & OFFSET) + done / UNIT_BYTES;
    Bytes.put16(to, ip + TOTAL_LENGTH, headerBytes + data);
    Bytes.put16(
        to, ip + FRAGMENT, (fragment & ~(DONT_FRAGMENT | MORE_FRAGMENTS | OFFSET)) | more | offset);
    Bytes.put16(to, ip + CHECKSUM, 0);
    Bytes.put16(
        to, ip + CHECKSUM, InternetChecksum.checksum(InternetChecksum.sum(to, ip, headerBytes)));
    target.commit(linkBytes + headerBytes + data);
    if (done == 0) {
      dropOptions();
    }
    done += data;
    return true;
  }

  /** In the template, for the fragments that follow; stops at what is no option. */
  private void dropOptions() {
    int at = linkBytes + HEADER_BYTES_MIN;
    int end = linkBytes + headerBytes;
    while (at < end) {
      int type = Bytes.u8(template, at);
      if (type == 0) {
        return;
      }
      int bytes = type == 1 || at + 1 == end ? 1 : Bytes.u8(template, at + 1L);
      if (bytes < 1 || at + bytes > end || (bytes == 1 && type != 1)) {
        return;
      }
      if ((type & COPIED) == 0) {
        template.asSlice(at, bytes).fill((byte) 1);
      }
      at += bytes;
    }
  }
}
