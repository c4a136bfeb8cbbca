package io.vnet.api.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.OffloadFeature;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Batches of finished and unfinished packets, made into what ports of all kinds take. */
class FinisherTest {
  private static final long SEED = Long.getLong("vnet.fuzz.seed", 20_260_600_000L);
  private static final int ROUNDS = 600;
  private static final int PAYLOAD_BYTES = 1000;

  private final Batches batches = new Batches(256 * 1024, 64);
  private final Map<DropReason, Long> drops = new EnumMap<>(DropReason.class);

  @AfterEach
  void every_batch_goes_home() {
    batches.close();
  }

  private void drop(DropReason reason, long packets) {
    drops.merge(reason, packets, Long::sum);
  }

  private long dropped() {
    return drops.values().stream().mapToLong(Long::longValue).sum();
  }

  private Finisher finisher(OffloadFeature... offloads) {
    return new Finisher(Layer.L3, Set.of(offloads), this::drop);
  }

  private static Craft craft(String kind, int payloadBytes) {
    Craft craft = Craft.packet(kind);
    craft.payload = new byte[payloadBytes];
    new Random(payloadBytes).nextBytes(craft.payload);
    return craft;
  }

  private static void add(PacketBatch batch, byte[] packet, long word) {
    assertThat(batch.append(Packet.of(packet))).isTrue();
    batch.setOffload(batch.count() - 1, word);
  }

  /** All that a port gets, packet and word. */
  private static List<String> shown(PacketBatch batch) {
    List<String> shown = new ArrayList<>();
    for (int i = 0; i < batch.count(); i++) {
      shown.add(shown(batch.packet(i), batch.offload(i)));
    }
    return shown;
  }

  private static String shown(Packet packet, long word) {
    return Offload.toString(word) + " " + java.util.HexFormat.of().formatHex(packet.toByteArray());
  }

  private List<String> finished(Finisher finisher, PacketBatch batch, Batches targets) {
    if (finisher.begin(batch)) {
      assertThat(finisher.isDone()).isTrue();
      return shown(batch);
    }
    List<String> sent = new ArrayList<>();
    while (!finisher.isDone()) {
      PacketBatch target = targets.empty();
      int written = finisher.write(target);
      assertThat(written).isEqualTo(target.count());
      Batches.assertNothingElseWritten(target);
      if (written == 0) {
        drop(DropReason.TOO_LONG, finisher.skip());
      }
      sent.addAll(shown(target));
    }
    assertThat(finisher.write(targets.empty())).isZero();
    return sent;
  }

  @Test
  void what_is_finished_is_left_as_it_is() {
    PacketBatch batch = batches.of(List.of(craft("tcp4", 7).build(), craft("udp6", 9).build()));
    List<String> before = shown(batch);
    Finisher finisher = finisher();

    assertThat(finisher.begin(batch)).isTrue();

    assertThat(shown(batch)).isEqualTo(before);
    assertThat(finisher.isDone()).isTrue();
    assertThat(finisher.giveUp()).isZero();
    Batches.assertNothingElseWritten(batch);
  }

  @Test
  void a_port_with_all_features_gets_all_as_it_is() {
    Craft whole = craft("udp6", 3 * PAYLOAD_BYTES);
    PacketBatch batch = batches.of(whole.buildPartial(), TestWords.of(whole, PAYLOAD_BYTES));
    List<String> before = shown(batch);

    assertThat(finisher(OffloadFeature.values()).begin(batch)).isTrue();

    assertThat(shown(batch)).isEqualTo(before);
  }

  @Test
  void checksums_alone_are_computed_in_place() {
    Craft craft = craft("udp4", 99);
    PacketBatch batch = batches.of(List.of(craft("tcp4", 5).build()));
    add(batch, craft.buildPartial(), TestWords.checksum(craft));

    assertThat(finisher().begin(batch)).isTrue();

    assertThat(Batches.packets(batch)).containsExactly(craft("tcp4", 5).build(), craft.build());
    assertThat(batch.offload(1)).isZero();
    Batches.assertNothingElseWritten(batch);
  }

