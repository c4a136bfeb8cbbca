package io.vnet.api.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.OffloadFeature;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The word of a datagram, of a train, and its ECN. */
class DatagramTrainTest {
  @ParameterizedTest
  @CsvSource({"0, 0", "1, 0", "1452, 1", "65535, 2", "0, 3", "65535, 3"})
  void a_word_gives_back_what_it_was_made_of(int segmentBytes, int ecn) {
    long word = DatagramTrain.of(segmentBytes, ecn);
    assertThat(DatagramTrain.segmentBytes(word)).isEqualTo(segmentBytes);
    assertThat(DatagramTrain.ecn(word)).isEqualTo(ecn);
    assertThat(Offload.isSegmented(word)).isEqualTo(segmentBytes > 0);
  }

  @Test
  void a_single_datagram_without_ecn_is_0() {
    assertThat(DatagramTrain.of(0, DatagramTrain.NOT_ECT)).isZero();
  }

  @ParameterizedTest
  @CsvSource({"0, 1000, 1", "10, 1, 1", "10, 10, 1", "10, 11, 2", "10, 20, 2", "1, 64, 64"})
  void datagrams_are_counted(int segmentBytes, int length, int datagrams) {
    assertThat(DatagramTrain.datagrams(DatagramTrain.of(segmentBytes, 0), length))
        .isEqualTo(datagrams);
  }

  @ParameterizedTest
  @CsvSource({"-1, 0", "65536, 0", "0, 4", "0, -1"})
  void what_does_not_fit_is_refused(int segmentBytes, int ecn) {
    assertThatIllegalArgumentException().isThrownBy(() -> DatagramTrain.of(segmentBytes, ecn));
  }

  @Test
  void a_train_is_no_super_packet_with_headers() {
    MemorySegment bytes = MemorySegment.ofArray(new byte[100]);
    bytes.fill((byte) 0x45);
    assertThat(Offload.check(DatagramTrain.of(10, 0), Layer.DATAGRAM, bytes, 0, 100))
        .isEqualTo(OffloadStatus.WRONG_PROTOCOL);
  }

  @ParameterizedTest
  @CsvSource({"0, 25, 1", "10, 25, 3", "10, 20, 2", "10, 7, 1", "40, 25, 1"})
  void packets_of_a_train_are_its_datagrams(int segmentBytes, int length, int datagrams) {
    byte[] train = new byte[length];
    new Random(length).nextBytes(train);
    List<byte[]> expected = new ArrayList<>();
    int step = segmentBytes == 0 ? length : segmentBytes;
    for (int at = 0; at < length; at += step) {
      expected.add(Arrays.copyOfRange(train, at, Math.min(length, at + step)));
    }
    assertThat(expected).hasSize(datagrams);
    long word = DatagramTrain.of(segmentBytes, DatagramTrain.CE);
    FinishedPackets finished = new FinishedPackets(Layer.DATAGRAM, DatagramTrainTest::refuse);
    try (Batches batches = new Batches(4096, 4)) {
      PacketBatch batch = batches.of(train, word);

      finished.begin(batch);
      List<byte[]> made = new ArrayList<>();
      for (Packet packet = finished.next(); packet != null; packet = finished.next()) {
        made.add(packet.toByteArray());
      }
      assertThat(made).containsExactlyElementsOf(expected);

      finished.begin(batch);
      assertThat(finished.next()).isNotNull();
      assertThat(finished.giveUp()).isEqualTo(datagrams - 1);

      Segmenter segmenter = new Segmenter(Layer.DATAGRAM);
      PacketBatch split = batches.empty();
      assertThat(segmenter.begin(batch, 0)).isEqualTo(OffloadStatus.OK);
      assertThat(segmenter.segments()).isEqualTo(datagrams);
      segmenter.split(split);
      assertThat(segmenter.isDone()).isTrue();
      assertThat(Batches.packets(split)).containsExactlyElementsOf(expected);
      Batches.assertNothingElseWritten(split);
    }
  }

  @Test
  void a_port_of_datagrams_gets_trains_as_they_are() {
    long word = DatagramTrain.of(10, DatagramTrain.ECT_0);
    Finisher finisher =
        new Finisher(Layer.DATAGRAM, Set.of(OffloadFeature.USO4), DatagramTrainTest::refuse);
    try (Batches batches = new Batches(4096, 4)) {
      PacketBatch batch = batches.of(new byte[25], word);

      assertThat(finisher.begin(batch)).isTrue();

      assertThat(batch.count()).isEqualTo(1);
      assertThat(batch.offload(0)).isEqualTo(word);
      assertThat(finisher.giveUp()).isZero();
    }
  }

  private static void refuse(DropReason reason, long packets) {
    throw new AssertionError(packets + " dropped as " + reason);
  }
}
