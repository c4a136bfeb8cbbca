package io.vnet.api.offload;

import io.vnet.api.header.EtherTypes;
import io.vnet.api.header.EthernetView;
import io.vnet.api.packet.Layer;
import io.vnet.api.wire.Bytes;
import java.lang.foreign.MemorySegment;

/**
 * The fields that this package reads and writes, with {@link Bytes}.
 *
 * <p>Bytes and not the views of {@code io.vnet.api.header}: a header is met here once a packet, to
 * copy it, compare it or change two fields, and a super-packet's length fields are not to be
 * believed.
 */
final class Wire {
  static final int IP_BYTES_MAX = 65_535;

  static final int IPV4_BYTES = 20;
  static final int IPV4_TOTAL_LENGTH = 2;
  static final int IPV4_ID = 4;
  static final int IPV4_FRAGMENT = 6;
  static final int IPV4_TIME_TO_LIVE = 8;
  static final int IPV4_PROTOCOL = 9;
  static final int IPV4_CHECKSUM = 10;
  static final int IPV4_ADDRESSES = 12;
  static final int IPV4_DONT_FRAGMENT = 0x4000;
  static final int IPV4_PART = 0x3FFF;

  static final int IPV6_BYTES = 40;
  static final int IPV6_PAYLOAD_LENGTH = 4;
  static final int IPV6_NEXT_HEADER = 6;
  static final int IPV6_HOP_LIMIT = 7;
  static final int IPV6_ADDRESSES = 8;

  static final int TCP_BYTES_MIN = 20;
  static final int TCP_SEQUENCE = 4;
  static final int TCP_ACKNOWLEDGMENT = 8;
  static final int TCP_DATA_OFFSET = 12;
  static final int TCP_FLAGS = 13;
  static final int TCP_WINDOW = 14;
  static final int TCP_CHECKSUM = 16;
  static final int TCP_URGENT = 18;

  static final int UDP_BYTES = 8;
  static final int UDP_LENGTH = 4;
  static final int UDP_CHECKSUM = 6;

  private static final int TAG_BYTES = 4;
  private static final int TAGS_MAX = 2;

  private Wire() {}

  /**
   * Where an IP header would begin in a packet: behind the Ethernet header and up to two VLAN tags.
   *
   * @return bytes from the packet's start; -1 if it carries no IP or ends before it
   */
  static int ipStart(Layer layer, MemorySegment packet, long offset, int length) {
    if (layer == Layer.L3) {
      return 0;
    }
    if (layer == Layer.DATAGRAM) {
      return -1;
    }
    int start = EthernetView.HEADER_BYTES;
    for (int tags = 0; length >= start; tags++, start += TAG_BYTES) {
      int type = Bytes.u16(packet, offset + start - 2);
      if (type == EtherTypes.IPV4 || type == EtherTypes.IPV6) {
        return length > start
                && Bytes.u8(packet, offset + start) >> 4 == (type == EtherTypes.IPV4 ? 4 : 6)
            ? start
            : -1;
      }
      if (tags == TAGS_MAX || (type != EtherTypes.VLAN && type != EtherTypes.PROVIDER_VLAN)) {
        return -1;
      }
    }
    return -1;
  }
}
