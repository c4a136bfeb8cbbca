package io.vnet.api.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/**
 * What a super-packet is split into: known answers, and packets built one by one in another way.
 */
class SegmenterTest {
  private static final long SEED = Long.getLong("vnet.fuzz.seed", 20_260_300_000L);
  static final List<String> KINDS = Vectors.NAMES;

  private final Batches batches = new Batches(256 * 1024, 256);
  private final Segmenter segmenter = new Segmenter(Layer.L3);

  @AfterEach
  void every_batch_goes_home() {
    batches.close();
  }

  private static long vectorWord(String name) {
    Craft craft = Craft.packet(name);
    if (name.equals("tcp4")) {
      craft.options = new byte[12];
    }
    return TestWords.of(craft, 8);
  }

  /** All segments, with targets of a capacity, asked for in one of the two ways. */
  private List<byte[]> split(Segmenter with, PacketBatch source, boolean inPlace) {
    assertThat(with.begin(source, 0)).isEqualTo(OffloadStatus.OK);
    List<byte[]> made = new ArrayList<>();
    if (inPlace) {
      while (with.nextInPlace()) {
        MemorySegment segment = source.segment().asSlice(with.offset(), with.length());
        made.add(segment.toArray(ValueLayout.JAVA_BYTE));
      }
    } else {
      while (!with.isDone()) {
        PacketBatch target = batches.empty();
        assertThat(with.split(target)).isEqualTo(target.count()).isPositive();
        Batches.assertNothingElseWritten(target);
        for (int i = 0; i < target.count(); i++) {
          assertThat(target.offload(i)).isZero();
        }
        made.addAll(Batches.packets(target));
      }
    }
    assertThat(made).hasSize(with.segments());
    assertThat(with.isDone()).isTrue();
    assertThat(with.nextInPlace()).isFalse();
    Batches.assertNothingElseWritten(source);
    return made;
  }

  @ParameterizedTest
  @FieldSource("KINDS")
  void known_super_packets_become_the_known_segments(String name) {
    PacketBatch source = batches.of(Vectors.bytes(name + "_super"), vectorWord(name));

    assertThat(split(segmenter, source, false)).containsExactlyElementsOf(Vectors.segments(name));
    assertThat(Batches.packets(source)).containsExactly(Vectors.bytes(name + "_super"));
    assertThat(split(segmenter, source, true)).containsExactlyElementsOf(Vectors.segments(name));
  }

  @Test
  void a_header_length_that_is_too_large_changes_nothing() {
    byte[] header = Vectors.bytes("tcp4_vnet");
    header[2] = (byte) 73;
    long word = Offload.read(MemorySegment.ofArray(header), 0);

    assertThat(word).isEqualTo(vectorWord("tcp4"));
  }

  private static Craft random(Random random) {
    Craft craft = Craft.packet(Vectors.NAMES.get(random.nextInt(4)));
    random.nextBytes(craft.source);
    random.nextBytes(craft.destination);
    craft.sourcePort = random.nextInt(65536);
    craft.destinationPort = random.nextInt(65536);
    craft.sequence = random.nextBoolean() ? 0xFFFF_FFFFL - random.nextInt(3000) : random.nextInt();
    craft.sequence &= 0xFFFF_FFFFL;
    craft.flags = random.nextInt(256);
    craft.window = random.nextInt(65536);
    craft.urgent = random.nextInt(65536);
    craft.reserved = random.nextInt(16);
    craft.options = bytes(random, 4 * random.nextInt(11));
    craft.id = random.nextBoolean() ? 65_530 : random.nextInt(65536);
    craft.fragment = random.nextBoolean() ? 0x4000 : 0;
    craft.tos = random.nextInt(256);
    craft.ttl = random.nextInt(256);
    craft.flowLabel = random.nextInt(1 << 20);
    craft.ipOptions = bytes(random, random.nextInt(3) == 0 ? 4 * random.nextInt(11) : 0);
    craft.payload = bytes(random, random.nextInt(4000));
    return craft;
  }

  private static byte[] bytes(Random random, int count) {
    byte[] bytes = new byte[count];
    random.nextBytes(bytes);
    return bytes;
  }

