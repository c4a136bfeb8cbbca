package io.vnet.api.header;

import static io.vnet.api.header.HeaderBytes.OFFSET;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** IPv4 packets with and without options, fragments and padding, read and built. */
class Ipv4ViewTest {
  /** A UDP packet of 115 bytes whose header checksum, b861, has long been known. */
  private static final String KNOWN = "4500 0073 0000 4000 4011 b861 c0a80001 c0a800c7";

  private static final byte[] WITH_OPTIONS =
      HeaderBytes.hex("46b8 001c 1234 2001 ff01 0000 0a000001 0a0000ff 01010100 08000000");

  private final Ipv4View view = new Ipv4View();

  private static byte[] known() {
    return HeaderBytes.hex(KNOWN + "a5".repeat(95));
  }

  private HeaderStatus wrap(byte[] bytes) {
    return view.wrap(HeaderBytes.around(bytes), OFFSET, bytes.length);
  }

  @Test
  void a_header_without_options() {
    assertThat(wrap(known())).isEqualTo(HeaderStatus.OK);

    assertThat(view.headerBytes()).isEqualTo(20);
    assertThat(view.trafficClass()).isZero();
    assertThat(view.totalLength()).isEqualTo(115);
    assertThat(view.identification()).isZero();
    assertThat(view.dontFragment()).isTrue();
    assertThat(view.isFragment()).isFalse();
    assertThat(view.moreFragments()).isFalse();
    assertThat(view.fragmentOffset()).isZero();
    assertThat(view.timeToLive()).isEqualTo(64);
    assertThat(view.protocol()).isEqualTo(IpProtocols.UDP);
    assertThat(view.source()).hasToString("192.168.0.1");
    assertThat(view.sourceBits()).isEqualTo(0xc0a80001);
    assertThat(view.destination()).hasToString("192.168.0.199");
    assertThat(view.destinationBits()).isEqualTo(0xc0a800c7);
    assertThat(view.payloadOffset()).isEqualTo(OFFSET + 20);
    assertThat(view.payloadLength()).isEqualTo(95);
    assertThat(view.checksumIsRight()).isTrue();
    assertThat(InternetChecksum.fold(view.pseudoHeaderSum()))
        .isEqualTo(
            InternetChecksum.fold(
                InternetChecksum.pseudoHeader(0xc0a80001, 0xc0a800c7, IpProtocols.UDP, 95)));
  }

  @Test
  void options_belong_to_the_header() {
    assertThat(wrap(WITH_OPTIONS)).isEqualTo(HeaderStatus.OK);

    assertThat(view.headerBytes()).isEqualTo(24);
    assertThat(view.trafficClass()).isEqualTo(0xb8);
    assertThat(view.identification()).isEqualTo(0x1234);
    assertThat(view.timeToLive()).isEqualTo(255);
    assertThat(view.payloadOffset()).isEqualTo(OFFSET + 24);
    assertThat(view.payloadLength()).isEqualTo(4);
    assertThat(view.checksumIsRight()).isFalse();

    view.updateChecksum();
    assertThat(view.checksumIsRight()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "0000, false, false, false, 0",
    "4000, true, false, false, 0",
    "8000, false, false, false, 0",
    "2000, false, true, true, 0",
    "2001, false, true, true, 8",
    "0001, false, true, false, 8",
    "6001, true, true, true, 8",
    "1fff, false, true, false, 65528"
  })
  void the_fragment_field_has_two_flags_and_an_offset(
      String field, boolean dont, boolean fragment, boolean more, int offset) {
    byte[] bytes = known();
    System.arraycopy(HeaderBytes.hex(field), 0, bytes, 6, 2);

    assertThat(wrap(bytes)).isEqualTo(HeaderStatus.OK);

    assertThat(view.dontFragment()).isEqualTo(dont);
    assertThat(view.isFragment()).isEqualTo(fragment);
    assertThat(view.moreFragments()).isEqualTo(more);
    assertThat(view.fragmentOffset()).isEqualTo(offset);
  }

