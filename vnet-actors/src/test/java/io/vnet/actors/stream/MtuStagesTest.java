package io.vnet.actors.stream;

import static io.vnet.actors.testkit.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.japi.Pair;
import akka.stream.javadsl.Flow;
import akka.stream.javadsl.Keep;
import akka.stream.javadsl.Sink;
import akka.stream.javadsl.Source;
import akka.stream.testkit.TestPublisher;
import akka.stream.testkit.TestSubscriber;
import akka.stream.testkit.javadsl.TestSink;
import akka.stream.testkit.javadsl.TestSource;
import io.vnet.actors.testkit.IpPackets;
import io.vnet.actors.testkit.ScriptedPort;
import io.vnet.api.header.Ipv4View;
import io.vnet.api.mtu.TooBigRules;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** The stages that mind an MTU: demand, order, ends, and what they hold. */
@ParameterizedClass(name = "fuzzing {0}")
@ValueSource(booleans = {false, true})
class MtuStagesTest extends StreamTest {
  private static final int MTU = 1000;
  private static final IpPackets TCP4 = new IpPackets(true, false);

  private final ScriptedPort drops = new ScriptedPort(Set.of());

  MtuStagesTest(boolean fuzzing) {
    super(fuzzing);
  }

  private PacketBatch small(int first, int count) {
    return IpPackets.batch(pool, TCP4.packets(first, count, 100));
  }

  private PacketBatch big(int first, int count) {
    return IpPackets.batch(pool, TCP4.packets(first, count, MTU));
  }

  private PacketBatch divisible() {
    PacketBatch batch = big(0, 1);
    Ipv4View view = new Ipv4View();
    view.wrap(batch.segment(), batch.offset(0), batch.length(0));
    batch.segment().set(java.lang.foreign.ValueLayout.JAVA_BYTE, batch.offset(0) + 6L, (byte) 0);
    view.updateChecksum();
    return batch;
  }

  private static List<Packet> taken(PacketBatch batch) {
    List<Packet> packets = new ArrayList<>();
    for (int i = 0; i < batch.count(); i++) {
      packets.add(batch.packet(i));
    }
    batch.release();
    return packets;
  }

  /** The stage between four probes. */
  private final class Lab {
    final TestPublisher.Probe<PacketBatch> thereIn;
    final TestSubscriber.Probe<PacketBatch> thereOut;
    final TestPublisher.Probe<PacketBatch> backIn;
    final TestSubscriber.Probe<PacketBatch> backOut;

    Lab(TooBigRules rules, BatchPool made) {
      var left =
          Flow.fromSinkAndSourceMat(
              TestSink.<PacketBatch>create(kit.system()),
              TestSource.<PacketBatch>create(kit.system()),
              Keep.both());
      var right =
          Flow.fromSinkAndSourceMat(
              TestSink.<PacketBatch>create(kit.system()),
              TestSource.<PacketBatch>create(kit.system()),
              Keep.both());
      Pair<
              Pair<TestSubscriber.Probe<PacketBatch>, TestPublisher.Probe<PacketBatch>>,
              Pair<TestSubscriber.Probe<PacketBatch>, TestPublisher.Probe<PacketBatch>>>
          probes =
              left.joinMat(
                      PacketStages.tooBig(rules, made, drops).join(right, Keep.right()),
                      Keep.both())
                  .run(kit.system());
      backOut = probes.first().first();
      thereIn = probes.first().second();
      thereOut = probes.second().first();
      backIn = probes.second().second();
      backOut.ensureSubscription();
      thereOut.ensureSubscription();
    }
  }

  private Lab lab() {
    return new Lab(TooBigRules.of(Layer.L3, MTU), pool);
  }

  private static void assertIsMessage(Packet packet) {
    assertThat(packet.unsignedByte(9)).isEqualTo(1);
    assertThat((packet.unsignedByte(20) << 8) | packet.unsignedByte(21)).isEqualTo(0x0304);
    assertThat((packet.unsignedByte(26) << 8) | packet.unsignedByte(27)).isEqualTo(MTU);
  }

  @Test
  void what_fits_passes_both_ways_and_demand_goes_through() {
    Lab lab = lab();
    lab.thereOut.request(1);
    lab.thereIn.expectRequest();
    lab.thereIn.sendNext(small(0, 3));
    assertThat(taken(lab.thereOut.expectNext())).isEqualTo(TCP4.packets(0, 3, 100));
    lab.backOut.request(1);
    lab.backIn.expectRequest();
    lab.backIn.sendNext(big(0, 2));
    assertThat(taken(lab.backOut.expectNext())).isEqualTo(TCP4.packets(0, 2, MTU));
    lab.thereIn.sendComplete();
    lab.thereOut.expectComplete();
    lab.backIn.sendComplete();
    lab.backOut.expectComplete();
    assertThat(drops.counters().drops()).isEmpty();
  }

  @Test
  void messages_go_back_before_what_goes_there_and_nothing_waits_for_them() {
    Lab lab = lab();
    lab.thereOut.request(3);
    lab.thereIn.sendNext(big(0, 2));
    PacketBatch mixed = small(0, 1);
    PacketBatch more = big(0, 1);
    assertThat(mixed.append(more, 0)).isTrue();
    more.release();
    lab.thereIn.sendNext(mixed);
    assertThat(taken(lab.thereOut.expectNext())).isEqualTo(TCP4.packets(0, 1, 100));

    lab.backOut.request(1);
    List<Packet> messages = taken(lab.backOut.expectNext());

    assertThat(messages).hasSize(3).allSatisfy(MtuStagesTest::assertIsMessage);
    assertThat(drops.counters().drops()).isEqualTo(Map.of(DropReason.TOO_LONG, 3L));
    lab.backOut.request(1);
    lab.backIn.sendNext(small(5, 1));
    assertThat(taken(lab.backOut.expectNext())).isEqualTo(TCP4.packets(5, 1, 100));
    lab.thereOut.cancel();
    lab.thereIn.expectCancellation();
    lab.backOut.cancel();
    lab.backIn.expectCancellation();
  }