  @Test
  void a_checksum_that_somebody_verified_asks_for_nothing() {
    PacketBatch batch =
        batches.of(craft("tcp4", 5).build(), Offload.of(Offload.DATA_VALID, Offload.NONE, 0, 0, 0));

    assertThat(finisher().begin(batch)).isTrue();

    assertThat(shown(batch)).containsExactly(shown(Packet.of(craft("tcp4", 5).build()), 0));
  }

  @Test
  void super_packets_are_split_between_their_neighbours() {
    Craft whole = craft("tcp4", 5 * PAYLOAD_BYTES - 1);
    Craft partial = craft("udp6", 11);
    PacketBatch batch = batches.of(List.of(craft("tcp6", 1).build()));
    add(batch, whole.buildPartial(), TestWords.of(whole, PAYLOAD_BYTES));
    add(batch, partial.buildPartial(), TestWords.checksum(partial));
    Batches small = new Batches(8 * 1024, 3);

    List<String> sent = finished(finisher(), batch, small);

    List<byte[]> expected = new ArrayList<>(List.of(craft("tcp6", 1).build()));
    expected.addAll(whole.segments(PAYLOAD_BYTES));
    expected.add(partial.build());
    assertThat(sent).isEqualTo(expected.stream().map(each -> shown(Packet.of(each), 0)).toList());
    assertThat(drops).isEmpty();
    small.close();
  }

  @ParameterizedTest
  @EnumSource(
      value = OffloadFeature.class,
      names = {"TSO4", "TSO6", "USO4", "USO6"})
  void what_a_port_splits_itself_is_left_to_it(OffloadFeature feature) {
    String left = feature.name().replace("TSO", "tcp").replace("USO", "udp");
    Finisher finisher = finisher(OffloadFeature.CHECKSUM, feature);
    for (String kind : Vectors.NAMES) {
      Craft whole = craft(kind, 2 * PAYLOAD_BYTES);
      long word = TestWords.of(whole, PAYLOAD_BYTES);
      PacketBatch batch = batches.of(whole.buildPartial(), word);

      List<String> sent = finished(finisher, batch, batches);

      assertThat(sent)
          .as(kind)
          .isEqualTo(
              kind.equals(left)
                  ? List.of(shown(Packet.of(whole.buildPartial()), word))
                  : whole.segments(PAYLOAD_BYTES).stream()
                      .map(each -> shown(Packet.of(each), 0))
                      .toList());
    }
  }

  @Test
  void segmentation_without_checksums_is_none() {
    Craft whole = craft("tcp4", 2 * PAYLOAD_BYTES);
    PacketBatch batch = batches.of(whole.buildPartial(), TestWords.of(whole, PAYLOAD_BYTES));

    assertThat(finished(finisher(OffloadFeature.TSO4), batch, batches)).hasSize(2);
  }

  @Test
  void checksums_are_left_to_a_port_that_computes_them() {
    Craft partial = craft("udp6", 11);
    PacketBatch batch = batches.of(partial.buildPartial(), TestWords.checksum(partial));
    List<String> before = shown(batch);

    assertThat(finisher(OffloadFeature.CHECKSUM).begin(batch)).isTrue();

    assertThat(shown(batch)).isEqualTo(before);
  }

  @Test
  void what_does_not_fit_its_word_is_removed_and_counted() {
    Craft whole = craft("tcp4", 100);
    PacketBatch batch = batches.of(whole.buildPartial(), TestWords.of(whole, 0));
    add(batch, whole.build(), 0);
    add(batch, whole.buildPartial(), Offload.of(0, 3, 10, 0, 0));
    add(batch, whole.buildPartial(), Offload.of(Offload.NEEDS_CSUM, 0, 0, 9000, 16));

    assertThat(finisher().begin(batch)).isTrue();

    assertThat(Batches.packets(batch)).containsExactly(whole.build());
    assertThat(drops).isEqualTo(Map.of(DropReason.MALFORMED, 2L, DropReason.NOT_OFFLOADED, 1L));
  }

