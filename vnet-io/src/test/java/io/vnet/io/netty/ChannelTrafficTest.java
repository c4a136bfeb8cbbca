package io.vnet.io.netty;

import static io.vnet.io.netty.ChannelLab.sync;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.vnet.api.packet.Layer;
import io.vnet.api.port.DropReason;
import io.vnet.io.netty.ChannelLab.Loops;
import io.vnet.io.testkit.MemoryPort;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Random traffic in both directions through a channel, with whatever a user may change meanwhile:
 * each packet comes once, whole and in order, or is accounted for. {@code -Dvnet.netty.seed=N}
 * replays what is drawn, if not the interleaving; {@code -Dvnet.netty.rounds=N} has more of it.
 */
@SuppressWarnings("FutureReturnValueIgnored") // What a call does is seen at the channel.
class ChannelTrafficTest {
  private static final int ROUNDS = Integer.getInteger("vnet.netty.rounds", 5);
  private static final int PACKETS = 1_000;
  private static final long SEED = Long.getLong("vnet.netty.seed", System.nanoTime());

  /** A number and as many bytes as it says, from a pattern. */
  private static byte[] packet(int number, int length) {
    byte[] packet = new byte[Integer.BYTES + length];
    Arrays.fill(packet, (byte) (number * 31));
    ByteBuffer.wrap(packet).putInt(0, number);
    return packet;
  }

  private static int length(int number) {
    return Math.floorMod(number * 0x9E3779B9, 1400);
  }

  private static byte[] packet(int number) {
    return packet(number, length(number));
  }

  private static ByteBuf buffer(ChannelLab lab, Random random, byte[] packet) {
    return switch (random.nextInt(3)) {
      case 0 -> lab.buffers.heapBuffer().writeBytes(packet);
      case 1 -> lab.buffers.directBuffer().writeBytes(packet);
      default ->
          lab.buffers
              .compositeBuffer()
              .addComponent(true, lab.buffers.heapBuffer().writeBytes(packet, 0, 2))
              .addComponent(
                  true, lab.buffers.directBuffer().writeBytes(packet, 2, packet.length - 2));
    };
  }

  @ParameterizedTest
  @EnumSource(Loops.class)
  void every_packet_arrives_once_and_in_order_or_is_accounted_for(Loops loops) {
    for (int round = 0; round < ROUNDS; round++) {
      long seed = SEED + round;
      try {
        round(loops, new Random(seed));
      } catch (Throwable failure) {
        throw new AssertionError("-Dvnet.netty.seed=" + seed, failure);
      }
    }
  }

  private static void round(Loops loops, Random random) throws Exception {
    int queue = 1 + random.nextInt(100);
    boolean endEarly = random.nextInt(3) == 0;
    try (ChannelLab lab = new ChannelLab(loops, MemoryPort.pair("tun0", Layer.L3, queue))) {
      lab.channel.config().setOption(ChannelOption.MAX_MESSAGES_PER_WRITE, 1 + random.nextInt(100));
      lab.register();
      long networkSeed = random.nextLong();
      CompletableFuture<List<byte[]>> network =
          CompletableFuture.supplyAsync(() -> network(lab, new Random(networkSeed)));
      List<ChannelFuture> writes = new ArrayList<>();
      for (int i = 0; i < PACKETS && !(endEarly && i == PACKETS / 2); i++) {
        writes.add(lab.channel.write(buffer(lab, random, packet(i))));
        if (random.nextInt(20) == 0) {
          lab.channel.flush();
        }
        if (random.nextInt(100) == 0) {
          lab.channel.config().setAutoRead(random.nextBoolean());
        }
        if (random.nextInt(200) == 0) {
          sync(lab.channel.deregister());
          lab.register();
        }
      }
      lab.channel.flush();
      lab.channel.config().setAutoRead(true);
      if (endEarly) {
        if (random.nextBoolean()) {
          sync(lab.channel.close());
        } else {
          lab.port.close();
          sync(lab.channel.closeFuture());
        }
      } else {
        await().until(() -> lab.recorder.packets.size() == PACKETS);
        writes.forEach(ChannelLab::sync);
        sync(lab.channel.close());
      }
      List<byte[]> arrived = network.get(ChannelLab.GUARD_SECONDS, TimeUnit.SECONDS);

      writes.forEach(ChannelLab::await);
      lab.settle();
      lab.assertNothingLeft();
      assertThat(lab.recorder.exceptions).isEmpty();
      long taken = writes.stream().filter(ChannelFuture::isSuccess).count();
      assertThat(lab.port.counters().sentPackets()).isGreaterThanOrEqualTo(taken);
      // What the network end did not get it dropped and counted, or was closed before.
      assertThat(arrived.size() + lab.network.counters().dropped(DropReason.FLUSHED_AT_CLOSE))
          .isEqualTo(lab.port.counters().sentPackets());
      assertInOrder(arrived);
      assertInOrder(lab.recorder.packets);
      if (!endEarly) {
        assertThat(arrived).hasSize(PACKETS);
      }
    }
  }

  private static void assertInOrder(List<byte[]> packets) {
    for (int i = 0; i < packets.size(); i++) {
      assertThat(packets.get(i)).isEqualTo(packet(i));
    }
  }

  /** The other side: sends and receives at its own pace until all is done or the channel ends. */
  private static List<byte[]> network(ChannelLab lab, Random random) {
    List<byte[]> arrived = new ArrayList<>();
    int sent = 0;
    while (arrived.size() < PACKETS || sent < PACKETS) {
      boolean open = lab.port.isOpen();
      boolean moved = false;
      for (int i = random.nextInt(8); i > 0 && sent < PACKETS; i--) {
        if (!lab.network.offer(packet(sent))) {
          break;
        }
        sent++;
        moved = true;
      }
      for (int i = random.nextInt(8); i > 0; i--) {
        Optional<byte[]> next = lab.network.poll();
        if (next.isEmpty()) {
          break;
        }
        arrived.add(next.get());
        moved = true;
      }
      if (!open && lab.network.waiting() == 0) {
        break;
      }
      if (!moved) {
        Thread.onSpinWait();
      }
    }
    return arrived;
  }
}
