package io.vnet.actors.stream;

import static org.assertj.core.api.Assertions.assertThat;

import akka.Done;
import akka.stream.javadsl.Keep;
import akka.stream.javadsl.Sink;
import akka.stream.javadsl.Source;
import akka.stream.testkit.TestSubscriber;
import akka.stream.testkit.javadsl.TestSink;
import io.vnet.actors.port.SinglePackets;
import io.vnet.actors.testkit.IpPackets;
import io.vnet.actors.testkit.ScriptedPort;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.offload.JoinRules;
import io.vnet.api.offload.Offload;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.OffloadFeature;
import io.vnet.api.port.PortCounters;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** Streams between ends of which only one, or neither, has offloads. */
@ParameterizedClass(name = "fuzzing {0}")
@ValueSource(booleans = {false, true})
class OffloadStreamsTest extends StreamTest {
  private static final long SEED = Long.getLong("vnet.fuzz.seed", 20_260_700_000L);
  private static final int ROUNDS = 200;
  private static final Set<OffloadFeature> ALL = EnumSet.allOf(OffloadFeature.class);
  private static final IpPackets TCP4 = new IpPackets(true, false);
  private static final IpPackets TCP6 = new IpPackets(false, false);
  private static final IpPackets UDP4 = new IpPackets(true, true);

  private final ScriptedPort plain = new ScriptedPort(Set.of());
  private final ScriptedPort offloading = new ScriptedPort(ALL);

  OffloadStreamsTest(boolean fuzzing) {
    super(fuzzing);
  }

  private static void awaitEnd(CompletionStage<?> stage) {
    end(stage.handle((_, _) -> Done.getInstance()));
  }

  private CompletionStage<Done> send(ScriptedPort port, PacketBatch... batches) {
    return Source.from(List.of(batches)).runWith(streams(port).batchSink(), kit.system());
  }

  /** Some 80 bytes, so that they are not finished by the word of a checksum beyond the end. */
  private PacketBatch malformed() {
    PacketBatch batch = IpPackets.batch(pool, TCP4.packets(0, 2, 40));
    batch.setOffload(0, Offload.of(Offload.NEEDS_CSUM, Offload.NONE, 0, 9000, 16));
    return batch;
  }

  @Test
  void a_sink_splits_what_its_port_does_not() {
    List<Packet> packets = new ArrayList<>(TCP4.packets(0, 20, 1000));
    packets.addAll(UDP4.packets(0, 5, 700));
    packets.addAll(TCP6.packets(0, 30, 100));
    PacketBatch joined = IpPackets.joined(pool, packets);
    assertThat(joined.count()).isEqualTo(3);

    assertThat(end(send(plain, joined))).isEqualTo(Done.getInstance());

    assertThat(plain.sentPackets()).isEqualTo(packets);
    assertThat(plain.sent()).allMatch(each -> each.word() == 0);
    assertThat(plain.counters().sentPackets()).isEqualTo(55);
    assertThat(plain.counters().drops()).isEmpty();
  }

  @Test
  void a_sink_leaves_to_its_port_what_that_does() {
    List<Packet> packets = new ArrayList<>(TCP4.packets(0, 20, 1000));
    packets.addAll(UDP4.packets(0, 5, 700));
    ScriptedPort tcpOnly =
        new ScriptedPort(
            EnumSet.of(OffloadFeature.CHECKSUM, OffloadFeature.TSO4, OffloadFeature.TSO6));
    PacketBatch joined = IpPackets.joined(pool, packets);
    Packet tcp = joined.packet(0);

    end(send(tcpOnly, joined));

    assertThat(tcpOnly.sent()).hasSize(6);
    assertThat(tcpOnly.sent().getFirst().packet()).isEqualTo(tcp);
    assertThat(tcpOnly.sent().getFirst().word()).isNotZero();
    assertThat(tcpOnly.sentPackets().subList(1, 6)).isEqualTo(packets.subList(20, 25));
  }

