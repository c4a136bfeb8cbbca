package io.vnet.tunnel.example;

import io.vnet.api.address.IpAddress;
import io.vnet.api.header.InternetChecksum;
import io.vnet.api.packet.Packet;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * ICMP echo over IPv4, as much of it as the examples need.
 *
 * <p>Source: RFC 791 section 3.1, RFC 792.
 */
final class Packets {
  private static final int IP_BYTES = 20;
  private static final int ICMP = 1;
  private static final int REQUEST = 8;
  private static final int REPLY = 0;
  private static final int TEXT_BYTES = 56;

  private Packets() {}

  static Packet echoRequest(IpAddress source, IpAddress destination, int sequence) {
    ByteBuffer icmp = ByteBuffer.allocate(8 + TEXT_BYTES);
    icmp.put((byte) REQUEST).put((byte) 0).putShort((short) 0);
    icmp.putShort((short) 0x766E).putShort((short) sequence);
    return packet(source, destination, icmp.array());
  }

  /** The answer to a request. */
  static Packet echoReply(Packet request) {
    ByteBuffer asked = ByteBuffer.wrap(request.toByteArray());
    ByteBuffer icmp = ByteBuffer.allocate(asked.capacity() - IP_BYTES);
    icmp.put(asked.position(IP_BYTES));
    icmp.put(0, (byte) REPLY).putShort(2, (short) 0);
    return packet(IpAddress.v4(asked.getInt(16)), IpAddress.v4(asked.getInt(12)), icmp.array());
  }

  private static Packet packet(IpAddress source, IpAddress destination, byte[] icmp) {
    ByteBuffer.wrap(icmp).putShort(2, checksum(icmp, icmp.length));
    ByteBuffer packet = ByteBuffer.allocate(IP_BYTES + icmp.length);
    packet.put((byte) 0x45).put((byte) 0).putShort((short) packet.capacity());
    packet.putInt(0x4000).put((byte) 64).put((byte) ICMP).putShort((short) 0);
    packet.putInt(source.toV4Bits()).putInt(destination.toV4Bits());
    packet.putShort(10, checksum(packet.array(), IP_BYTES));
    return Packet.of(packet.put(icmp).array());
  }

  private static short checksum(byte[] bytes, int length) {
    long sum = InternetChecksum.sum(MemorySegment.ofArray(bytes), 0, length);
    return (short) InternetChecksum.checksum(sum);
  }

  static boolean isEchoRequest(Packet packet) {
    return isEcho(packet, REQUEST);
  }

  /** Whether it answers to the request with this number. */
  static boolean isEchoReply(Packet packet, int sequence) {
    return isEcho(packet, REPLY)
        && ByteBuffer.wrap(packet.toByteArray()).getShort(IP_BYTES + 6) == (short) sequence;
  }

  private static boolean isEcho(Packet packet, int type) {
    return packet.length() >= IP_BYTES + 8
        && packet.unsignedByte(0) == 0x45
        && packet.unsignedByte(9) == ICMP
        && packet.unsignedByte(IP_BYTES) == type;
  }

  static String describe(Packet packet) {
    ByteBuffer bytes = ByteBuffer.wrap(packet.toByteArray());
    return packet.length()
        + " bytes from "
        + IpAddress.v4(bytes.getInt(12))
        + " to "
        + IpAddress.v4(bytes.getInt(16));
  }
}
