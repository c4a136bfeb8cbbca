package io.vnet.api.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.packet.PacketBatch;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Single packets whose checksum is completed in place, against a checksum made another way. */
class ChecksumCompletionTest {
  private static final long SEED = Long.getLong("vnet.fuzz.seed", 20_260_200_000L);

  private final Batches batches = new Batches(8192, 4);

  @AfterEach
  void every_batch_goes_home() {
    batches.close();
  }

  @Test
  void the_known_packet_is_completed() {
    PacketBatch batch = batches.of(Vectors.bytes("partial_in"), Offload.of(1, 0, 0, 20, 6));

    assertThat(ChecksumCompletion.complete(batch, 0)).isEqualTo(OffloadStatus.OK);

    assertThat(Batches.packets(batch)).containsExactly(Vectors.bytes("partial_out"));
    assertThat(batch.offload(0)).isZero();
    Batches.assertNothingElseWritten(batch);
  }

  @Test
  void random_packets_get_the_checksum_they_would_have_been_built_with() {
    for (long seed = SEED; seed < SEED + 2_000; seed++) {
      Random random = new Random(seed);
      Craft craft = Craft.packet(Vectors.NAMES.get(random.nextInt(4)));
      craft.frame =
          random.nextBoolean() ? TestWords.frame(craft.v4, random.nextBoolean()) : craft.frame;
      craft.payload = new byte[random.nextInt(1500)];
      random.nextBytes(craft.payload);
      PacketBatch batch = batches.of(craft.buildPartial(), TestWords.checksum(craft));

      assertThat(ChecksumCompletion.complete(batch, 0)).isEqualTo(OffloadStatus.OK);

      assertThat(batch.packet(0).toByteArray()).as("seed " + seed).isEqualTo(craft.build());
      assertThat(craft.faults(batch.packet(0).toByteArray())).as("seed " + seed).isEmpty();
      batches.returnAll();
    }
  }

  @Test
  void a_udp_checksum_of_zero_is_sent_in_its_other_form_and_that_of_tcp_is_not() {
    for (String kind : List.of("udp4", "tcp4")) {
      Craft craft = Craft.packet(kind);
      craft.payload = new byte[2];
      byte[] finished = craft.build();
      // A payload that is the checksum makes the checksum zero.
      Craft.put16(craft.payload, 0, Craft.get16(finished, craft.checksumField()));
      PacketBatch batch = batches.of(craft.buildPartial(), TestWords.checksum(craft));

      ChecksumCompletion.complete(batch, 0);

      assertThat(Craft.get16(batch.packet(0).toByteArray(), craft.checksumField()))
          .as(kind)
          .isEqualTo(craft.udp ? 0xFFFF : 0);
    }
  }

  @Test
  void a_packet_that_needs_nothing_stays_as_it_is() {
    byte[] packet = Vectors.bytes("partial_in");
    PacketBatch batch = batches.of(packet, Offload.of(Offload.DATA_VALID, 0, 0, 0, 0));

    assertThat(ChecksumCompletion.complete(batch, 0)).isEqualTo(OffloadStatus.OK);

    assertThat(batch.packet(0).toByteArray()).isEqualTo(packet);
    assertThat(batch.offload(0)).isZero();
  }

  @Test
  void a_super_packet_or_a_range_beyond_the_packet_is_refused_and_unchanged() {
    byte[] packet = Vectors.bytes("partial_in");
    long[] words = {
      Offload.of(1, Offload.UDP_L4, 8, 20, 6),
      Offload.of(1, 0, 0, packet.length - 7, 6),
      Offload.of(1, 0, 0, 0xFFFF, 0xFFFF)
    };
    OffloadStatus[] expected = {
      OffloadStatus.BAD_TYPE, OffloadStatus.BAD_CHECKSUM_RANGE, OffloadStatus.BAD_CHECKSUM_RANGE
    };
    for (int i = 0; i < words.length; i++) {
      PacketBatch batch = batches.of(packet, words[i]);

      assertThat(ChecksumCompletion.complete(batch, 0)).isEqualTo(expected[i]);

      assertThat(batch.packet(0).toByteArray()).isEqualTo(packet);
      assertThat(batch.offload(0)).isEqualTo(words[i]);
      Batches.assertNothingElseWritten(batch);
    }
  }

  @Test
  void the_last_two_bytes_of_a_packet_may_be_the_checksum() {
    byte[] packet = {1, 2, 3, 4, 0, 0};
    PacketBatch batch = batches.of(packet, Offload.of(1, 0, 0, 0, 4));

    assertThat(ChecksumCompletion.complete(batch, 0)).isEqualTo(OffloadStatus.OK);

    assertThat(batch.packet(0).toByteArray()).containsExactly(1, 2, 3, 4, 0xFB, 0xF9);
  }
}
