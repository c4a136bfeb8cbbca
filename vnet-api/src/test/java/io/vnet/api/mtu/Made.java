package io.vnet.api.mtu;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * Packets and frames, built a byte at a time, with checksums computed in another way than the code
 * under test does; and whether those of a packet are right.
 */
final class Made {
  static final byte[] ETHERNET4 = hex("0200000000020200000000010800");
  static final byte[] VLAN6 = hex("02000000000202000000000188a80064810000c886dd");
  static final int SYN = 2;
  static final int ACK = 16;
  static final int TCP = 6;
  static final int UDP = 17;
  static final int ICMP = 1;
  static final int ICMP6 = 58;

  final boolean v4;
  byte[] frame = {};
  byte[] source;
  byte[] destination;
  byte[] ipOptions = {};

  /** Flags and offset. */
  int fragment = 0x4000;

  /** Extension headers of IPv6, and what the first one is. */
  byte[] extensions = {};

  int firstExtension;
  int protocol = TCP;

  /** What the transport protocol makes: header and payload, with a checksum of 0. */
  byte[] transport = {};

  private Made(boolean v4) {
    this.v4 = v4;
    source = hex(v4 ? "0a000001" : "20010db8000000000000000000000001");
    destination = hex(v4 ? "c0000202" : "20010db8000000000000000000000002");
  }

  static Made ip(boolean v4) {
    return new Made(v4);
  }

  static byte[] hex(String digits) {
    return HexFormat.of().parseHex(digits.replace(" ", ""));
  }

  Made tcp(int flags, String options, int payloadBytes) {
    byte[] optionBytes = hex(options);
    ByteBuffer tcp = ByteBuffer.allocate(20 + optionBytes.length + payloadBytes);
    tcp.putShort((short) 40_000).putShort((short) 443).putInt(0x0102_0304).putInt(0);
    tcp.put((byte) (((20 + optionBytes.length) / 4) << 4)).put((byte) flags);
    tcp.putShort((short) 64_240).putInt(0).put(optionBytes);
    return with(TCP, tcp.array());
  }

  Made udp(int payloadBytes) {
    ByteBuffer udp = ByteBuffer.allocate(8 + payloadBytes);
    udp.putShort((short) 5000).putShort((short) 53).putShort((short) (8 + payloadBytes));
    return with(UDP, udp.array());
  }

  Made icmp(int type, int payloadBytes) {
    byte[] icmp = new byte[8 + payloadBytes];
    icmp[0] = (byte) type;
    return with(v4 ? ICMP : ICMP6, icmp);
  }

  private Made with(int newProtocol, byte[] bytes) {
    protocol = newProtocol;
    transport = bytes;
    int headerBytes =
        switch (newProtocol) {
          case TCP -> ((bytes[12] >> 4) & 15) * 4;
          default -> 8;
        };
    for (int i = headerBytes; i < bytes.length; i++) {
      bytes[i] = (byte) (i * 7 + (i >> 8));
    }
    return this;
  }

  int ipStart() {
    return frame.length;
  }

  int transportStart() {
    return frame.length + (v4 ? 20 + ipOptions.length : 40 + extensions.length);
  }

  int checksumField() {
    return transportStart() + checksumOffset();
  }

  int checksumOffset() {
    return switch (protocol) {
      case TCP -> 16;
      case UDP -> 6;
      default -> 2;
    };
  }

  /** A finished packet. */
  byte[] build() {
    byte[] packet = raw();
    put16(packet, checksumField(), ~sum(packet, transportStart(), pseudo()) & 0xFFFF);
    return packet;
  }

  /** One whose transport checksum is left to do. */
  byte[] partial() {
    byte[] packet = raw();
    put16(packet, checksumField(), pseudo());
    return packet;
  }

  private int pseudo() {
    if (protocol == ICMP) {
      return 0;
    }
    ByteBuffer pseudo = ByteBuffer.allocate(2 * source.length + 8);
    pseudo.put(source).put(destination).putInt(transport.length).putInt(protocol);
    return sum(pseudo.array(), 0, 0);
  }

  private byte[] raw() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(frame);
    if (v4) {
      int headerBytes = 20 + ipOptions.length;
      ByteBuffer ip = ByteBuffer.allocate(headerBytes);
      ip.put((byte) (0x40 | headerBytes / 4)).put((byte) 0);
      ip.putShort((short) (headerBytes + transport.length)).putShort((short) 0x1234);
      ip.putShort((short) fragment).put((byte) 64).put((byte) protocol).putShort((short) 0);
      ip.put(source).put(destination).put(ipOptions);
      put16(ip.array(), 10, ~sum(ip.array(), 0, 0) & 0xFFFF);
      out.writeBytes(ip.array());
    } else {
      ByteBuffer ip = ByteBuffer.allocate(40);
      ip.putInt(6 << 28).putShort((short) (extensions.length + transport.length));
      ip.put((byte) (extensions.length == 0 ? protocol : firstExtension)).put((byte) 64);
      ip.put(source).put(destination);
      out.writeBytes(ip.array());
      out.writeBytes(extensions);
    }
    out.writeBytes(transport);
    return out.toByteArray();
  }

  /** What is behind the IP headers of a packet laid out as this one. */
  byte[] transport(byte[] packet) {
    return Arrays.copyOfRange(packet, transportStart(), packet.length);
  }

  /** Whether all checksums of a packet laid out as this one are right. */
  boolean isRight(byte[] packet) {
    return (!v4
            || sum(Arrays.copyOfRange(packet, ipStart(), ipStart() + 20 + ipOptions.length), 0, 0)
                == 0xFFFF)
        && sum(packet, transportStart(), pseudo()) == 0xFFFF;
  }

  /** The folded sum of the bytes from an offset on. */
  static int sum(byte[] bytes, int from, int start) {
    int sum = start;
    for (int i = from; i < bytes.length; i++) {
      sum += (bytes[i] & 0xFF) << ((i - from) % 2 == 0 ? 8 : 0);
      sum = (sum & 0xFFFF) + (sum >>> 16);
    }
    return sum;
  }

  static int get16(byte[] bytes, int at) {
    return ((bytes[at] & 0xFF) << 8) | (bytes[at + 1] & 0xFF);
  }

  static void put16(byte[] bytes, int at, int value) {
    bytes[at] = (byte) (value >> 8);
    bytes[at + 1] = (byte) value;
  }
}