  @Test
  void segments_longer_than_a_slab_are_skipped_and_the_rest_goes_on() {
    Craft whole = craft("tcp6", 4 * PAYLOAD_BYTES);
    PacketBatch batch = batches.of(whole.buildPartial(), TestWords.of(whole, 2 * PAYLOAD_BYTES));
    add(batch, craft("tcp4", 3).build(), 0);
    Batches tiny = new Batches(1024, 4);

    assertThat(finished(finisher(), batch, tiny))
        .containsExactly(shown(Packet.of(craft("tcp4", 3).build()), 0));

    assertThat(drops).isEqualTo(Map.of(DropReason.TOO_LONG, 2L));
    tiny.close();
  }

  @Test
  void what_is_given_up_is_counted_in_finished_packets_at_any_point() {
    Batches two = new Batches(8 * 1024, 2);
    for (int writes = 0; writes < 4; writes++) {
      Craft whole = craft("tcp4", 3 * PAYLOAD_BYTES);
      PacketBatch batch = batches.of(List.of(craft("udp4", 1).build()));
      add(batch, whole.buildPartial(), TestWords.of(whole, PAYLOAD_BYTES));
      add(batch, craft("udp4", 1).build(), 0);
      add(batch, whole.buildPartial(), TestWords.of(whole, PAYLOAD_BYTES));
      Finisher finisher = finisher();
      assertThat(finisher.begin(batch)).isFalse();
      int written = 0;
      for (int i = 0; i < writes; i++) {
        written += finisher.write(two.empty());
      }

      assertThat(written).isEqualTo(2 * writes);
      assertThat(finisher.giveUp()).isEqualTo(8 - written);
      assertThat(finisher.isDone()).isTrue();
      assertThat(finisher.skip()).isZero();
    }
    two.close();
  }

  @Test
  void a_new_batch_ends_what_was_left_of_the_one_before() {
    Craft whole = craft("tcp4", 3 * PAYLOAD_BYTES);
    PacketBatch first = batches.of(whole.buildPartial(), TestWords.of(whole, PAYLOAD_BYTES));
    PacketBatch second = batches.of(whole.buildPartial(), TestWords.of(whole, PAYLOAD_BYTES));
    Batches one = new Batches(8 * 1024, 1);
    Finisher finisher = finisher();
    finisher.begin(first);
    finisher.write(one.empty());

    finisher.begin(second);

    PacketBatch target = one.empty();
    finisher.write(target);
    assertThat(target.packet(0).toByteArray()).isEqualTo(whole.segments(PAYLOAD_BYTES).getFirst());
    one.close();
  }

  /**
   * Random packets with random damage to random ports: books that balance, packets that are right.
   */
  @Test
  void random_batches_are_finished_and_each_packet_is_sent_or_counted() {
    for (long seed = SEED; seed < SEED + ROUNDS; seed++) {
      round(seed);
      batches.returnAll();
    }
    assertThat(dropped()).isGreaterThan(ROUNDS);
  }