  @Test
  void a_super_packet_that_finds_no_room_keeps_its_place_and_upstream_waits() {
    List<Packet> packets = TCP4.packets(0, 10, 1000);
    List<Packet> more = TCP4.packets(10, 3, 1000);
    plain.setRoom(0);

    CompletionStage<Done> done =
        send(plain, IpPackets.joined(pool, packets), IpPackets.batch(pool, more));

    for (int i = 1; i <= 13; i++) {
      int expected = i;
      plain.setRoom(1);
      soon().until(() -> plain.sent().size() == expected);
      if (i < 13) {
        assertThat(done.toCompletableFuture()).isNotDone();
      }
    }
    plain.setRoom(1);
    end(done);
    List<Packet> all = new ArrayList<>(packets);
    all.addAll(more);
    assertThat(plain.sentPackets()).isEqualTo(all);
  }

  @Test
  void a_stream_that_ends_within_a_super_packet_counts_its_segments() {
    plain.setRoom(3);
    List<Packet> packets = new ArrayList<>(TCP4.packets(0, 100, 100));
    List<PacketBatch> batches =
        List.of(
            IpPackets.joined(pool, packets.subList(0, 50)),
            IpPackets.joined(pool, packets.subList(50, 60)));

    CompletionStage<Done> done =
        Source.from(batches.subList(0, 1))
            .concat(Source.maybe())
            .runWith(streams(plain).batchSink(), kit.system());
    soon().until(() -> plain.sent().size() == 3);
    plain.end(new VnetException("use", "scripted", Errno.ENXIO, "the device was destroyed", ""));
    awaitEnd(done);

    soon().until(() -> plain.counters().dropped(DropReason.STREAM_ENDED) == 47);
    batches.get(1).release();
  }

  @Test
  void what_its_word_does_not_fit_is_counted_by_sink_and_source() {
    end(send(plain, malformed()));
    assertThat(plain.sent()).hasSize(1);
    assertThat(plain.counters().drops()).isEqualTo(Map.of(DropReason.MALFORMED, 1L));

    offloading.give(malformed());
    List<Packet> seen =
        end(streams(offloading).packets().take(1).runWith(Sink.seq(), kit.system()));
    assertThat(seen).isEqualTo(TCP4.packets(1, 1, 40));
    soon().until(() -> offloading.counters().drops().equals(Map.of(DropReason.MALFORMED, 1L)));
  }

  @Test
  void packets_of_an_offloading_port_come_finished_one_by_one_as_they_are_asked_for() {
    List<Packet> packets = new ArrayList<>(TCP6.packets(0, 10, 1000));
    packets.addAll(UDP4.packets(0, 4, 500));
    TestSubscriber.Probe<Packet> probe =
        streams(offloading).packets().runWith(TestSink.create(kit.system()), kit.system());
    probe.ensureSubscription();
    probe.request(2);

    offloading.give(IpPackets.joined(pool, packets));

    assertThat(List.of(probe.expectNext(), probe.expectNext())).isEqualTo(packets.subList(0, 2));
    for (int i = 2; i < 12; i++) {
      assertThat(probe.requestNext()).isEqualTo(packets.get(i));
    }
    probe.cancel();
    soon().until(() -> !offloading.isOpen());
    assertThat(offloading.counters().receivedPackets()).isEqualTo(2);
    assertThat(offloading.counters().drops()).isEqualTo(Map.of(DropReason.STREAM_ENDED, 2L));
  }

  @Test
  void single_reads_of_an_offloading_port_give_finished_packets() {
    List<Packet> packets = TCP4.packets(0, 10, 1000);
    int[] wakes = new int[1];
    try (BatchPool singles = new BatchPool(slabs, 1, 0, 0)) {
      SinglePackets reader = new SinglePackets(offloading, singles, () -> wakes[0]++);
      assertThat(reader.receive()).isEmpty();
      offloading.give(malformed());
      offloading.give(IpPackets.joined(pool, packets));

      assertThat(reader.receive()).hasValue(TCP4.packets(1, 1, 40).getFirst());
      for (int i = 0; i < 7; i++) {
        assertThat(reader.receive()).hasValue(packets.get(i));
      }
      assertThat(wakes[0]).isEqualTo(1);

      offloading.close();
    }
    assertThat(offloading.counters().drops())
        .isEqualTo(Map.of(DropReason.MALFORMED, 1L, DropReason.FLUSHED_AT_CLOSE, 3L));
  }

