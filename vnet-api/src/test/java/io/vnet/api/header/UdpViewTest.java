package io.vnet.api.header;

import static io.vnet.api.header.HeaderBytes.OFFSET;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** UDP datagrams, read and built, with checksums known from elsewhere. */
class UdpViewTest {
  private static final byte[] ABC = HeaderBytes.hex("1f90 0035 000b 96b0 616263");
  private static final long V4_SUM = pseudoHeader(11);
  private static final long V6_SUM =
      InternetChecksum.pseudoHeader(
          0x20010db800000000L, 1, 0xff02000000000000L, 2, IpProtocols.UDP, 11);

  private final UdpView view = new UdpView();

  private static long pseudoHeader(int length) {
    return InternetChecksum.pseudoHeader(0xc0000201, 0xc00002fe, IpProtocols.UDP, length);
  }

  private HeaderStatus wrap(byte[] bytes) {
    return view.wrap(HeaderBytes.around(bytes), OFFSET, bytes.length);
  }

  @Test
  void a_datagram_has_ports_and_a_length() {
    assertThat(wrap(ABC)).isEqualTo(HeaderStatus.OK);

    assertThat(view.sourcePort()).isEqualTo(8080);
    assertThat(view.destinationPort()).isEqualTo(53);
    assertThat(view.payloadOffset()).isEqualTo(OFFSET + 8);
    assertThat(view.payloadLength()).isEqualTo(3);
  }

  @Test
  void a_port_is_unsigned() {
    assertThat(wrap(HeaderBytes.hex("ffff 8000 0008 0000"))).isEqualTo(HeaderStatus.OK);

    assertThat(view.sourcePort()).isEqualTo(65535);
    assertThat(view.destinationPort()).isEqualTo(32768);
  }

  @Test
  void the_known_checksum_is_right_and_another_is_not() {
    wrap(ABC);
    assertThat(view.checksumIsRight(V4_SUM)).isTrue();
    assertThat(view.checksumIsRight(V6_SUM)).isFalse();

    byte[] other = ABC.clone();
    other[10] ^= 1;
    wrap(other);
    assertThat(view.checksumIsRight(V4_SUM)).isFalse();
  }

  @Test
  void updating_writes_the_known_checksums() {
    MemorySegment segment = HeaderBytes.around(ABC);
    view.wrap(segment, OFFSET, ABC.length);

    view.updateChecksum(V6_SUM);
    assertThat(HeaderBytes.hexAt(segment, 11)).isEqualTo("1f900035000beef1616263");
    assertThat(view.checksumIsRight(V6_SUM)).isTrue();

    view.updateChecksum(V4_SUM);
    assertThat(HeaderBytes.hexAt(segment, 11)).isEqualTo("1f900035000b96b0616263");
    assertThat(HeaderBytes.dirtyAround(segment, 11)).isTrue();
  }

  @Test
  void a_checksum_of_zero_is_sent_as_its_other_form() {
    byte[] bytes = HeaderBytes.hex("1f90 0035 000a 0000 5b15");
    MemorySegment segment = HeaderBytes.around(bytes);
    view.wrap(segment, OFFSET, bytes.length);

    view.updateChecksum(pseudoHeader(10));

    assertThat(HeaderBytes.hexAt(segment, 10)).isEqualTo("1f900035000affff5b15");
    assertThat(view.checksumIsRight(pseudoHeader(10))).isTrue();
  }

  @Test
  void an_absent_checksum_is_not_wrong() {
    wrap(HeaderBytes.hex("1f90 0035 000b 0000 616263"));

    assertThat(view.checksumIsRight(V4_SUM)).isTrue();
  }

  @Test
  void the_checksum_covers_the_datagram_and_not_what_follows() {
    byte[] padded = Arrays.copyOf(ABC, 20);
    padded[15] = 99;

    assertThat(wrap(padded)).isEqualTo(HeaderStatus.OK);

    assertThat(view.payloadLength()).isEqualTo(3);
    assertThat(view.checksumIsRight(V4_SUM)).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "0000, BAD_TOTAL_LENGTH",
    "0007, BAD_TOTAL_LENGTH",
    "0008, OK",
    "000c, TRUNCATED",
    "ffff, TRUNCATED"
  })
  void a_length_that_cannot_be_is_named(String length, HeaderStatus expected) {
    byte[] bytes = ABC.clone();
    System.arraycopy(HeaderBytes.hex(length), 0, bytes, 4, 2);

    assertThat(wrap(bytes)).isEqualTo(expected);
  }

  @Test
  void a_datagram_cut_anywhere_is_truncated() {
    assertThat(HeaderBytes.truncations(view, ABC)).containsOnly(HeaderStatus.TRUNCATED);
  }

  @Test
  void building_writes_eight_bytes_over_dirt() {
    MemorySegment segment = HeaderBytes.dirty(20);
    MemorySegment.copy(ABC, 8, segment, ValueLayout.JAVA_BYTE, OFFSET + 8, 3);

    assertThat(view.build(segment, OFFSET, 20, 8080, 53, 3)).isEqualTo(HeaderStatus.OK);
    assertThat(HeaderBytes.hexAt(segment, 11)).isEqualTo("1f900035000b0000616263");
    assertThat(HeaderBytes.dirtyAround(segment, 11)).isTrue();

    view.updateChecksum(V4_SUM);
    assertThat(HeaderBytes.hexAt(segment, 11)).isEqualTo("1f900035000b96b0616263");
  }

  @Test
  void the_largest_payload_is_built_and_a_larger_one_is_not() {
    MemorySegment segment = HeaderBytes.dirty(65600);

    assertThat(view.build(segment, OFFSET, 65600, 1, 2, 65528)).isEqualTo(HeaderStatus.TRUNCATED);
    assertThat(HeaderBytes.dirtyAround(segment, 0)).isTrue();
    assertThat(view.build(segment, OFFSET, 65600, 1, 2, 65527)).isEqualTo(HeaderStatus.OK);
    assertThat(view.payloadLength()).isEqualTo(65527);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 1000, Integer.MAX_VALUE - 8, Integer.MAX_VALUE})
  void building_without_room_writes_nothing(int payloadLength) {
    MemorySegment segment = HeaderBytes.dirty(20);

    for (int room = 0; room <= UdpView.HEADER_BYTES; room++) {
      assertThat(view.build(segment, OFFSET, room, 1, 2, payloadLength))
          .isEqualTo(HeaderStatus.TRUNCATED);
    }
    assertThat(HeaderBytes.dirtyAround(segment, 0)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, -5, -8, -9, Integer.MIN_VALUE})
  void building_less_than_no_payload_writes_nothing(int payloadLength) {
    MemorySegment segment = HeaderBytes.dirty(20);

    assertThat(view.build(segment, OFFSET, 3, 1, 2, payloadLength))
        .isEqualTo(HeaderStatus.BAD_TOTAL_LENGTH);
    assertThat(view.build(segment, OFFSET, 20, 1, 2, payloadLength))
        .isEqualTo(HeaderStatus.BAD_TOTAL_LENGTH);

    assertThat(HeaderBytes.dirtyAround(segment, 0)).isTrue();
  }
}
