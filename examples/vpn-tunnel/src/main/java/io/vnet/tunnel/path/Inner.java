package io.vnet.tunnel.path;

import static io.vnet.api.header.HeaderFields.IPV4_CHECKSUM;
import static io.vnet.api.header.HeaderFields.IPV4_TOTAL_LENGTH;
import static io.vnet.api.header.HeaderFields.IPV6_PAYLOAD_LENGTH;

import io.vnet.api.header.InternetChecksum;
import io.vnet.api.header.Ipv4View;
import io.vnet.api.header.Ipv6View;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * What the tunnel itself looks at in the packets that it carries. Static, without allocation.
 *
 * <p>Source: RFC 791 section 3.1, RFC 8200 section 3, RFC 6040 for ECN.
 */
final class Inner {
  private static final int ECN_BITS = 3;
  private static final int ECT_0 = 2;
  private static final int CE = 3;
  private static final int IPV6_ECN_SHIFT = 4;
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  private Inner() {}

  static int u8(MemorySegment segment, long at) {
    return segment.get(ValueLayout.JAVA_BYTE, at) & 0xFF;
  }

  static int u16(MemorySegment segment, long at) {
    return segment.get(SHORT, at) & 0xFFFF;
  }

  static void put16(MemorySegment segment, long at, int value) {
    segment.set(SHORT, at, (short) value);
  }

  /** Whether there is a whole IP header, of one of the two versions. */
  static boolean isIp(MemorySegment segment, long at, int length) {
    if (length < Ipv4View.HEADER_BYTES) {
      return false;
    }
    int version = u8(segment, at) >> 4;
    return version == 4 || (version == 6 && length >= Ipv6View.HEADER_BYTES);
  }

  /**
   * How long the packet is that a text begins with: what is behind it is padding.
   *
   * @return bytes; 0: it is no IP packet, or not all of one
   */
  static int length(MemorySegment segment, long at, int textBytes) {
    if (!isIp(segment, at, textBytes)) {
      return 0;
    }
    boolean v4 = u8(segment, at) >> 4 == 4;
    int length =
        v4
            ? u16(segment, at + IPV4_TOTAL_LENGTH)
            : Ipv6View.HEADER_BYTES + u16(segment, at + IPV6_PAYLOAD_LENGTH);
    return length > textBytes || (v4 && length < Ipv4View.HEADER_BYTES) ? 0 : length;
  }

  private static int ecn(MemorySegment segment, long at) {
    int second = u8(segment, at + 1);
    return (u8(segment, at) >> 4 == 4 ? second : second >> IPV6_ECN_SHIFT) & ECN_BITS;
  }

  /** The ECN bits outside a packet: its own, but what it has met inside is no news outside. */
  static int outerEcn(MemorySegment segment, long at) {
    int ecn = ecn(segment, at);
    return ecn == CE ? ECT_0 : ecn;
  }

  /** Marks a packet that met congestion outside, if its ends know what that means. */
  static void meetCongestion(MemorySegment segment, long at) {
    if (ecn(segment, at) == 0) {
      return;
    }
    int before = u16(segment, at);
    if (before >> 12 == 4) {
      int after = before | CE;
      put16(segment, at, after);
      int checksum = u16(segment, at + IPV4_CHECKSUM);
      put16(segment, at + IPV4_CHECKSUM, InternetChecksum.update(checksum, before, after));
    } else {
      put16(segment, at, before | CE << IPV6_ECN_SHIFT);
    }
  }
}
