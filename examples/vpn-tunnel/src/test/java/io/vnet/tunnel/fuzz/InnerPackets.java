package io.vnet.tunnel.fuzz;

import io.vnet.api.header.InternetChecksum;
import io.vnet.api.packet.Packet;
import io.vnet.tunnel.testkit.IpFlow;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Texts of transport messages, good, odd and bad, and what a tunnel has to make of them; written
 * without a look at how it does.
 */
final class InnerPackets {
  private static final int TEXT_BYTES_MAX = 65_507 - 32;
  private static final int[] EXTENSIONS = {0, 43, 44, 51, 60, 59, 135, 139};
  private static final int CE = 3;

  private final SplittableRandom random;

  InnerPackets(SplittableRandom random) {
    this.random = random;
  }

  /** What is in a text that an authentic peer has sealed. */
  static byte @Nullable [] packetIn(byte[] text) {
    if (text.length < 20) {
      return null;
    }
    ByteBuffer bytes = ByteBuffer.wrap(text);
    int version = (text[0] & 0xFF) >> 4;
    int length;
    if (version == 4) {
      length = bytes.getShort(2) & 0xFFFF;
      if (length < 20) {
        return null;
      }
    } else if (version == 6 && text.length >= 40) {
      length = 40 + (bytes.getShort(4) & 0xFFFF);
    } else {
      return null;
    }
    return length > text.length ? null : Arrays.copyOf(text, length);
  }

