package io.vnet.tunnel.testkit;

import io.vnet.api.address.IpAddress;
import io.vnet.api.packet.Packet;
import java.nio.ByteBuffer;

/**
 * Finished packets from one address to another, built a byte at a time.
 *
 * @param source of the packets
 * @param destination of the same family
 * @param sourcePort of TCP and UDP
 * @param destinationPort of TCP and UDP
 */
public record IpFlow(IpAddress source, IpAddress destination, int sourcePort, int destinationPort) {
  public static final int ACK = 0x10;
  public static final int PSH = 0x08;
  public static final int TCP = 6;
  public static final int UDP = 17;
  private static final int OTHER = 253; // RFC 3692: for experiments.

  /** Between fixed ports. */
  public static IpFlow of(String source, String destination) {
    return new IpFlow(IpAddress.parse(source), IpAddress.parse(destination), 4000, 4001);
  }

  /** With other ports. */
  public IpFlow withPorts(int newSource, int newDestination) {
    return new IpFlow(source, destination, newSource, newDestination);
  }

  /** The way back. */
  public IpFlow reversed() {
    return new IpFlow(destination, source, destinationPort, sourcePort);
  }

  public int headerBytes() {
    return source.v6() ? 40 : 20;
  }

  /** A packet of this length in all, at least {@link #headerBytes}, of no known protocol. */
  public Packet sized(int length, int seed) {
    return ip(OTHER, seed, payload(length - headerBytes(), seed));
  }

  /** A datagram. */
  public Packet udp(int id, byte[] payload) {
    ByteBuffer transport = ByteBuffer.allocate(8 + payload.length);
    transport.putShort((short) sourcePort).putShort((short) destinationPort);
    transport.putShort((short) transport.capacity()).putShort((short) 0).put(payload);
    int checksum = checksum(transport.array(), UDP);
    transport.putShort(6, (short) (checksum == 0 ? 0xFFFF : checksum));
    return ip(UDP, id, transport.array());
  }

  /** A segment with 12 bytes of options, as Linux sends it. */
  public Packet tcp(int id, int sequence, int flags, byte[] payload) {
    ByteBuffer transport = ByteBuffer.allocate(32 + payload.length);
    transport.putShort((short) sourcePort).putShort((short) destinationPort);
    transport.putInt(sequence).putInt(77).put((byte) 0x80).put((byte) flags);
    transport.putShort((short) 501).putShort((short) 0).putShort((short) 0);
    transport.put(new byte[] {1, 1, 8, 10, 0, 1, 2, 3, 4, 5, 6, 7}).put(payload);
    transport.putShort(16, (short) checksum(transport.array(), TCP));
    return ip(TCP, id, transport.array());
  }

  /** Bytes that tell where they come from. */
  public static byte[] payload(int length, int seed) {
    byte[] bytes = new byte[length];
    for (int i = 0; i < length; i++) {
      bytes[i] = (byte) (i * 31 + seed * 17 + (i >>> 8));
    }
    return bytes;
  }

  /** A packet with this behind the IP header. */
  public Packet ip(int protocol, int id, byte[] behind) {
    ByteBuffer packet = ByteBuffer.allocate(headerBytes() + behind.length);
    if (source.v6()) {
      packet.putInt(0x6000_0000).putShort((short) behind.length);
      packet.put((byte) protocol).put((byte) 64);
      packet.put(source.toByteArray()).put(destination.toByteArray());
    } else {
      packet.put((byte) 0x45).put((byte) 0).putShort((short) packet.capacity());
      packet.putShort((short) id).putShort((short) 0x4000);
      packet.put((byte) 64).put((byte) protocol).putShort((short) 0);
      packet.put(source.toByteArray()).put(destination.toByteArray());
      packet.putShort(10, (short) (~sum(packet.array(), 20, 0) & 0xFFFF));
    }
    return Packet.of(packet.put(behind).array());
  }

  private int checksum(byte[] transport, int protocol) {
    byte[] addresses =
        ByteBuffer.allocate(2 * source.toByteArray().length)
            .put(source.toByteArray())
            .put(destination.toByteArray())
            .array();
    int pseudo = sum(addresses, addresses.length, protocol + transport.length);
    return ~sum(transport, transport.length, pseudo) & 0xFFFF;
  }

  private static int sum(byte[] bytes, int length, int start) {
    int sum = start;
    for (int i = 0; i < length; i++) {
      sum += (bytes[i] & 0xFF) << (i % 2 == 0 ? 8 : 0);
      sum = (sum & 0xFFFF) + (sum >>> 16);
    }
    return sum;
  }
}