  @Test
  void a_relay_joins_for_an_end_that_takes_super_packets_and_splits_for_one_that_does_not() {
    List<Packet> packets = new ArrayList<>(TCP4.packets(0, 30, 1000));
    packets.addAll(UDP4.packets(0, 5, 700));
    PacketStreams left = streams(plain);
    PacketStreams right = streams(offloading);
    CompletionStage<Done> there =
        left.batches()
            .via(right.coalesce())
            .toMat(right.batchSink(), Keep.right())
            .run(kit.system());
    CompletionStage<Done> back =
        right
            .batches()
            .via(left.coalesce())
            .toMat(left.batchSink(), Keep.right())
            .run(kit.system());

    plain.give(IpPackets.batch(pool, packets));
    soon().until(() -> offloading.sent().size() == 2);
    PacketBatch again = pool.acquire();
    for (ScriptedPort.Arrival each : offloading.sent()) {
      assertThat(again.append(each.packet())).isTrue();
      again.setOffload(again.count() - 1, each.word());
    }
    offloading.give(again);
    soon().until(() -> plain.sent().size() == packets.size());

    assertThat(plain.sentPackets()).isEqualTo(packets);
    plain.close();
    awaitEnd(there);
    awaitEnd(back);
    assertThat(plain.counters().drops()).isEmpty();
    assertThat(offloading.counters().drops()).isEmpty();
  }

  @Test
  void a_packet_with_a_wrong_checksum_is_passed_on_alone_and_unchanged() {
    List<Packet> packets = new ArrayList<>(TCP4.packets(0, 9, 1000));
    byte[] wrong = packets.get(4).toByteArray();
    wrong[wrong.length - 1] ^= 1;
    packets.set(4, Packet.of(wrong));

    List<Packet> out = through(offloading, packets);

    assertThat(out).hasSize(3).contains(packets.get(4));
  }

  private List<Packet> through(ScriptedPort port, List<Packet> packets) {
    PacketStreams streams = streams(port);
    end(
        Source.single(IpPackets.batch(pool, packets))
            .via(streams.coalesce())
            .runWith(streams.batchSink(), kit.system()));
    return port.sentPackets();
  }

  @Test
  void nothing_is_joined_for_a_port_that_takes_no_super_packets() {
    List<Packet> packets = TCP4.packets(0, 9, 1000);
    assertThat(through(plain, packets)).isEqualTo(packets);
  }

  @Test
  void datagrams_are_joined_only_for_a_port_that_takes_them() {
    List<Packet> packets = UDP4.packets(0, 9, 1000);
    ScriptedPort tcpOnly =
        new ScriptedPort(EnumSet.of(OffloadFeature.CHECKSUM, OffloadFeature.TSO4));
    assertThat(through(tcpOnly, packets)).isEqualTo(packets);
    assertThat(through(offloading, packets)).hasSize(1);
  }

  @Test
  void stages_of_one_s_own_can_have_packets_split_and_joined_anywhere() {
    List<Packet> packets = TCP6.packets(0, 120, 300);
    List<PacketBatch> out =
        end(
            Source.single(IpPackets.joined(pool, packets.subList(0, 60)))
                .concat(Source.single(IpPackets.joined(pool, packets.subList(60, 120))))
                .via(PacketStages.finish(Layer.L3, Set.of(), pool, plain))
                .via(PacketStages.coalesce(JoinRules.of(Layer.L3), pool, plain))
                .via(PacketStages.finish(Layer.L3, Set.of(), pool, plain))
                .runWith(Sink.seq(), kit.system()));
    List<Packet> seen = new ArrayList<>();
    for (PacketBatch batch : out) {
      for (int i = 0; i < batch.count(); i++) {
        assertThat(batch.offload(i)).isZero();
        seen.add(batch.packet(i));
      }
      batch.release();
    }
    assertThat(seen).isEqualTo(packets);
    assertThat(plain.counters().drops()).isEmpty();
  }

