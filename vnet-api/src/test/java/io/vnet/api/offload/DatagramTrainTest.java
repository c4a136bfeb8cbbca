package io.vnet.api.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.vnet.api.packet.Layer;
import java.lang.foreign.MemorySegment;
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
}