  @Test
  void random_super_packets_become_what_would_have_been_built_one_by_one() {
    for (long seed = SEED; seed < SEED + 1_500; seed++) {
      Random random = new Random(seed);
      Craft whole = random(random);
      boolean l2 = random.nextBoolean();
      if (l2) {
        whole.frame = TestWords.frame(whole.v4, random.nextBoolean());
      }
      int gsoSize = random.nextInt(20) == 0 ? 1 + random.nextInt(9) : 9 + random.nextInt(2000);
      long word = TestWords.of(whole, gsoSize);
      if (random.nextInt(4) == 0) {
        // As a kernel hands on what a network card joined and verified.
        word = Offload.of(Offload.DATA_VALID, Offload.gsoType(word), gsoSize, 0, 0);
      } else if (!whole.udp && random.nextBoolean()) {
        word |= (long) Offload.ECN << 8;
      }
      PacketBatch source = batches.of(whole.buildPartial(), word);
      Segmenter with = new Segmenter(l2 ? Layer.L2 : Layer.L3);

      List<byte[]> expected = whole.segments(gsoSize);
      String replay = "replay with -Dvnet.fuzz.seed=" + seed;
      assertThat(split(with, source, false)).as(replay).containsExactlyElementsOf(expected);
      assertThat(split(with, source, true)).as(replay).containsExactlyElementsOf(expected);
      for (byte[] segment : expected) {
        assertThat(whole.faults(segment)).as(replay).isEmpty();
      }
      batches.returnAll();
    }
  }

  @Test
  void extension_headers_are_copied_and_the_sender_s_pseudo_header_holds() {
    Craft whole = Craft.packet("tcp6");
    whole.payload = bytes(new Random(SEED), 1000);
    byte[] partial = whole.buildPartial();
    Craft routed = whole.copy();
    routed.extensionType = 43;
    routed.extension = new byte[24];
    routed.extension[0] = 6;
    routed.extension[1] = 2;
    byte[] packet = routed.buildPartial();
    // The final destination is in the extension; the header names the first hop.
    packet[24] = (byte) 0x99;
    assertThat(Craft.get16(packet, routed.checksumField()))
        .isEqualTo(Craft.get16(partial, whole.checksumField()));

    List<byte[]> made = split(segmenter, batches.of(packet, TestWords.of(routed, 300)), false);

    List<byte[]> expected = routed.segments(300);
    expected.forEach(each -> each[24] = (byte) 0x99);
    assertThat(made).containsExactlyElementsOf(expected);
  }

  @Test
  void a_super_packet_goes_on_in_the_next_target_when_one_is_full() {
    Batches small = new Batches(4096, 2);
    Craft whole = Craft.packet("tcp4");
    whole.payload = bytes(new Random(SEED), 65_495);
    PacketBatch source = batches.of(whole.buildPartial(), TestWords.of(whole, 1448));
    List<byte[]> made = new ArrayList<>();

    assertThat(segmenter.begin(source, 0)).isEqualTo(OffloadStatus.OK);
    assertThat(segmenter.segments()).isEqualTo(46);
    while (!segmenter.isDone()) {
      PacketBatch target = small.empty();
      int count = segmenter.split(target);
      assertThat(count).isEqualTo(2);
      assertThat(segmenter.split(target)).as("into a full batch").isZero();
      Batches.assertNothingElseWritten(target);
      made.addAll(Batches.packets(target));
    }

    assertThat(made).containsExactlyElementsOf(whole.segments(1448));
    small.close();
  }

  @Test
  void segments_longer_than_a_slab_are_skipped_and_counted() {
    Batches small = new Batches(1024, 4);
    Craft whole = Craft.packet("udp6");
    whole.payload = new byte[5000];
    PacketBatch source = batches.of(whole.buildPartial(), TestWords.of(whole, 1000));
    PacketBatch target = small.empty();

    assertThat(segmenter.begin(source, 0)).isEqualTo(OffloadStatus.OK);
    assertThat(segmenter.split(target)).isZero();
    assertThat(segmenter.skip()).isEqualTo(5);

    assertThat(segmenter.isDone()).isTrue();
    assertThat(segmenter.skip()).isZero();
    assertThat(segmenter.split(target)).isZero();
    Batches.assertNothingElseWritten(target);
    small.close();
  }