  @Test
  void a_stage_makes_one_batch_a_demand_and_counts_what_it_holds_at_its_end() {
    try (SlabPool smallSlabs = new SlabPool(8 * 1024, 8);
        BatchPool small = new BatchPool(smallSlabs, 4, 0, 0)) {
      TestSubscriber.Probe<PacketBatch> probe =
          Source.single(IpPackets.joined(pool, TCP4.packets(0, 30, 100)))
              .via(PacketStages.finish(Layer.L3, Set.of(), small, plain))
              .runWith(TestSink.create(kit.system()), kit.system());
      for (int i = 0; i < 2; i++) {
        PacketBatch batch = probe.requestNext();
        assertThat(batch.count()).isEqualTo(4);
        batch.release();
      }
      probe.cancel();
      soon().until(() -> plain.counters().dropped(DropReason.STREAM_ENDED) == 22);
      assertThat(small.lent()).isZero();
    }
  }

  @Test
  void a_batch_of_which_nothing_is_left_is_not_passed_on() {
    PacketBatch bad = IpPackets.batch(pool, TCP4.packets(0, 1, 40));
    bad.setOffload(0, Offload.of(Offload.NEEDS_CSUM, Offload.NONE, 0, 9000, 16));
    PacketBatch longest = IpPackets.joined(pool, TCP4.packets(0, 4, 1000));
    List<Packet> good = TCP4.packets(7, 1, 40);
    try (SlabPool tinySlabs = new SlabPool(256, 8);
        BatchPool tiny = new BatchPool(tinySlabs, 4, 0, 0)) {
      List<Packet> seen =
          end(
              Source.from(List.of(bad, longest, IpPackets.batch(pool, good)))
                  .via(PacketStages.finish(Layer.L3, Set.of(), tiny, plain))
                  .map(batch -> {
                    Packet packet = batch.packet(0);
                    batch.release();
                    return packet;
                  })
                  .runWith(Sink.seq(), kit.system()));
      assertThat(seen).isEqualTo(good);
      assertThat(plain.counters().drops())
          .isEqualTo(Map.of(DropReason.MALFORMED, 1L, DropReason.TOO_LONG, 4L));
    }
  }

  /** Whenever the port ends, each finished packet was sent or is in its ledger. */
  @Test
  void each_segment_is_accounted_for_whenever_the_port_ends() {
    for (long seed = SEED; seed < SEED + ROUNDS; seed++) {
      Random random = new Random(seed);
      ScriptedPort port = new ScriptedPort(Set.of());
      List<Packet> packets = new ArrayList<>();
      for (IpPackets flow : List.of(TCP4, UDP4, TCP6, new IpPackets(false, true))) {
        packets.addAll(flow.packets(random.nextInt(9), random.nextInt(9), 500));
      }
      int room = random.nextInt(packets.size() + 4);
      port.setRoom(room);
      CompletionStage<Done> done =
          Source.single(IpPackets.joined(pool, packets))
              .concat(Source.maybe())
              .runWith(streams(port).batchSink(), kit.system());
      // In the sink's hands, or it would be lost in the source's.
      soon().until(() -> port.sends() > 0);
      soon().until(() -> port.sent().size() == Math.min(room, packets.size()));
      port.close();
      awaitEnd(done);
      PortCounters books = port.counters();
      assertThat(books.sentPackets() + books.dropped(DropReason.STREAM_ENDED))
          .as("replay with -Dvnet.fuzz.seed=" + seed + ": " + books)
          .isEqualTo(packets.size());
      assertThat(port.sentPackets()).isEqualTo(packets.subList(0, (int) books.sentPackets()));
    }
  }
}
