package io.vnet.io.tun;

import io.vnet.io.libc.LinuxConstants;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The virtio-net header in front of each packet of a descriptor with IFF_VNET_HDR, in the host's
 * byte order, and the {@linkplain io.vnet.api.packet.PacketBatch#offload offload word} that says
 * the same. No allocation.
 *
 * <p>Source: linux/virtio_net.h, {@code struct virtio_net_hdr}: flags 0, gso_type 1, hdr_len 2,
 * gso_size 4, csum_start 6, csum_offset 8.
 */
final class VnetHeader {
  static final int BYTES = LinuxConstants.VIRTIO_NET_HDR_BYTES;

  private static final int GSO_TYPE = 1;
  private static final int HEADER_LENGTH = 2;
  private static final int GSO_SIZE = 4;
  private static final int CHECKSUM_START = 6;
  private static final int CHECKSUM_OFFSET = 8;
  private static final int NEEDS_CSUM = 1;
  private static final int GSO_UDP_L4 = 5;
  private static final int GSO_ECN = 0x80;
  private static final int UDP_HEADER_BYTES = 8;
  private static final int TCP_DATA_OFFSET = 12;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

  private VnetHeader() {}

  /**
   * The word for what the kernel wrote; 0 for a finished packet. That a checksum was verified
   * (DATA_VALID) is left out: it asks for nothing.
   */
  static long read(MemorySegment segment, long at) {
    long flags = segment.get(ValueLayout.JAVA_BYTE, at) & NEEDS_CSUM;
    long type = segment.get(ValueLayout.JAVA_BYTE, at + GSO_TYPE) & 0xFF;
    if ((flags | type) == 0) {
      return 0;
    }
    return flags
        | type << 8
        | unsigned(segment, at + GSO_SIZE) << 16
        | unsigned(segment, at + CHECKSUM_START) << 32
        | unsigned(segment, at + CHECKSUM_OFFSET) << 48;
  }

  private static long unsigned(MemorySegment segment, long at) {
    return segment.get(SHORT, at) & 0xFFFFL;
  }

  /**
   * Writes the header of a packet.
   *
   * @param at where the header goes
   * @param packet where the packet begins; a super-packet's transport header is looked at for its
   *     length
   * @param length of the packet, in bytes
   * @return false if the word does not fit the packet; the header says then that it is finished
   */
  static boolean write(
      MemorySegment header, long at, long word, MemorySegment segment, long packet, int length) {
    header.set(ValueLayout.JAVA_LONG_UNALIGNED, at, 0L);
    header.set(SHORT, at + CHECKSUM_OFFSET, (short) 0);
    if (word == 0) {
      return true;
    }
    int type = (int) (word >>> 8) & 0xFF;
    int start = (int) (word >>> 32) & 0xFFFF;
    int headers = 0;
    if (type != 0) {
      if (start + TCP_DATA_OFFSET >= length) {
        return false;
      }
      headers =
          (type & ~GSO_ECN) == GSO_UDP_L4
              ? start + UDP_HEADER_BYTES
              : start
                  + ((segment.get(ValueLayout.JAVA_BYTE, packet + start + TCP_DATA_OFFSET) & 0xF0)
                      >>> 2);
    }
    header.set(ValueLayout.JAVA_BYTE, at, (byte) word);
    header.set(ValueLayout.JAVA_BYTE, at + GSO_TYPE, (byte) type);
    header.set(SHORT, at + HEADER_LENGTH, (short) headers);
    header.set(SHORT, at + GSO_SIZE, (short) (word >>> 16));
    header.set(SHORT, at + CHECKSUM_START, (short) start);
    header.set(SHORT, at + CHECKSUM_OFFSET, (short) (word >>> 48));
    return true;
  }
}
