package io.vnet.actors.testkit;

import io.vnet.api.offload.Coalescer;
import io.vnet.api.offload.JoinRules;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Finished TCP and UDP packets of one flow, built a byte at a time, and super-packets of them.
 *
 * @param v4 IPv4 or IPv6
 * @param udp UDP or TCP
 */
public record IpPackets(boolean v4, boolean udp) {
  private static final int FIRST_SEQUENCE = 0xFFFF_F000;

  /**
   * The packets of a flow whose payloads are so long and count on.
   *
   * @param first the number of the first one
   */
  public List<Packet> packets(int first, int count, int payloadBytes) {
    List<Packet> packets = new ArrayList<>();
    for (int i = first; i < first + count; i++) {
      byte[] payload = new byte[payloadBytes];
      for (int j = 0; j < payloadBytes; j++) {
        payload[j] = (byte) (31 * i + j);
      }
      packets.add(Packet.of(packet(i, FIRST_SEQUENCE + i * payloadBytes, payload)));
    }
    return packets;
  }

  /** One packet with this payload. */
  private byte[] packet(int id, int sequence, byte[] payload) {
    ByteBuffer transport = ByteBuffer.allocate((udp ? 8 : 20) + payload.length);
    transport.putShort((short) 5001).putShort((short) 5002);
    if (udp) {
      transport.putShort((short) transport.capacity()).putShort((short) 0);
    } else {
      transport.putInt(sequence).putInt(77).put((byte) 0x50).put((byte) 0x10);
      transport.putShort((short) 501).putShort((short) 0).putShort((short) 0);
    }
    transport.put(payload);
    byte[] source = new byte[v4 ? 4 : 16];
    byte[] destination = new byte[v4 ? 4 : 16];
    source[0] = 10;
    destination[0] = 10;
    source[source.length - 1] = 1;
    destination[destination.length - 1] = 2;
    int protocol = udp ? 17 : 6;
    ByteBuffer pseudo = ByteBuffer.allocate(2 * source.length + 8 + transport.capacity());
    pseudo.put(source).put(destination).putInt(transport.capacity()).putInt(protocol);
    pseudo.put(transport.array());
    int checksum = checksum(pseudo.array());
    transport.putShort(udp ? 6 : 16, (short) (udp && checksum == 0 ? 0xFFFF : checksum));
    ByteBuffer ip = ByteBuffer.allocate(v4 ? 20 : 40);
    if (v4) {
      ip.put((byte) 0x45).put((byte) 0).putShort((short) (20 + transport.capacity()));
      ip.putShort((short) id).putShort((short) 0x4000).put((byte) 64).put((byte) protocol);
      ip.putShort((short) 0).put(source).put(destination);
      ip.putShort(10, (short) checksum(ip.array()));
    } else {
      ip.putInt(6 << 28).putShort((short) transport.capacity());
      ip.put((byte) protocol).put((byte) 64).put(source).put(destination);
    }
    ByteArrayOutputStream packet = new ByteArrayOutputStream();
    packet.writeBytes(ip.array());
    packet.writeBytes(transport.array());
    return packet.toByteArray();
  }

  private static int checksum(byte[] bytes) {
    int sum = 0;
    for (int i = 0; i < bytes.length; i++) {
      sum += (bytes[i] & 0xFF) << (i % 2 == 0 ? 8 : 0);
    }
    while (sum > 0xFFFF) {
      sum = (sum & 0xFFFF) + (sum >>> 16);
    }
    return ~sum & 0xFFFF;
  }

  /** A batch of these packets as they are. */
  public static PacketBatch batch(BatchPool pool, List<Packet> packets) {
    PacketBatch batch = pool.acquire();
    for (Packet packet : packets) {
      if (!batch.append(packet)) {
        throw new IllegalArgumentException(packets.size() + " packets do not fit");
      }
    }
    return batch;
  }

  /** A batch of them in which what belongs together is one super-packet, with its word. */
  public static PacketBatch joined(BatchPool pool, List<Packet> packets) {
    PacketBatch source = batch(pool, packets);
    try {
      Coalescer coalescer = new Coalescer(JoinRules.of(Layer.L3).withUdp(true));
      PacketBatch target = pool.acquire();
      if (coalescer.begin(source) != coalescer.write(target)) {
        throw new IllegalArgumentException("the super-packets do not fit");
      }
      return target;
    } finally {
      source.release();
    }
  }
}
