package io.vnet.api.offload;

import static io.vnet.api.header.HeaderFields.IPV4_FRAGMENT;
import static io.vnet.api.header.HeaderFields.IPV4_PART;
import static io.vnet.api.header.HeaderFields.IPV4_PROTOCOL;
import static io.vnet.api.header.HeaderFields.IPV6_NEXT_HEADER;
import static io.vnet.api.header.HeaderFields.TCP_CHECKSUM;
import static io.vnet.api.header.HeaderFields.TCP_DATA_OFFSET;
import static io.vnet.api.header.HeaderFields.UDP_CHECKSUM;

import io.vnet.api.header.IpProtocols;
import io.vnet.api.header.Ipv4View;
import io.vnet.api.header.Ipv6View;
import io.vnet.api.header.TcpView;
import io.vnet.api.header.UdpView;
import io.vnet.api.packet.Layer;
import io.vnet.api.port.OffloadFeature;
import io.vnet.api.wire.Bytes;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The offload word of a packet ({@link io.vnet.api.packet.PacketBatch#offload}) and the virtio-net
 * header that carries it to and from a kernel.
 *
 * <pre>
 *   bit  0        8          16          32               48                  64
 *        | flags  | gso type | gso size  | checksum start | checksum offset   |
 * </pre>
 *
 * <p>0 is a finished packet. The checksum's start counts from the packet's first byte, of a frame
 * from its Ethernet header; its offset from there. Static, without allocation but for {@link
 * #toString(long)}.
 *
 * <p>Source: {@code linux/virtio_net.h}.
 */
public final class Offload {
  /** Bytes of a virtio-net header. */
  public static final int HEADER_BYTES = 10;

  /** Flag: the checksum field holds the pseudo header's sum; the rest has to be added. */
  public static final int NEEDS_CSUM = 1;

  /** Flag: somebody has verified the checksum. */
  public static final int DATA_VALID = 2;

  /** Type: a single packet. */
  public static final int NONE = 0;

  /** Type: TCP over IPv4, several segments in one packet. */
  public static final int TCPV4 = 1;

  /** Type: TCP over IPv6. */
  public static final int TCPV6 = 4;

  /** Type: UDP over either, several datagrams in one. */
  public static final int UDP_L4 = 5;

  /** Added to a TCP type: the first segment alone may have CWR. */
  public static final int ECN = 0x80;

  /** The longest header, IP and transport together, that a super-packet may have, in bytes. */
  public static final int SUPER_HEADER_BYTES_MAX = 256;

  private static final int FLAGS_KNOWN = NEEDS_CSUM | DATA_VALID;

  private static final ValueLayout.OfShort HOST_SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final int TYPE = 1;
  private static final int HEADER_LENGTH = 2;
  private static final int SIZE = 4;
  private static final int CSUM_START = 6;
  private static final int CSUM_OFFSET = 8;

  private Offload() {}

  /**
   * A word.
   *
   * @param flags {@link #NEEDS_CSUM} and {@link #DATA_VALID}, or 0
   * @param gsoType a type, with {@link #ECN} or without
   * @param gsoSize payload bytes of one segment
   * @param csumStart where the checksum begins, from the packet's start
   * @param csumOffset where it is stored, from {@code csumStart}
   * @throws IllegalArgumentException if a value does not fit its field
   */
  public static long of(int flags, int gsoType, int gsoSize, int csumStart, int csumOffset) {
    if ((flags | gsoType) >>> 8 != 0 || (gsoSize | csumStart | csumOffset) >>> 16 != 0) {
      throw new IllegalArgumentException(
          "flags=%d, gsoType=%d, gsoSize=%d, csumStart=%d, csumOffset=%d"
              .formatted(flags, gsoType, gsoSize, csumStart, csumOffset));
    }
    return flags
        | (long) gsoType << 8
        | (long) gsoSize << 16
        | (long) csumStart << 32
        | (long) csumOffset << 48;
  }

  /** {@link #NEEDS_CSUM} and {@link #DATA_VALID}, or 0. */
  public static int flags(long word) {
    return (int) word & 0xFF;
  }

  /** Whether the checksum has to be completed. */
  public static boolean needsChecksum(long word) {
    return (word & NEEDS_CSUM) != 0;
  }

  /** Whether the packet is a super-packet, to be split. */
  public static boolean isSegmented(long word) {
    return (word >>> 8 & 0xFF) != NONE;
  }

  /** {@link #NONE} to {@link #UDP_L4}, without {@link #ECN}; an unknown one as it is. */
  public static int gsoType(long word) {
    return (int) (word >>> 8) & 0xFF & ~ECN;
  }

  /** Whether {@link #ECN} is set. */
  public static boolean hasEcn(long word) {
    return (word >>> 8 & ECN) != 0;
  }

  /** Payload bytes of one segment. */
  public static int gsoSize(long word) {
    return (int) (word >>> 16) & 0xFFFF;
  }

  /** Where the checksum begins, from the packet's start. */
  public static int csumStart(long word) {
    return (int) (word >>> 32) & 0xFFFF;
  }

  /** Where the checksum is stored, from {@link #csumStart}. */
  public static int csumOffset(long word) {
    return (int) (word >>> 48);
  }

  /**
   * Reads a virtio-net header, in host byte order. Fields that mean nothing (those of a checksum
   * that is not needed, the size of what is not segmented, unknown flags, the header's length,
   * which is often wrong) do not get into the word.
   *
   * @return the word, to be {@linkplain #check checked} against the packet before it is used
   * @throws IndexOutOfBoundsException if the header is not within the segment
   */
  public static long read(MemorySegment source, long at) {
    int flags = Bytes.u8(source, at) & FLAGS_KNOWN;
    int type = Bytes.u8(source, at + TYPE);
    boolean checksum = (flags & NEEDS_CSUM) != 0;
    return of(
        flags,
        type,
        type == NONE ? 0 : source.get(HOST_SHORT, at + SIZE) & 0xFFFF,
        checksum ? source.get(HOST_SHORT, at + CSUM_START) & 0xFFFF : 0,
        checksum ? source.get(HOST_SHORT, at + CSUM_OFFSET) & 0xFFFF : 0);
  }

  /**
   * Writes the virtio-net header for a packet, in host byte order. The header's length in it is
   * that of the headers up to the payload for a super-packet, and 0 otherwise.
   *
   * @param packet where the packet is
   * @param offset where it begins there
   * @param length its bytes
   * @throws IndexOutOfBoundsException if the header is not within {@code target}
   */
  public static void write(
      MemorySegment target, long at, long word, MemorySegment packet, long offset, int length) {
    int headerLength = headerLength(word, packet, offset, length);
    Bytes.put8(target, at, flags(word));
    Bytes.put8(target, at + TYPE, (int) (word >>> 8));
    target.set(HOST_SHORT, at + HEADER_LENGTH, (short) headerLength);
    target.set(HOST_SHORT, at + SIZE, (short) gsoSize(word));
    target.set(HOST_SHORT, at + CSUM_START, (short) csumStart(word));
    target.set(HOST_SHORT, at + CSUM_OFFSET, (short) csumOffset(word));
  }

  /** 0, which a kernel takes for "not known", where the packet does not let it be seen. */
  private static int headerLength(long word, MemorySegment packet, long offset, int length) {
    if (!isSegmented(word) || !needsChecksum(word)) {
      return 0;
    }
    int start = csumStart(word);
    if (gsoType(word) == UDP_L4) {
      return Math.min(start + UdpView.HEADER_BYTES, length);
    }
    return start + TcpView.HEADER_BYTES > length
        ? 0
        : Math.min(start + tcpBytes(packet, offset + start), length);
  }

  static int tcpBytes(MemorySegment packet, long at) {
    return (Bytes.u8(packet, at + TCP_DATA_OFFSET) >> 4) * 4;
  }

  /**
   * Whether a word fits a packet, so that it can be completed or split. Length fields of a
   * super-packet's IP and UDP headers are not looked at: its own length holds.
   *
   * <p>A super-packet without {@link #NEEDS_CSUM} is accepted, if the transport header follows the
   * IP header at once: a kernel makes them of what a network card has joined and verified.
   *
   * @param layer what the packet is
   * @param packet where it is
   * @param offset where it begins there
   * @param length its bytes
   */
  public static OffloadStatus check(
      long word, Layer layer, MemorySegment packet, long offset, int length) {
    if (needsChecksum(word) && csumStart(word) + csumOffset(word) + 2 > length) {
      return OffloadStatus.BAD_CHECKSUM_RANGE;
    }
    if (!isSegmented(word)) {
      return OffloadStatus.OK;
    }
    int type = gsoType(word);
    boolean udp = type == UDP_L4;
    if (udp ? hasEcn(word) : type != TCPV4 && type != TCPV6) {
      return OffloadStatus.BAD_TYPE;
    }
    if (gsoSize(word) == 0) {
      return OffloadStatus.NO_SEGMENT_SIZE;
    }
    int ip = Wire.ipStart(layer, packet, offset, length);
    if (ip < 0) {
      return OffloadStatus.WRONG_PROTOCOL;
    }
    if (length - ip > Wire.IP_BYTES_MAX) {
      return OffloadStatus.TOO_LONG;
    }
    if (length - ip < Ipv4View.HEADER_BYTES) {
      return OffloadStatus.TRUNCATED;
    }
    return switch (Bytes.u8(packet, offset + ip) >> 4) {
      case 4 ->
          type == TCPV6
              ? OffloadStatus.WRONG_PROTOCOL
              : checkIpv4(word, packet, offset, length, ip, udp);
      case 6 ->
          type == TCPV4
              ? OffloadStatus.WRONG_PROTOCOL
              : checkIpv6(word, packet, offset, length, ip, udp);
      default -> OffloadStatus.WRONG_PROTOCOL;
    };
  }

  /**
   * How long the longest segment of a super-packet is, headers included: those of the link, too, if
   * the packet has them.
   *
   * @return bytes; the packet's own if it is none; -1 if the word does not {@linkplain #check fit}
   */
  public static int segmentBytes(
      long word, Layer layer, MemorySegment packet, long offset, int length) {
    if (!isSegmented(word)) {
      return length;
    }
    if (check(word, layer, packet, offset, length) != OffloadStatus.OK) {
      return -1;
    }
    return Math.min(length, headerBytes(word, layer, packet, offset, length) + gsoSize(word));
  }

  /** Of all headers of a super-packet; only after {@link #check}. */
  static int headerBytes(long word, Layer layer, MemorySegment packet, long offset, int length) {
    int transport = transportStart(word, layer, packet, offset, length);
    return transport
        + (gsoType(word) == UDP_L4 ? UdpView.HEADER_BYTES : tcpBytes(packet, offset + transport));
  }

  /** Where a super-packet's transport header begins; only after {@link #check}. */
  static int transportStart(long word, Layer layer, MemorySegment packet, long offset, int length) {
    if (needsChecksum(word)) {
      return csumStart(word);
    }
    int ip = Wire.ipStart(layer, packet, offset, length);
    int first = Bytes.u8(packet, offset + ip);
    return ip + (first >> 4 == 4 ? (first & 15) * 4 : Ipv6View.HEADER_BYTES);
  }

  private static OffloadStatus checkIpv4(
      long word, MemorySegment packet, long offset, int length, int ip, boolean udp) {
    int ipBytes = (Bytes.u8(packet, offset + ip) & 15) * 4;
    if (ipBytes < Ipv4View.HEADER_BYTES) {
      return OffloadStatus.BAD_HEADER_LENGTH;
    }
    if ((Bytes.u16(packet, offset + ip + IPV4_FRAGMENT) & IPV4_PART) != 0) {
      return OffloadStatus.FRAGMENT;
    }
    if (Bytes.u8(packet, offset + ip + IPV4_PROTOCOL) != protocol(udp)) {
      return OffloadStatus.WRONG_PROTOCOL;
    }
    int transport = ip + ipBytes;
    if (needsChecksum(word) && csumStart(word) != transport) {
      return OffloadStatus.BAD_CHECKSUM_RANGE;
    }
    return checkTransport(word, packet, offset, length, ip, transport, udp);
  }

  private static OffloadStatus checkIpv6(
      long word, MemorySegment packet, long offset, int length, int ip, boolean udp) {
    // That the IPv6 header is complete is seen when the transport header behind it is.
    int transport = needsChecksum(word) ? csumStart(word) : ip + Ipv6View.HEADER_BYTES;
    if (transport < ip + Ipv6View.HEADER_BYTES) {
      return OffloadStatus.BAD_CHECKSUM_RANGE;
    }
    if (transport == ip + Ipv6View.HEADER_BYTES
        && Bytes.u8(packet, offset + ip + IPV6_NEXT_HEADER) != protocol(udp)) {
      return OffloadStatus.WRONG_PROTOCOL;
    }
    return checkTransport(word, packet, offset, length, ip, transport, udp);
  }

  private static OffloadStatus checkTransport(
      long word,
      MemorySegment packet,
      long offset,
      int length,
      int ip,
      int transport,
      boolean udp) {
    if (needsChecksum(word) && csumOffset(word) != (udp ? UDP_CHECKSUM : TCP_CHECKSUM)) {
      return OffloadStatus.BAD_CHECKSUM_RANGE;
    }
    if (length - transport < (udp ? UdpView.HEADER_BYTES : TcpView.HEADER_BYTES)) {
      return OffloadStatus.TRUNCATED;
    }
    int bytes = udp ? UdpView.HEADER_BYTES : tcpBytes(packet, offset + transport);
    if ((!udp && bytes < TcpView.HEADER_BYTES) || transport - ip + bytes > SUPER_HEADER_BYTES_MAX) {
      return OffloadStatus.BAD_HEADER_LENGTH;
    }
    return length - transport < bytes ? OffloadStatus.TRUNCATED : OffloadStatus.OK;
  }

  /**
   * Which feature a super-packet makes use of; its word must have been {@linkplain #check checked}.
   */
  public static OffloadFeature feature(
      long word, Layer layer, MemorySegment packet, long offset, int length) {
    return switch (gsoType(word)) {
      case TCPV4 -> OffloadFeature.TSO4;
      case TCPV6 -> OffloadFeature.TSO6;
      default ->
          Bytes.u8(packet, offset + Wire.ipStart(layer, packet, offset, length)) >> 4 == 4
              ? OffloadFeature.USO4
              : OffloadFeature.USO6;
    };
  }

  private static int protocol(boolean udp) {
    return udp ? IpProtocols.UDP : IpProtocols.TCP;
  }

  /** For a person: {@code TCPv4 in segments of 1448, ECN, checksum from 20 at 36}. */
  public static String toString(long word) {
    StringBuilder text = new StringBuilder();
    if (isSegmented(word)) {
      text.append(
          switch (gsoType(word)) {
            case TCPV4 -> "TCPv4";
            case TCPV6 -> "TCPv6";
            case UDP_L4 -> "UDP";
            default -> "type " + gsoType(word);
          });
      text.append(" in segments of ").append(gsoSize(word)).append(hasEcn(word) ? ", ECN" : "");
    } else {
      text.append("single");
    }
    if (needsChecksum(word)) {
      int start = csumStart(word);
      text.append(", checksum from ").append(start);
      text.append(" at ").append(start + csumOffset(word));
    }
    return text.append((flags(word) & DATA_VALID) != 0 ? ", verified" : "").toString();
  }
}