  /** Whether the source of a packet is one of a far end's, of which there are two. */
  static boolean isFrom(int number, byte[] packet) {
    if (packet[0] >> 4 == 4) {
      return packet[12] == 10
          && ((packet[13] == 9 && packet[14] == 0 && packet[15] == number)
              || (packet[13] == 8 && number == 3));
    }
    boolean fd09 =
        Arrays.equals(
            packet,
            8,
            23,
            new byte[] {(byte) 0xfd, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
            0,
            15);
    boolean fd08 =
        Arrays.equals(packet, 8, 16, new byte[] {(byte) 0xfd, 8, 0, 0, 0, 0, 0, 0}, 0, 8);
    return (fd09 && packet[23] == number) || (fd08 && number == 3);
  }

  /** The same packet when its datagram has met congestion outside. */
  static byte[] congested(byte[] packet) {
    byte[] marked = packet.clone();
    if (packet[0] >> 4 == 4) {
      if ((packet[1] & CE) == 0) {
        return marked;
      }
      marked[1] |= CE;
      ByteBuffer bytes = ByteBuffer.wrap(marked);
      int before = ByteBuffer.wrap(packet).getShort(0) & 0xFFFF;
      int checksum = bytes.getShort(10) & 0xFFFF;
      bytes.putShort(
          10, (short) InternetChecksum.update(checksum, before, bytes.getShort(0) & 0xFFFF));
    } else if ((packet[1] >> 4 & CE) != 0) {
      marked[1] |= (byte) (CE << 4);
    }
    return marked;
  }

  /** A packet of the flow as it should be. */
  byte[] good(IpFlow flow) {
    int id = random.nextInt(1 << 16);
    IpFlow ports = flow.withPorts(1000 + random.nextInt(4), 80);
    byte[] payload = IpFlow.payload(random.nextInt(random.nextInt(8) == 0 ? 1400 : 120), id);
    Packet packet =
        switch (random.nextInt(3)) {
          case 0 -> ports.udp(id, payload);
          case 1 -> ports.tcp(id, random.nextInt(), IpFlow.ACK, payload);
          default -> flow.sized(flow.headerBytes() + payload.length, id);
        };
    return packet.toByteArray();
  }

  /** Segments that continue one another, some of them damaged. */
  List<byte[]> burst(IpFlow flow, int count) {
    int sequence = random.nextInt(4) == 0 ? -100 : random.nextInt();
    int bytes = 1 + random.nextInt(200);
    boolean udp = random.nextInt(3) == 0;
    boolean damage = random.nextBoolean();
    int id = random.nextInt(1 << 16);
    IpFlow ports = flow.withPorts(2000 + random.nextInt(2), 443);
    byte[][] packets = new byte[count][];
    for (int i = 0; i < count; i++) {
      byte[] payload = IpFlow.payload(bytes, i);
      int flags = random.nextInt(10) == 0 ? IpFlow.ACK | IpFlow.PSH : IpFlow.ACK;
      packets[i] =
          (udp
                  ? ports.udp(id + i & 0xFFFF, payload)
                  : ports.tcp(id + i & 0xFFFF, sequence + i * bytes, flags, payload))
              .toByteArray();
      if (damage && random.nextInt(3) == 0) {
        packets[i][random.nextInt(packets[i].length)] ^= (byte) (1 << random.nextInt(8));
      }
    }
    return List.of(packets);
  }

  /** A text that somebody with the right keys has thought up. */
  byte[] odd(IpFlow own, List<IpFlow> others) {
    byte[] text = good(own);
    ByteBuffer bytes = ByteBuffer.wrap(text);
    boolean v6 = own.source().v6();
    switch (random.nextInt(17)) {
      case 0 -> text = Arrays.copyOf(text, random.nextInt(text.length + 1));
      case 1 -> text[0] = (byte) (random.nextInt(16) << 4 | (text[0] & 15));
      case 2 -> bytes.putShort(v6 ? 4 : 2, (short) random.nextInt());
      case 3 ->
          bytes.putShort(v6 ? 4 : 2, (short) (bytes.getShort(v6 ? 4 : 2) + random.nextInt(-2, 3)));
      case 4 -> bytes.putShort(v6 ? 4 : 2, (short) (random.nextBoolean() ? 0 : -1));
      case 5 -> text[0] = (byte) ((text[0] & 0xF0) | random.nextInt(16));
      case 6 -> text = v6 ? extended(text) : withOptions(text);
      case 7, 8 -> text = good(others.get(random.nextInt(others.size())));
      case 9 -> {
        text = Arrays.copyOf(text, text.length + random.nextInt(1000));
        for (int i = (bytes.capacity() + text.length) / 2; i < text.length; i++) {
          text[i] = (byte) random.nextInt();
        }
      }
      case 10 -> text = own.sized(longLength(), random.nextInt(100)).toByteArray();
      case 11 -> text = new byte[0];
      case 12 -> {
        int at = own.headerBytes() + random.nextInt(Math.max(1, text.length - own.headerBytes()));
        text[Math.min(at, text.length - 1)] ^= (byte) (1 << random.nextInt(8));
      }
      case 13 -> {
        if (v6) {
          text[6] = (byte) EXTENSIONS[random.nextInt(EXTENSIONS.length)];
        } else {
          bytes.putShort(10, (short) random.nextInt());
        }
      }
      case 14 -> {
        if (v6) {
          text[random.nextInt(40)] = (byte) random.nextInt();
        } else {
          bytes.putShort(6, (short) random.nextInt()); // A fragment, perhaps.
        }
      }
      case 15 -> random.nextBytes(text);
      default -> {
        for (int i = 0; i < 4; i++) {
          text[random.nextInt(text.length)] ^= (byte) (1 << random.nextInt(8));
        }
      }
    }
    return text;
  }

  private int longLength() {
    return random.nextInt(8) == 0
        ? TEXT_BYTES_MAX - random.nextInt(40)
        : 1400 + random.nextInt(8000);
  }

  private byte[] withOptions(byte[] packet) {
    int words = 1 + random.nextInt(10);
    byte[] text = new byte[packet.length + 4 * words];
    System.arraycopy(packet, 0, text, 0, 20);
    Arrays.fill(text, 20, 20 + 4 * words, (byte) 1);
    System.arraycopy(packet, 20, text, 20 + 4 * words, packet.length - 20);
    text[0] = (byte) (0x45 + words);
    ByteBuffer.wrap(text).putShort(2, (short) text.length);
    return text;
  }

  /** With a chain of extension headers, whose lengths need not be true. */
  private byte[] extended(byte[] packet) {
    int count = 1 + random.nextInt(6);
    byte[] text = new byte[packet.length + 8 * count];
    System.arraycopy(packet, 0, text, 0, 40);
    System.arraycopy(packet, 40, text, 40 + 8 * count, packet.length - 40);
    int protocol = packet[6];
    text[6] = (byte) EXTENSIONS[random.nextInt(EXTENSIONS.length)];
    for (int i = 0; i < count; i++) {
      int last = i == count - 1 ? protocol : EXTENSIONS[random.nextInt(EXTENSIONS.length)];
      text[40 + 8 * i] = (byte) last;
      text[41 + 8 * i] = (byte) (random.nextInt(4) == 0 ? random.nextInt() : 0);
    }
    ByteBuffer.wrap(text).putShort(4, (short) (text.length - 40));
    return text;
  }
}
