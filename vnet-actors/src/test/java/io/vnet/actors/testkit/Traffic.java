package io.vnet.actors.testkit;

import io.vnet.actors.VnetHost;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.PacketPort;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** Packets that carry a number, and calls on ports that need no batch. */
public final class Traffic {
  /** The shortest packet that carries a number. */
  public static final int SHORTEST = 16;

  private static final int NUMBER_OFFSET = 8;

  private static final ValueLayout.OfLong NUMBER = ValueLayout.JAVA_LONG_UNALIGNED;

  private Traffic() {}

  /** A packet of so many bytes, at least {@link #SHORTEST}, that carries a number. */
  public static Packet numbered(long number, int bytes) {
    byte[] content = new byte[bytes];
    // Taken for IPv4 by a tun, for a frame to a group by a tap.
    content[0] = 0x45;
    for (int i = 0; i < Long.BYTES; i++) {
      content[NUMBER_OFFSET + i] = (byte) (number >>> (8 * i));
    }
    for (int i = SHORTEST; i < bytes; i++) {
      content[i] = (byte) (number + i);
    }
    return Packet.of(content);
  }

  /** The number in a packet. */
  public static long number(Packet packet) {
    return packet.segment().get(NUMBER, NUMBER_OFFSET);
  }

  /** The number in packet {@code i} of a batch. */
  public static long number(PacketBatch batch, int i) {
    return batch.segment().get(NUMBER, batch.offset(i) + (long) NUMBER_OFFSET);
  }

  /** Sends so many packets, numbered from {@code first}; returns how many the port took. */
  public static int send(VnetHost host, PacketPort port, long first, int packets) {
    PacketBatch batch = host.batches().acquire();
    try {
      int taken = 0;
      while (taken < packets) {
        batch.clear();
        int chunk = Math.min(batch.capacity(), packets - taken);
        for (int i = 0; i < chunk; i++) {
          batch.append(numbered(first + taken + i, SHORTEST));
        }
        int now = port.send(batch, 0);
        taken += now;
        if (now < chunk) {
          break;
        }
      }
      return taken;
    } finally {
      batch.release();
    }
  }

  /** The numbers of all packets that wait at a port now. */
  public static List<Long> receive(VnetHost host, PacketPort port) {
    PacketBatch batch = host.batches().acquire();
    try {
      List<Long> numbers = new ArrayList<>();
      while (port.receive(batch) > 0) {
        for (int i = 0; i < batch.count(); i++) {
          numbers.add(number(batch, i));
        }
        batch.clear();
      }
      return numbers;
    } finally {
      batch.release();
    }
  }
}
