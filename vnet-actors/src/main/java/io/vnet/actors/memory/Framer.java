package io.vnet.actors.memory;

import io.vnet.api.device.Framing;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * What a tun puts before each packet on its handle, and what it expects there. Static functions;
 * nothing is allocated.
 *
 * <p>Source: if_tuntap specification, sections 4.8 and 7; FreeBSD's {@code netinet/in.h} and {@code
 * netinet6/in6.h} for the socket addresses.
 */
final class Framer {
  static final int FAMILY_BYTES = 4;
  static final int AF_INET = 2;
  static final int AF_INET6 = 28;

  private static final int SOCKADDR_IN_BYTES = 16;
  private static final int SOCKADDR_IN6_BYTES = 28;
  private static final int V4_HEADER_BYTES = 20;
  private static final int V6_HEADER_BYTES = 40;
  private static final ValueLayout.OfInt BIG_ENDIAN_INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  private Framer() {}

  /** The family of an IP packet by its version, FreeBSD's number; 0 if it is neither. */
  static int family(MemorySegment packet, long offset) {
    return switch (packet.get(ValueLayout.JAVA_BYTE, offset) >> 4 & 0xF) {
      case 4 -> AF_INET;
      case 6 -> AF_INET6;
      default -> 0;
    };
  }

  /** Whether a packet is long enough for its destination to be read. */
  static boolean hasDestination(int family, int length) {
    return length >= (family == AF_INET ? V4_HEADER_BYTES : V6_HEADER_BYTES);
  }

  /** Whether the destination of a packet that has one is a group. */
  static boolean isMulticast(int family, MemorySegment packet, long offset) {
    return family == AF_INET
        ? (packet.get(ValueLayout.JAVA_BYTE, offset + 16) & 0xF0) == 0xE0
        : packet.get(ValueLayout.JAVA_BYTE, offset + 24) == (byte) 0xFF;
  }

  /** How many bytes {@link #write} puts before a packet of this family. */
  static int bytes(Framing framing, int family) {
    return switch (framing) {
      case NONE -> 0;
      case DESTINATION -> family == AF_INET ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES;
      case FAMILY -> FAMILY_BYTES;
    };
  }

  /** Writes them. */
  static void write(
      Framing framing, int family, MemorySegment packet, long offset, MemorySegment to, long at) {
    switch (framing) {
      case NONE -> {}
      case FAMILY -> to.set(BIG_ENDIAN_INT, at, family);
      case DESTINATION -> {
        int bytes = bytes(framing, family);
        to.asSlice(at, bytes).fill((byte) 0);
        to.set(ValueLayout.JAVA_BYTE, at, (byte) bytes);
        to.set(ValueLayout.JAVA_BYTE, at + 1, (byte) family);
        if (family == AF_INET) {
          MemorySegment.copy(packet, offset + 16, to, at + 4, 4);
        } else {
          MemorySegment.copy(packet, offset + 24, to, at + 8, 16);
        }
      }
    }
  }

  /** The family word before a packet that the handle wrote. */
  static int readFamily(MemorySegment packet, long offset) {
    return packet.get(BIG_ENDIAN_INT, offset);
  }
}
