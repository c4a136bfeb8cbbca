package io.vnet.api.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.vnet.api.packet.Layer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;

/** The offload word, the virtio-net header, and which words a packet allows. */
class OffloadTest {
  private static final long SEED = Long.getLong("vnet.fuzz.seed", 20_260_100_000L);
  private static final int NEEDS_CSUM = Offload.NEEDS_CSUM;
  static final List<String> KINDS = Vectors.NAMES;

  private static long word(String kind, int size) {
    return TestWords.of(Craft.packet(kind), size);
  }

  @Test
  void each_field_is_in_its_place() {
    long word = Offload.of(3, 0x84, 0xFFFE, 0x8001, 0xF002);

    assertThat(word).isEqualTo(0xF002_8001_FFFE_8403L);
    assertThat(Offload.flags(word)).isEqualTo(3);
    assertThat(Offload.needsChecksum(word)).isTrue();
    assertThat(Offload.isSegmented(word)).isTrue();
    assertThat(Offload.gsoType(word)).isEqualTo(Offload.TCPV6);
    assertThat(Offload.hasEcn(word)).isTrue();
    assertThat(Offload.gsoSize(word)).isEqualTo(0xFFFE);
    assertThat(Offload.csumStart(word)).isEqualTo(0x8001);
    assertThat(Offload.csumOffset(word)).isEqualTo(0xF002);
  }

  @Test
  void zero_is_a_finished_packet() {
    assertThat(Offload.needsChecksum(0)).isFalse();
    assertThat(Offload.isSegmented(0)).isFalse();
    assertThat(Offload.hasEcn(0)).isFalse();
    assertThat(Offload.toString(0)).isEqualTo("single");
  }