  @Test
  void what_follows_the_total_length_is_padding() {
    byte[] bytes = HeaderBytes.hex(KNOWN + "a5".repeat(126));

    assertThat(wrap(bytes)).isEqualTo(HeaderStatus.OK);

    assertThat(view.payloadLength()).isEqualTo(95);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 65, BAD_VERSION",
    "0, 05, BAD_VERSION",
    "0, f5, BAD_VERSION",
    "0, 44, BAD_HEADER_LENGTH",
    "0, 40, BAD_HEADER_LENGTH",
    "3, 13, BAD_TOTAL_LENGTH",
    "3, 00, BAD_TOTAL_LENGTH",
    "3, 74, TRUNCATED",
    "2, ff, TRUNCATED"
  })
  void a_header_that_contradicts_itself_is_named(int place, String value, HeaderStatus expected) {
    byte[] bytes = known();
    bytes[place] = HeaderBytes.hex(value)[0];

    assertThat(wrap(bytes)).isEqualTo(expected);
  }

  @Test
  void a_total_length_within_the_options_is_named() {
    byte[] bytes = WITH_OPTIONS.clone();
    bytes[3] = 23;

    assertThat(wrap(bytes)).isEqualTo(HeaderStatus.BAD_TOTAL_LENGTH);
  }

  @Test
  void a_packet_cut_anywhere_is_truncated() {
    assertThat(HeaderBytes.truncations(view, known())).containsOnly(HeaderStatus.TRUNCATED);
    assertThat(HeaderBytes.truncations(view, WITH_OPTIONS)).containsOnly(HeaderStatus.TRUNCATED);
  }

  @Test
  void building_writes_a_header_with_its_checksum_over_dirt() {
    MemorySegment segment = HeaderBytes.dirty(120);

    HeaderStatus status =
        view.build(segment, OFFSET, 120, IpProtocols.UDP, 0xc0a80001, 0xc0a800c7, 95);

    assertThat(status).isEqualTo(HeaderStatus.OK);
    assertThat(HeaderBytes.hexAt(segment, 20)).isEqualTo(KNOWN.replace(" ", ""));
    assertThat(HeaderBytes.dirtyAround(segment, 20)).isTrue();
    assertThat(view.checksumIsRight()).isTrue();
  }

  @Test
  void the_largest_payload_is_built_and_a_larger_one_is_not() {
    int most = 65535 - Ipv4View.HEADER_BYTES;
    MemorySegment segment = HeaderBytes.dirty(65600);

    assertThat(view.build(segment, OFFSET, 65600, 17, 1, 2, most + 1))
        .isEqualTo(HeaderStatus.TRUNCATED);
    assertThat(HeaderBytes.dirtyAround(segment, 0)).isTrue();
    assertThat(view.build(segment, OFFSET, 65600, 17, 1, 2, most)).isEqualTo(HeaderStatus.OK);
    assertThat(view.totalLength()).isEqualTo(65535);
    assertThat(view.payloadLength()).isEqualTo(most);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 1000, Integer.MAX_VALUE - 20, Integer.MAX_VALUE})
  void building_without_room_writes_nothing(int payloadLength) {
    MemorySegment segment = HeaderBytes.dirty(40);

    for (int room = 0; room <= Ipv4View.HEADER_BYTES; room++) {
      assertThat(view.build(segment, OFFSET, room, 17, 1, 2, payloadLength))
          .isEqualTo(HeaderStatus.TRUNCATED);
    }
    assertThat(HeaderBytes.dirtyAround(segment, 0)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, -5, -20, -21, Integer.MIN_VALUE})
  void building_less_than_no_payload_writes_nothing(int payloadLength) {
    MemorySegment segment = HeaderBytes.dirty(40);

    assertThat(view.build(segment, OFFSET, 19, 17, 1, 2, payloadLength))
        .isEqualTo(HeaderStatus.BAD_TOTAL_LENGTH);
    assertThat(view.build(segment, OFFSET, 40, 17, 1, 2, payloadLength))
        .isEqualTo(HeaderStatus.BAD_TOTAL_LENGTH);

    assertThat(HeaderBytes.dirtyAround(segment, 0)).isTrue();
  }

  @Test
  void swapping_the_addresses_keeps_the_checksum_right() {
    wrap(known());

    view.swapAddresses();

    assertThat(view.source()).hasToString("192.168.0.199");
    assertThat(view.destination()).hasToString("192.168.0.1");
    assertThat(view.checksumIsRight()).isTrue();
  }

  @Test
  void every_number_of_hops_left_keeps_the_checksum_right() {
    wrap(known());

    for (int hops = 255; hops >= 0; hops--) {
      view.setTimeToLive(hops);
      assertThat(view.timeToLive()).isEqualTo(hops);
      assertThat(view.checksumIsRight()).as("%d hops", hops).isTrue();
    }
    assertThat(view.protocol()).isEqualTo(IpProtocols.UDP);
  }

  @Test
  void each_flipped_bit_of_the_header_is_found_by_the_checksum() {
    for (int bit = 0; bit < 160; bit++) {
      byte[] bytes = known();
      bytes[bit / 8] ^= (byte) (0x80 >> bit % 8);
      if (wrap(bytes) == HeaderStatus.OK) {
        assertThat(view.checksumIsRight()).as("bit %d", bit).isFalse();
      }
    }
  }
}
