package io.vnet.io.tun;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** The few packets that host tests exchange with the kernel, as bytes. */
final class Datagrams {
  static final byte[] PEER_MAC = {0x02, 0, 0, 0, 0, 0x42};
  private static final byte[] BROADCAST = {-1, -1, -1, -1, -1, -1};
  private static final int ETHER_BYTES = 14;

  private Datagrams() {}

  static byte[] v4(int a, int b, int c, int d) {
    return new byte[] {(byte) a, (byte) b, (byte) c, (byte) d};
  }

  /** An ICMP echo request with some data. */
  static byte[] echo4(byte[] from, byte[] to, int dataBytes) {
    ByteBuffer packet = ByteBuffer.allocate(28 + dataBytes);
    packet.putShort((short) 0x4500).putShort((short) packet.capacity()).putInt(0x00010000);
    packet.putShort((short) 0x4001).putShort((short) 0).put(from).put(to);
    packet.putShort(10, checksum(packet.array(), 0, 20, 0));
    packet.put((byte) 8).put((byte) 0).putShort((short) 0).putInt(0x00420001);
    packet.putShort(22, checksum(packet.array(), 20, packet.capacity(), 0));
    return packet.array();
  }

  /** An ICMPv6 echo request without data. */
  static byte[] echo6(byte[] from, byte[] to) {
    ByteBuffer packet = ByteBuffer.allocate(48);
    packet.putInt(0x60000000).putShort((short) 8).put((byte) 58).put((byte) 64).put(from).put(to);
    packet.put((byte) 128).put((byte) 0).putShort((short) 0).putInt(0x00420001);
    // The pseudo header: both addresses, the length, the protocol.
    packet.putShort(42, checksum(packet.array(), 8, 48, 8 + 58));
    return packet.array();
  }

  /**
   * A super-packet of UDP over IPv4, as a stack leaves it: its checksum field holds the pseudo
   * header's sum. Byte i of the payload is i.
   */
  static byte[] superUdp4(byte[] from, byte[] to, int port, int payloadBytes) {
    int udpBytes = 8 + payloadBytes;
    ByteBuffer packet = ByteBuffer.allocate(20 + udpBytes);
    packet.putShort((short) 0x4500).putShort((short) packet.capacity()).putInt(0x00014000);
    packet.putShort((short) 0x4011).putShort((short) 0).put(from).put(to);
    packet.putShort(10, checksum(packet.array(), 0, 20, 0));
    packet.putShort((short) 4000).putShort((short) port).putShort((short) udpBytes);
    packet.putShort((short) ~checksum(packet.array(), 12, 20, udpBytes + 17));
    for (int i = 0; i < payloadBytes; i++) {
      packet.put((byte) i);
    }
    return packet.array();
  }

  static boolean isEcho4(byte[] packet, int type) {
    return packet.length >= 28 && packet[0] == 0x45 && packet[9] == 1 && packet[20] == (byte) type;
  }

  static boolean isEcho6(byte[] packet, int type) {
    return packet.length >= 48
        && (packet[0] & 0xF0) == 0x60
        && packet[6] == 58
        && packet[40] == (byte) type;
  }

  /** The reply to an echo request over IPv4 without options. */
  static byte[] reply4(byte[] request) {
    byte[] reply = request.clone();
    System.arraycopy(request, 12, reply, 16, 4);
    System.arraycopy(request, 16, reply, 12, 4);
    reply[20] = 0;
    ByteBuffer.wrap(reply).putShort(22, (short) 0);
    ByteBuffer.wrap(reply).putShort(22, checksum(reply, 20, reply.length, 0));
    return reply;
  }

  /** An ARP packet in its Ethernet frame. */
  static byte[] arp(int operation, byte[] from, byte[] toMac, byte[] to) {
    boolean request = operation == 1;
    return ByteBuffer.allocate(ETHER_BYTES + 28)
        .put(request ? BROADCAST : toMac)
        .put(PEER_MAC)
        .putShort((short) 0x0806)
        .putInt(0x00010800)
        .putShort((short) 0x0604)
        .putShort((short) operation)
        .put(PEER_MAC)
        .put(from)
        .put(request ? new byte[6] : toMac)
        .put(to)
        .array();
  }

  static boolean isArp(byte[] frame, int operation) {
    return frame.length >= 42
        && ByteBuffer.wrap(frame).getShort(12) == 0x0806
        && ByteBuffer.wrap(frame).getShort(20) == operation;
  }

  static boolean isFramedEcho4(byte[] frame, int type) {
    return frame.length >= ETHER_BYTES
        && ByteBuffer.wrap(frame).getShort(12) == 0x0800
        && isEcho4(payload(frame), type);
  }

  static byte[] payload(byte[] frame) {
    return Arrays.copyOfRange(frame, ETHER_BYTES, frame.length);
  }

  static byte[] frame(byte[] toMac, byte[] packet) {
    return ByteBuffer.allocate(ETHER_BYTES + packet.length)
        .put(toMac)
        .put(PEER_MAC)
        .putShort((short) 0x0800)
        .put(packet)
        .array();
  }

  private static short checksum(byte[] bytes, int from, int to, int initial) {
    int sum = initial;
    for (int i = from; i < to; i++) {
      sum += (bytes[i] & 0xFF) << ((i - from) % 2 == 0 ? 8 : 0);
      sum = (sum & 0xFFFF) + (sum >>> 16);
    }
    return (short) ~sum;
  }
}