  @Test
  void splitting_may_go_on_in_place_after_copies() {
    Craft whole = Craft.packet("udp4");
    whole.payload = bytes(new Random(SEED), 2500);
    PacketBatch source = batches.of(whole.buildPartial(), TestWords.of(whole, 1000));
    Batches one = new Batches(2048, 1);
    PacketBatch target = one.empty();
    List<byte[]> expected = whole.segments(1000);

    assertThat(segmenter.begin(source, 0)).isEqualTo(OffloadStatus.OK);
    assertThat(segmenter.split(target)).isEqualTo(1);
    assertThat(segmenter.nextInPlace()).isTrue();

    assertThat(target.packet(0).toByteArray()).isEqualTo(expected.get(0));
    assertThat(source.segment().asSlice(segmenter.offset(), segmenter.length()))
        .satisfies(
            made -> assertThat(made.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(expected.get(1)));
    assertThat(segmenter.skip()).isEqualTo(1);
    one.close();
  }

  @Test
  void a_packet_that_is_none_is_passed_on_finished() {
    Craft craft = Craft.packet("tcp6");
    craft.payload = bytes(new Random(SEED), 101);
    PacketBatch finished = batches.of(List.of(craft.build()));
    PacketBatch partial = batches.of(craft.buildPartial(), TestWords.checksum(craft));

    assertThat(split(segmenter, finished, false)).containsExactly(craft.build());
    assertThat(split(segmenter, finished, true)).containsExactly(craft.build());
    assertThat(split(segmenter, partial, false)).containsExactly(craft.build());
    assertThat(split(segmenter, partial, true)).containsExactly(craft.build());
  }

  @Test
  void a_super_packet_of_one_segment_or_of_headers_alone_is_one_packet() {
    for (String kind : KINDS) {
      Craft craft = Craft.packet(kind);
      craft.flags = Craft.ACK | Craft.FIN | Craft.PSH | Craft.CWR;
      for (int payload : new int[] {0, 1, 999, 1000}) {
        craft.payload = bytes(new Random(payload), payload);
        PacketBatch source = batches.of(craft.buildPartial(), TestWords.of(craft, 1000));

        assertThat(split(segmenter, source, false)).as(kind).containsExactly(craft.build());
      }
    }
  }

  @Test
  void a_udp_checksum_of_zero_is_sent_in_its_other_form() {
    Craft whole = Craft.packet("udp4");
    whole.payload = new byte[6];
    for (int i = 0; i < 3; i++) {
      Craft one = whole.copy();
      one.payload = new byte[2];
      Craft.put16(whole.payload, 2 * i, Craft.get16(one.build(), one.checksumField()));
    }
    PacketBatch source = batches.of(whole.buildPartial(), TestWords.of(whole, 2));

    assertThat(split(segmenter, source, false))
        .hasSize(3)
        .allSatisfy(each -> assertThat(Craft.get16(each, whole.checksumField())).isEqualTo(0xFFFF));
  }

  @Test
  void what_is_refused_makes_no_segment() {
    Craft whole = Craft.packet("tcp4");
    whole.payload = new byte[3000];
    PacketBatch good = batches.of(whole.buildPartial(), TestWords.of(whole, 1000));
    PacketBatch bad = batches.of(whole.buildPartial(), TestWords.of(whole, 0));
    PacketBatch target = batches.empty();

    assertThat(segmenter.begin(good, 0)).isEqualTo(OffloadStatus.OK);
    assertThat(segmenter.begin(bad, 0)).isEqualTo(OffloadStatus.NO_SEGMENT_SIZE);

    assertThat(segmenter.isDone()).isTrue();
    assertThat(segmenter.segments()).isZero();
    assertThat(segmenter.split(target)).isZero();
    assertThat(segmenter.nextInPlace()).isFalse();
    assertThat(segmenter.skip()).isZero();
  }
}
