package io.vnet.api.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Random traffic of several flows, coalesced and split again: each flow's packets are the same, in
 * the same order. The flows go on from batch to batch, as they do on a wire.
 */
class OffloadRoundTripTest {
  private static final long SEED = Long.getLong("vnet.fuzz.seed", 20_260_400_000L);
  private static final int ROUNDS = 1_000;
  private static final int PACKETS = 64;

  private final Batches batches = new Batches(256 * 1024, PACKETS);

  @AfterEach
  void every_batch_goes_home() {
    batches.close();
  }

  /** One sender, which makes packets that mostly follow one another. */
  private static final class Sender {
    private final Random random;
    private final int size;
    private Craft craft;

    Sender(Random random, boolean l2, int port) {
      this.random = random;
      size = 1 + random.nextInt(random.nextBoolean() ? 20 : 1400);
      craft = Craft.packet(Vectors.NAMES.get(random.nextInt(4)));
      craft.sourcePort = port;
      if (l2) {
        craft.frame = TestWords.frame(craft.v4, random.nextBoolean());
      }
      craft.sequence = random.nextBoolean() ? 0xFFFF_F000L : random.nextInt() & 0xFFFF_FFFFL;
      craft.id = random.nextBoolean() ? 65_500 : random.nextInt(65536);
      craft.fragment = random.nextBoolean() ? 0x4000 : 0;
      craft.options = new byte[4 * random.nextInt(4)];
      random.nextBytes(craft.options);
    }

    byte[] next() {
      byte[] payload = new byte[random.nextInt(12) == 0 ? random.nextInt(size + 1) : size];
      random.nextBytes(payload);
      craft = craft.following(payload);
      craft.flags = Craft.ACK | (random.nextInt(10) == 0 ? Craft.PSH : 0);
      Craft sent = craft.copy();
      switch (random.nextInt(60)) {
        case 0 -> sent.flags = random.nextInt(256);
        case 1 -> craft.acknowledgment++;
        case 2 -> craft.window ^= 1;
        case 3 -> craft.tos ^= 2;
        case 4 -> sent.ttl--;
        case 5 -> craft.sequence += 1_000;
        case 6 -> sent.sequence -= 1;
        case 7 -> craft.flowLabel++;
        case 8 -> sent.ipOptions = new byte[4];
        case 9 -> {
          craft.options = craft.options.clone();
          random.nextBytes(craft.options);
        }
        default -> sent.urgent = 0;
      }
      byte[] packet = sent.build();
      if (random.nextInt(40) == 0) {
        // In the payload or the checksum; not in the ports, which tell the flows apart below.
        packet[payload.length > 0 ? packet.length - 1 : sent.checksumField()] ^= 1;
      }
      return packet;
    }
  }

  @Test
  void each_flow_comes_out_as_it_went_in() {
    long joined = 0;
    long made = 0;
    for (long seed = SEED; seed < SEED + ROUNDS; seed++) {
      int[] counts = round(seed);
      joined += counts[0];
      made += counts[1];
      batches.returnAll();
    }
    assertThat(made).as("super-packets").isGreaterThan(ROUNDS);
    assertThat(joined).as("packets in them").isGreaterThan(3 * made);
  }

  private int[] round(long seed) {
    Random random = new Random(seed);
    Layer layer = random.nextBoolean() ? Layer.L2 : Layer.L3;
    JoinRules rules =
        new JoinRules(
            layer,
            random.nextInt(4) > 0,
            random.nextBoolean() ? 65_535 : 2_000 + random.nextInt(4_000),
            random.nextBoolean() ? 64 : 1 + random.nextInt(8));
    Coalescer coalescer = new Coalescer(rules);
    Segmenter segmenter = new Segmenter(layer);
    List<Sender> senders = new ArrayList<>();
    for (int i = 0; i <= random.nextInt(5); i++) {
      senders.add(new Sender(random, layer == Layer.L2, 1000 + i));
    }
    List<byte[]> sent = new ArrayList<>();
    List<byte[]> received = new ArrayList<>();
    int[] counts = new int[2];
    for (int round = 0; round < 3; round++) {
      List<byte[]> packets = new ArrayList<>();
      Sender sender = senders.get(0);
      for (int i = random.nextInt(PACKETS); i >= 0; i--) {
        if (random.nextInt(3) == 0) {
          sender = senders.get(random.nextInt(senders.size()));
        }
        packets.add(sender.next());
      }
      sent.addAll(packets);
      PacketBatch source = batches.of(packets);
      coalescer.begin(source);
      while (!coalescer.isDone()) {
        PacketBatch target = batches.empty();
        assertThat(coalescer.write(target)).isPositive();
        for (int i = 0; i < target.count(); i++) {
          int segments = split(segmenter, target, i, received);
          counts[0] += segments > 1 ? segments : 0;
          counts[1] += segments > 1 ? 1 : 0;
        }
      }
    }
    String replay = "replay with -Dvnet.fuzz.seed=" + seed;
    assertThat(received).as(replay).hasSameSizeAs(sent);
    assertThat(flows(received)).as(replay).isEqualTo(flows(sent));
    return counts;
  }

  private int split(Segmenter segmenter, PacketBatch from, int i, List<byte[]> received) {
    assertThat(segmenter.begin(from, i)).isEqualTo(OffloadStatus.OK);
    while (!segmenter.isDone()) {
      PacketBatch target = batches.empty();
      assertThat(segmenter.split(target)).isPositive();
      received.addAll(Batches.packets(target));
    }
    return segmenter.segments();
  }

  /** Packets by sender; the id of one that must not be fragmented is not compared. */
  private static Map<String, List<String>> flows(List<byte[]> packets) {
    Map<String, List<String>> flows = new TreeMap<>();
    for (byte[] packet : packets) {
      int ip = packet[0] >> 4 != 0 ? 0 : packet[12] == (byte) 0x81 ? 18 : 14;
      boolean v4 = packet[ip] >> 4 == 4;
      int transport = ip + (v4 ? (packet[ip] & 15) * 4 : 40);
      byte[] compared = packet.clone();
      if (v4 && (packet[ip + 6] & 0x40) != 0) {
        Arrays.fill(compared, ip + 4, ip + 6, (byte) 0);
        Arrays.fill(compared, ip + 10, ip + 12, (byte) 0);
      }
      flows
          .computeIfAbsent("port " + Craft.get16(packet, transport), _ -> new ArrayList<>())
          .add(HexFormat.of().formatHex(compared));
    }
    return flows;
  }
}
