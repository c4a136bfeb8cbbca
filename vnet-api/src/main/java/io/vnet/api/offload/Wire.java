package io.vnet.api.offload;

import io.vnet.api.header.EtherTypes;
import io.vnet.api.header.EthernetView;
import io.vnet.api.header.HeaderFields;
import io.vnet.api.packet.Layer;
import io.vnet.api.wire.Bytes;
import java.lang.foreign.MemorySegment;

/**
 * Where an IP header begins, and how long its packet can be.
 *
 * <p>This package reads and writes headers with {@link Bytes} at {@link HeaderFields} and not with
 * views: a header is met here once a packet, to copy it, compare it or change two fields, and a
 * super-packet's length fields are not to be believed.
 */
final class Wire {
  static final int IP_BYTES_MAX = 65_535;

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