  @Test
  void a_message_that_is_asked_for_already_goes_at_once_and_a_batch_behind_it_waits_its_turn() {
    Lab lab = lab();
    lab.backOut.request(1);
    lab.backIn.expectRequest();
    lab.thereOut.request(2);
    lab.thereIn.sendNext(big(0, 1));
    assertThat(taken(lab.backOut.expectNext())).hasSize(1);
    lab.backIn.sendNext(small(0, 1));
    lab.thereIn.sendNext(big(0, 1));
    lab.thereIn.sendNext(small(0, 1));
    lab.thereOut.expectNext().release();
    lab.backIn.sendComplete();
    lab.backOut.request(2);
    assertThat(taken(lab.backOut.expectNext())).allSatisfy(MtuStagesTest::assertIsMessage);
    assertThat(taken(lab.backOut.expectNext())).isEqualTo(TCP4.packets(0, 1, 100));
    lab.backOut.expectComplete();
    lab.thereIn.sendComplete();
    lab.thereOut.expectComplete();
  }

  @Test
  void when_nobody_takes_messages_any_more_packets_are_dropped_without() {
    Lab lab = lab();
    lab.backOut.cancel();
    lab.backIn.expectCancellation();
    lab.thereOut.request(1);
    lab.thereIn.sendNext(big(0, 1));
    lab.thereIn.sendNext(small(0, 1));
    lab.thereOut.expectNext().release();
    assertThat(drops.counters().drops()).isEqualTo(Map.of(DropReason.TOO_LONG, 1L));
    lab.thereIn.sendComplete();
    lab.thereOut.expectComplete();
  }

  @Test
  void messages_that_fit_no_batch_are_not_written_and_memory_stays_bounded() {
    Lab lab = new Lab(TooBigRules.of(Layer.L3, MTU).withLimit(1000, 1000), pool);
    lab.thereOut.request(1);
    for (int i = 0; i < 10; i++) {
      lab.thereIn.sendNext(big(0, 30));
    }
    lab.thereIn.sendNext(small(0, 1));
    lab.thereOut.expectNext().release();
    assertThat(pool.lent()).isEqualTo(1);
    assertThat(taken(lab.backOut.requestNext())).hasSize(BatchPool.DEFAULT_CAPACITY);
    assertThat(drops.counters().drops()).isEqualTo(Map.of(DropReason.TOO_LONG, 300L));
    lab.thereIn.sendComplete();
    lab.backIn.sendComplete();
  }

  @Test
  void what_may_be_fragmented_is_and_upstream_may_have_ended_by_then() {
    Lab lab = lab();
    lab.thereOut.request(1);
    lab.thereIn.sendNext(divisible());
    lab.thereIn.sendComplete();
    assertThat(taken(lab.thereOut.expectNext())).hasSize(2);
    lab.thereOut.expectComplete();
    lab.backIn.sendComplete();
    assertThat(drops.counters().drops()).isEmpty();
  }

  @Test
  void a_failure_or_an_end_with_batches_in_hand_counts_and_releases_them() {
    Lab lab = lab();
    lab.backOut.request(1);
    lab.backIn.expectRequest();
    lab.thereOut.request(1);
    lab.thereIn.sendNext(big(0, 1));
    lab.backOut.expectNext().release();
    lab.thereIn.sendNext(big(0, 1));
    lab.backIn.sendNext(small(0, 3));
    lab.thereIn.sendNext(small(0, 1));
    lab.thereOut.expectNext().release();
    lab.thereIn.sendError(new IllegalStateException("on purpose"));
    assertThat(lab.thereOut.expectError()).hasMessage("on purpose");
    assertThat(lab.backOut.expectError()).hasMessage("on purpose");
    await().until(() -> drops.counters().dropped(DropReason.STREAM_ENDED) == 3);
  }

  @Test
  void fragments_that_nobody_takes_are_counted() {
    try (BatchPool ones = new BatchPool(slabs, 1, 0, 0)) {
      Lab lab = new Lab(TooBigRules.of(Layer.L3, 400), ones);
      lab.thereOut.request(1);
      // 1020 bytes behind the header, in parts of 376.
      lab.thereIn.sendNext(divisible());
      lab.thereOut.expectNext().release();
      lab.thereOut.cancel();
      lab.thereIn.expectCancellation();
      lab.backIn.sendComplete();
      await().until(() -> ones.lent() == 0);
    }
    assertThat(drops.counters().drops()).isEqualTo(Map.of(DropReason.STREAM_ENDED, 2L));
  }

  @Test
  void a_clamp_lowers_the_mss_of_what_passes_and_may_be_run_again() {
    byte[] syn =
        HexFormat.of()
            .parseHex(
                "450000300000400040066ec50a000001c00002029c4001bb0102030400000000"
                    + "7002faf01a2a0000020405b401010402");
    Flow<PacketBatch, PacketBatch, ?> clamp = PacketStages.clampMss(Layer.L3, 1420);
    for (int run = 0; run < 2; run++) {
      List<Packet> out =
          end(
              Source.single(IpPackets.batch(pool, List.of(Packet.of(syn))))
                  .via(clamp)
                  .mapConcat(MtuStagesTest::taken)
                  .runWith(Sink.seq(), kit.system()));
      assertThat(HexFormat.of().formatHex(out.getFirst().toByteArray()))
          .endsWith("7002faf01a7a00000204056401010402");
    }
    assertThatThrownBy(() -> PacketStages.clampMss(Layer.L3, 10))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
