package io.vnet.api.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Random bytes and damaged packets with random words: an answer and no exception, no byte written
 * outside the packets, and as many packets out as in. A failure names the seed of its one round.
 */
class OffloadFuzzTest {
  private static final long SEED = Long.getLong("vnet.fuzz.seed", 20_260_500_000L);
  private static final int ROUNDS = 6_000;

  private final Batches batches = new Batches(8 * 1024, 16);

  @AfterEach
  void every_batch_goes_home() {
    batches.close();
  }

  private interface Round {
    void run(Random random);
  }

  private void rounds(Round round) {
    for (long seed = SEED; seed < SEED + ROUNDS; seed++) {
      try {
        round.run(new Random(seed));
        batches.returnAll();
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("replay with -Dvnet.fuzz.seed=" + seed, e);
      }
    }
  }

  private static Craft craft(Random random, Layer layer) {
    Craft craft = Craft.packet(Vectors.NAMES.get(random.nextInt(4)));
    if (layer == Layer.L2) {
      craft.frame = TestWords.frame(craft.v4, random.nextBoolean());
    }
    craft.options = new byte[4 * random.nextInt(11)];
    craft.payload = new byte[random.nextInt(200)];
    return craft;
  }

  /** A packet with some of its bytes changed, mostly in its headers, or cut. */
  private static byte[] damaged(Random random, byte[] good) {
    byte[] bytes = good.clone();
    for (int flips = random.nextInt(4); flips > 0; flips--) {
      bytes[random.nextInt(Math.min(bytes.length, 80))] = (byte) random.nextInt();
    }
    for (int bits = random.nextInt(3); bits > 0; bits--) {
      bytes[random.nextInt(Math.min(bytes.length, 80))] ^= (byte) (1 << random.nextInt(8));
    }
    return switch (random.nextInt(4)) {
      case 0 -> Arrays.copyOf(bytes, 1 + random.nextInt(bytes.length));
      case 1 -> Arrays.copyOf(bytes, bytes.length + random.nextInt(40));
      default -> bytes;
    };
  }

  private static byte[] noise(Random random) {
    byte[] bytes = new byte[1 + random.nextInt(160)];
    random.nextBytes(bytes);
    bytes[0] = (byte) (random.nextBoolean() ? 0x45 : 0x60);
    return bytes;
  }

  private static long damaged(Random random, long word) {
    if (random.nextInt(3) > 0) {
      return word;
    }
    return random.nextInt(4) == 0
        ? random.nextLong() & 0xFFFF_FFFF_FFFF_FF03L
        : word ^ 1L << random.nextInt(64);
  }

  @Test
  void splitting_answers_whatever_the_bytes_are() {
    Map<OffloadStatus, Integer> seen = new EnumMap<>(OffloadStatus.class);
    rounds(random -> {
      Layer layer = random.nextBoolean() ? Layer.L2 : Layer.L3;
      Craft craft = craft(random, layer);
      boolean noise = random.nextInt(5) == 0;
      byte[] packet = noise ? noise(random) : damaged(random, craft.buildPartial());
      long word = damaged(random, TestWords.of(craft, 1 + random.nextInt(100)));
      PacketBatch source = batches.of(packet, word);
      Segmenter segmenter = new Segmenter(layer);

      OffloadStatus status = segmenter.begin(source, 0);

      seen.merge(status, 1, Integer::sum);
      int made = copies(segmenter);
      assertThat(made).isEqualTo(segmenter.segments());
      assertThat(made > 0).isEqualTo(status == OffloadStatus.OK);
      assertThat(source.packet(0).toByteArray()).isEqualTo(packet);
      Batches.assertNothingElseWritten(source);
      segmenter.begin(source, 0);
      while (segmenter.nextInPlace()) {
        made--;
        assertThat(segmenter.offset()).isGreaterThanOrEqualTo(source.offset(0));
        assertThat(segmenter.offset() + segmenter.length())
            .isLessThanOrEqualTo(source.offset(0) + packet.length);
      }
      assertThat(made).isZero();
      Batches.assertNothingElseWritten(source);
    });
    assertThat(seen.getOrDefault(OffloadStatus.OK, 0)).as("split, of " + seen).isGreaterThan(1_000);
    assertThat(seen).as("all but what is too long").hasSize(OffloadStatus.values().length - 1);
  }

  /** Splits into targets of 16 packets, and checks each. */
  private int copies(Segmenter segmenter) {
    int made = 0;
    while (!segmenter.isDone()) {
      PacketBatch target = batches.empty();
      int count = segmenter.split(target);
      assertThat(count).isEqualTo(target.count()).isPositive();
      Batches.assertNothingElseWritten(target);
      made += count;
    }
    return made;
  }

  @Test
  void completing_answers_whatever_the_word_is() {
    rounds(random -> {
      byte[] packet = noise(random);
      long word = random.nextLong() & 0x007F_007F_0000_0003L;
      PacketBatch batch = batches.of(packet, word);

      OffloadStatus status = ChecksumCompletion.complete(batch, 0);

      assertThat(batch.offload(0)).isEqualTo(status == OffloadStatus.OK ? 0 : word);
      if (status != OffloadStatus.OK) {
        assertThat(batch.packet(0).toByteArray()).isEqualTo(packet);
      }
      Batches.assertNothingElseWritten(batch);
    });
  }

  @Test
  void coalescing_passes_on_whatever_the_bytes_are() {
    int[] joined = new int[1];
    rounds(random -> {
      Layer layer = random.nextBoolean() ? Layer.L2 : Layer.L3;
      Craft craft = craft(random, layer);
      List<byte[]> packets = new ArrayList<>();
      long bytes = 0;
      for (int i = 0; i < 16; i++) {
        craft = craft.following(craft.payload);
        byte[] good = craft.build();
        byte[] packet =
            switch (random.nextInt(6)) {
              case 0 -> damaged(random, good);
              case 1 -> noise(random);
              default -> good;
            };
        bytes += packet.length;
        packets.add(packet);
      }
      PacketBatch source = batches.of(packets);
      Coalescer coalescer = new Coalescer(JoinRules.of(layer).withUdp(true));
      PacketBatch target = batches.empty();

      int items = coalescer.begin(source);
      assertThat(coalescer.write(target)).isEqualTo(items);

      assertThat(Batches.packets(source)).containsExactlyElementsOf(packets);
      Batches.assertNothingElseWritten(source);
      Batches.assertNothingElseWritten(target);
      Segmenter segmenter = new Segmenter(layer);
      int split = 0;
      long splitBytes = 0;
      for (int i = 0; i < items; i++) {
        assertThat(segmenter.begin(target, i)).isEqualTo(OffloadStatus.OK);
        split += segmenter.segments();
        joined[0] += segmenter.segments() > 1 ? 1 : 0;
        while (segmenter.nextInPlace()) {
          splitBytes += segmenter.length();
        }
      }
      assertThat(split).isEqualTo(packets.size());
      assertThat(splitBytes).isEqualTo(bytes);
    });
    assertThat(joined[0]).as("super-packets").isGreaterThan(ROUNDS);
  }
}