  @ParameterizedTest
  @CsvSource({"256,0,0,0,0", "0,256,0,0,0", "0,0,65536,0,0", "0,0,0,-1,0", "0,0,0,0,65536"})
  void a_value_that_does_not_fit_its_field_is_refused(
      int flags, int type, int size, int start, int offset) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Offload.of(flags, type, size, start, offset))
        .withMessageContaining("csumOffset=" + offset);
  }

  @Test
  void a_word_is_readable() {
    assertThat(Offload.toString(Offload.of(1, 0x81, 1448, 20, 16)))
        .isEqualTo("TCPv4 in segments of 1448, ECN, checksum from 20 at 36");
    assertThat(Offload.toString(Offload.of(2, 5, 500, 0, 0)))
        .isEqualTo("UDP in segments of 500, verified");
    assertThat(Offload.toString(Offload.of(1, 3, 1, 40, 6)))
        .isEqualTo("type 3 in segments of 1, checksum from 40 at 46");
  }

  @ParameterizedTest
  @FieldSource("KINDS")
  void the_longest_segment_of_a_super_packet_has_its_headers_and_its_size(String kind) {
    Craft craft = Craft.packet(kind);
    craft.frame = TestWords.frame(craft.v4, true);
    craft.payload = new byte[5000];
    MemorySegment packet = MemorySegment.ofArray(craft.buildPartial());
    int length = (int) packet.byteSize();
    long word = TestWords.of(craft, 1000);

    assertThat(Offload.segmentBytes(word, Layer.L2, packet, 0, length))
        .isEqualTo(craft.payloadStart() + 1000)
        .isEqualTo(craft.segments(1000).getFirst().length);
    assertThat(Offload.segmentBytes(TestWords.of(craft, 9000), Layer.L2, packet, 0, length))
        .isEqualTo(length);
    assertThat(Offload.segmentBytes(0, Layer.L2, packet, 0, length)).isEqualTo(length);
    assertThat(Offload.segmentBytes(TestWords.of(craft, 0), Layer.L2, packet, 0, length))
        .isEqualTo(-1);
  }

  @ParameterizedTest
  @FieldSource("KINDS")
  void known_headers_are_read_and_written(String name) {
    byte[] header = hostOrder(Vectors.bytes(name + "_vnet"));
    byte[] packet = Vectors.bytes(name + "_super");
    MemorySegment segment = MemorySegment.ofArray(packet);
    MemorySegment written = MemorySegment.ofArray(new byte[12]).fill((byte) 0xa5);

    long word = Offload.read(MemorySegment.ofArray(header), 0);
    Offload.write(written, 1, word, segment, 0, packet.length);

    assertThat(Offload.gsoSize(word)).isEqualTo(8);
    assertThat(Offload.check(word, Layer.L3, segment, 0, packet.length))
        .isEqualTo(OffloadStatus.OK);
    assertThat(written.asSlice(1, 10).toArray(ValueLayout.JAVA_BYTE)).isEqualTo(header);
    assertThat(written.get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 0xa5);
    assertThat(written.get(ValueLayout.JAVA_BYTE, 11)).isEqualTo((byte) 0xa5);
  }

  @Test
  void the_known_header_of_a_single_packet_is_read_and_written() {
    byte[] header = hostOrder(Vectors.bytes("partial_vnet"));
    byte[] packet = Vectors.bytes("partial_in");
    MemorySegment written = MemorySegment.ofArray(new byte[10]).fill((byte) 0xa5);

    long word = Offload.read(MemorySegment.ofArray(header), 0);
    Offload.write(written, 0, word, MemorySegment.ofArray(packet), 0, packet.length);

    assertThat(word).isEqualTo(Offload.of(1, 0, 0, 20, 6));
    assertThat(written.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(header);
  }

  @Test
  void fields_without_a_meaning_are_not_read() {
    byte[] header = new byte[10];
    Arrays.fill(header, (byte) 0xFF);
    header[0] = (byte) 0xFE; // All flags but NEEDS_CSUM.
    assertThat(Offload.read(MemorySegment.ofArray(header), 0))
        .isEqualTo(Offload.of(Offload.DATA_VALID, 0xFF, 0xFFFF, 0, 0));
    header[0] = (byte) 0xFF;
    header[1] = 0;
    assertThat(Offload.read(MemorySegment.ofArray(header), 0))
        .isEqualTo(Offload.of(3, 0, 0, 0xFFFF, 0xFFFF));
  }

  @Test
  void a_header_length_never_exceeds_the_packet() {
    byte[] packet = Craft.packet("tcp4").build();
    MemorySegment written = MemorySegment.ofArray(new byte[10]);
    for (int length = 0; length <= packet.length; length++) {
      MemorySegment cut = MemorySegment.ofArray(Arrays.copyOf(packet, length));
      for (String kind : KINDS) {
        Offload.write(written, 0, word(kind, 100), cut, 0, length);
        assertThat(written.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2) & 0xFFFF)
            .as(kind + " of " + length)
            .isLessThanOrEqualTo(length);
      }
    }
  }

  @ParameterizedTest
  @FieldSource("KINDS")
  void a_packet_cut_anywhere_in_its_headers_is_refused(String kind) {
    for (int framing = 0; framing < 3; framing++) {
      Craft craft = Craft.packet(kind);
      if (framing > 0) {
        craft.frame = TestWords.frame(craft.v4, framing == 2);
      }
      craft.payload = new byte[300];
      byte[] packet = craft.buildPartial();
      long partial = TestWords.of(craft, 100);
      long verified = Offload.of(Offload.DATA_VALID, Offload.gsoType(partial), 100, 0, 0);
      for (int length = 0; length < packet.length; length++) {
        MemorySegment cut = MemorySegment.ofArray(Arrays.copyOf(packet, length));
        for (long word : new long[] {partial, verified}) {
          OffloadStatus status =
              Offload.check(word, framing == 0 ? Layer.L3 : Layer.L2, cut, 0, length);
          assertThat(status == OffloadStatus.OK)
              .as("framing %d, length %d: %s", framing, length, status)
              .isEqualTo(length >= craft.payloadStart());
        }
      }
    }
  }

  @Test
  void two_vlan_tags_are_passed_and_a_third_is_not() {
    Craft craft = Craft.packet("udp4");
    craft.payload = new byte[300];
    for (int tags = 0; tags <= 3; tags++) {
      byte[] frame = Arrays.copyOf(TestWords.ETHERNET4, 14 + 4 * tags);
      for (int i = 0; i < tags; i++) {
        Craft.put16(frame, 12 + 4 * i, i == 0 ? 0x88A8 : 0x8100);
        Craft.put16(frame, 14 + 4 * i, 7);
      }
      Craft.put16(frame, 12 + 4 * tags, 0x0800);
      craft.frame = frame;
      byte[] packet = craft.buildPartial();

      assertThat(
              Offload.check(
                  TestWords.of(craft, 100),
                  Layer.L2,
                  MemorySegment.ofArray(packet),
                  0,
                  packet.length))
          .as("%d tags", tags)
          .isEqualTo(tags <= 2 ? OffloadStatus.OK : OffloadStatus.WRONG_PROTOCOL);
    }
  }

  @Test
  void the_checksum_of_a_single_packet_has_to_be_within_it() {
    byte[] packet = Craft.packet("udp4").buildPartial();
    assertThat(packet).hasSize(28);

    assertThat(check(packet, Offload.of(1, 0, 0, 20, 6))).isEqualTo(OffloadStatus.OK);
    assertThat(check(packet, Offload.of(1, 0, 0, 21, 6)))
        .isEqualTo(OffloadStatus.BAD_CHECKSUM_RANGE);
    assertThat(check(packet, Offload.of(2, 0, 0, 0xFFFF, 0xFFFF))).isEqualTo(OffloadStatus.OK);
  }

  /** What is changed about a good super-packet or its word, and what is answered then. */
  record Fault(
      String name, String kind, Consumer<Craft> packet, long word, OffloadStatus expected) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static Fault fault(String name, String kind, long word, OffloadStatus expected) {
    return new Fault(name, kind, _ -> {}, word, expected);
  }

  static final List<Fault> FAULTS =
      List.of(
          fault("no size", "tcp4", word("tcp4", 0), OffloadStatus.NO_SEGMENT_SIZE),
          fault("UFO", "udp4", Offload.of(1, 3, 100, 20, 6), OffloadStatus.BAD_TYPE),
          fault("UDP with ECN", "udp4", Offload.of(1, 0x85, 100, 20, 6), OffloadStatus.BAD_TYPE),
          fault("ECN alone", "tcp4", Offload.of(1, 0x80, 100, 20, 16), OffloadStatus.BAD_TYPE),
          fault("beyond the end", "tcp4", range(65000, 16), OffloadStatus.BAD_CHECKSUM_RANGE),
          fault("field beyond", "tcp4", range(20, 65535), OffloadStatus.BAD_CHECKSUM_RANGE),
          fault("start too early", "tcp4", range(16, 16), OffloadStatus.BAD_CHECKSUM_RANGE),
          fault("start too late", "tcp4", range(24, 16), OffloadStatus.BAD_CHECKSUM_RANGE),
          fault("field elsewhere", "tcp4", range(20, 6), OffloadStatus.BAD_CHECKSUM_RANGE),
          fault(
              "start in the IPv6 header",
              "tcp6",
              Offload.of(1, 4, 100, 38, 16),
              OffloadStatus.BAD_CHECKSUM_RANGE),
          fault("IPv6 type", "tcp4", Offload.of(1, 4, 100, 20, 16), OffloadStatus.WRONG_PROTOCOL),
          fault("IPv4 type", "tcp6", Offload.of(1, 1, 100, 40, 16), OffloadStatus.WRONG_PROTOCOL),
          fault("UDP type", "tcp4", Offload.of(1, 5, 100, 20, 6), OffloadStatus.WRONG_PROTOCOL),
          fault("TCP type", "udp6", Offload.of(1, 4, 100, 40, 16), OffloadStatus.WRONG_PROTOCOL),
          new Fault(
              "fragment",
              "tcp4",
              each -> each.fragment = 0x2000,
              word("tcp4", 100),
              OffloadStatus.FRAGMENT));

  private static long range(int start, int offset) {
    return Offload.of(NEEDS_CSUM, Offload.TCPV4, 100, start, offset);
  }

  @ParameterizedTest
  @FieldSource("FAULTS")
  void a_word_that_does_not_fit_is_refused(Fault fault) {
    Craft craft = Craft.packet(fault.kind());
    craft.payload = new byte[300];
    fault.packet().accept(craft);
    byte[] packet = craft.buildPartial();

    assertThat(
            Offload.check(fault.word(), Layer.L3, MemorySegment.ofArray(packet), 0, packet.length))
        .isEqualTo(fault.expected());
  }

  @Test
  void a_header_shorter_or_longer_than_it_can_be_is_refused() {
    Craft craft = Craft.packet("tcp4");
    craft.payload = new byte[300];
    byte[] tcp = craft.buildPartial();
    tcp[32] = 0x40;
    byte[] ip = craft.buildPartial();
    ip[0] = 0x44;
    byte[] long6 = Craft.packet("udp6").buildPartial();

    assertThat(check(tcp, word("tcp4", 100))).isEqualTo(OffloadStatus.BAD_HEADER_LENGTH);
    assertThat(check(ip, word("tcp4", 100))).isEqualTo(OffloadStatus.BAD_HEADER_LENGTH);
    assertThat(check(Arrays.copyOf(long6, 400), Offload.of(1, 5, 100, 40 + 216, 6)))
        .isEqualTo(OffloadStatus.BAD_HEADER_LENGTH);
  }

  @Test
  void a_packet_longer_than_ip_allows_is_refused() {
    Craft craft = Craft.packet("tcp4");
    craft.payload = new byte[65_535 - 40];
    byte[] packet = craft.buildPartial();

    assertThat(check(packet, word("tcp4", 100))).isEqualTo(OffloadStatus.OK);
    assertThat(check(Arrays.copyOf(packet, 65_536), word("tcp4", 100)))
        .isEqualTo(OffloadStatus.TOO_LONG);
  }

  @Test
  void a_frame_that_carries_no_ip_is_refused() {
    Craft craft = Craft.packet("tcp4");
    craft.frame = TestWords.ETHERNET4.clone();
    craft.payload = new byte[300];
    long word = TestWords.of(craft, 100);
    byte[] frame = craft.buildPartial();
    MemorySegment segment = MemorySegment.ofArray(frame);

    assertThat(Offload.check(word, Layer.L2, segment, 0, frame.length)).isEqualTo(OffloadStatus.OK);
    frame[13] = 6;
    assertThat(Offload.check(word, Layer.L2, segment, 0, frame.length))
        .isEqualTo(OffloadStatus.WRONG_PROTOCOL);
    frame[12] = (byte) 0x86;
    frame[13] = (byte) 0xDD;
    assertThat(Offload.check(word, Layer.L2, segment, 0, frame.length))
        .as("IPv4 in a frame that says IPv6")
        .isEqualTo(OffloadStatus.WRONG_PROTOCOL);
  }

  @Test
  void any_header_is_read_and_what_was_written_is_read_again() {
    byte[] packet = Craft.packet("tcp4").build();
    MemorySegment segment = MemorySegment.ofArray(packet);
    for (long seed = SEED; seed < SEED + 20_000; seed++) {
      byte[] header = new byte[10];
      new Random(seed).nextBytes(header);
      MemorySegment written = MemorySegment.ofArray(new byte[10]);

      long word = Offload.read(MemorySegment.ofArray(header), 0);
      Offload.write(written, 0, word, segment, 0, packet.length);

      assertThat(Offload.read(written, 0)).as("seed " + seed).isEqualTo(word);
      assertThat(Offload.check(word, Layer.L3, segment, 0, packet.length))
          .as("seed " + seed)
          .isNotNull();
    }
  }

  private static OffloadStatus check(byte[] packet, long word) {
    return Offload.check(word, Layer.L3, MemorySegment.ofArray(packet), 0, packet.length);
  }

  /** The vectors are of a little-endian host. */
  private static byte[] hostOrder(byte[] header) {
    byte[] host = header.clone();
    if (ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN) {
      for (int i = 2; i < host.length; i += 2) {
        host[i] = header[i + 1];
        host[i + 1] = header[i];
      }
    }
    return host;
  }
}