  private void round(long seed) {
    String replay = "replay with -Dvnet.fuzz.seed=" + seed;
    Random random = new Random(seed);
    Layer layer = random.nextBoolean() ? Layer.L2 : Layer.L3;
    Set<OffloadFeature> offloads = EnumSet.noneOf(OffloadFeature.class);
    if (random.nextBoolean()) {
      offloads.add(OffloadFeature.CHECKSUM);
      for (OffloadFeature feature : OffloadFeature.values()) {
        if (random.nextInt(4) == 0) {
          offloads.add(feature);
        }
      }
    }
    PacketBatch batch = batches.empty();
    List<String> expected = new ArrayList<>();
    long refused = 0;
    for (int i = 1 + random.nextInt(12); i > 0; i--) {
      Craft craft = Craft.packet(Vectors.NAMES.get(random.nextInt(4)));
      if (layer == Layer.L2) {
        craft.frame = TestWords.frame(craft.v4, random.nextBoolean());
      }
      craft.payload = new byte[random.nextInt(6000)];
      random.nextBytes(craft.payload);
      int size = 100 + random.nextInt(1400);
      switch (random.nextInt(4)) {
        case 0 -> {
          add(batch, craft.build(), 0);
          expected.add(shown(Packet.of(craft.build()), 0));
        }
        case 1 -> {
          long word = TestWords.checksum(craft);
          boolean left = offloads.contains(OffloadFeature.CHECKSUM);
          add(batch, craft.buildPartial(), word);
          expected.add(
              shown(Packet.of(left ? craft.buildPartial() : craft.build()), left ? word : 0));
        }
        case 2 -> {
          long word = TestWords.of(craft, size);
          add(batch, craft.buildPartial(), word);
          OffloadFeature feature =
              OffloadFeature.valueOf((craft.udp ? "USO" : "TSO") + (craft.v4 ? 4 : 6));
          if (offloads.contains(feature)) {
            expected.add(shown(Packet.of(craft.buildPartial()), word));
          } else {
            craft.segments(size).forEach(each -> expected.add(shown(Packet.of(each), 0)));
          }
        }
        default -> {
          // A type that nobody splits here.
          add(batch, craft.build(), Offload.of(0, 3, size, 0, 0));
          refused++;
        }
      }
    }
    long before = dropped();
    Batches targets = new Batches(64 * 1024, 1 + random.nextInt(40));
    List<String> sent = finished(new Finisher(layer, offloads, this::drop), batch, targets);
    boolean all = offloads.size() == OffloadFeature.values().length;

    assertThat(sent).as(replay).filteredOn(each -> !each.contains("type 3")).isEqualTo(expected);
    assertThat(sent.size() + dropped() - before).as(replay).isEqualTo(expected.size() + refused);
    assertThat(dropped() - before).as(replay).isEqualTo(all ? 0 : refused);
    targets.close();
  }

  @Test
  void single_packets_are_handed_out_finished_one_by_one() {
    Craft whole = craft("udp6", 3 * PAYLOAD_BYTES);
    Craft partial = craft("tcp4", 10);
    PacketBatch batch = batches.of(List.of(craft("tcp6", 1).build()));
    add(batch, whole.buildPartial(), TestWords.of(whole, PAYLOAD_BYTES));
    add(batch, whole.buildPartial(), TestWords.of(whole, 0));
    add(batch, partial.buildPartial(), TestWords.checksum(partial));
    FinishedPackets packets = new FinishedPackets(Layer.L3, this::drop);
    List<byte[]> expected = new ArrayList<>(List.of(craft("tcp6", 1).build()));
    expected.addAll(whole.segments(PAYLOAD_BYTES));
    expected.add(partial.build());

    assertThat(packets.next()).isNull();
    packets.begin(batch);
    List<byte[]> seen = new ArrayList<>();
    for (@Nullable Packet next = packets.next(); next != null; next = packets.next()) {
      seen.add(next.toByteArray());
    }

    assertThat(seen).containsExactlyElementsOf(expected);
    assertThat(drops).isEqualTo(Map.of(DropReason.MALFORMED, 1L));
    assertThat(packets.giveUp()).isZero();
  }

  @Test
  void single_packets_that_are_given_up_are_counted_finished() {
    for (int taken = 0; taken <= 6; taken++) {
      Craft whole = craft("tcp6", 2 * PAYLOAD_BYTES);
      PacketBatch batch = batches.of(List.of(craft("tcp6", 1).build()));
      add(batch, whole.buildPartial(), TestWords.of(whole, PAYLOAD_BYTES));
      add(batch, craft("tcp6", 1).build(), 0);
      add(batch, whole.buildPartial(), TestWords.of(whole, PAYLOAD_BYTES));
      FinishedPackets packets = new FinishedPackets(Layer.L3, this::drop);
      packets.begin(batch);
      for (int i = 0; i < taken; i++) {
        assertThat(packets.next()).isNotNull();
      }

      assertThat(packets.giveUp()).isEqualTo(6 - taken);
      assertThat(packets.next()).isNull();
    }
  }
}
