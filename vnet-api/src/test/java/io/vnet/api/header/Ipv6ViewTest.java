package io.vnet.api.header;

import static io.vnet.api.header.HeaderBytes.OFFSET;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** IPv6 packets and their extension headers. */
class Ipv6ViewTest {
  private static final String SOURCE = "20010db8000000000000000000000001";
  private static final String DESTINATION = "ff020000000000000000000000000002";
  private static final String UDP = "1f90 0035 000a 0000 6869";

  private final Ipv6View view = new Ipv6View();

  /** A packet whose payload is extensions and upper layer together. */
  private static byte[] packet(int nextHeader, String... payload) {
    byte[] bytes = HeaderBytes.hex(String.join("", payload));
    String header = "6ab12345 %04x %02x 40 ".formatted(bytes.length, nextHeader);
    return HeaderBytes.hex(header + SOURCE + DESTINATION + String.join("", payload));
  }

  private HeaderStatus wrap(byte[] bytes) {
    return view.wrap(HeaderBytes.around(bytes), OFFSET, bytes.length);
  }

  /** An extension header of {@code length} bytes whose second byte is {@code lengthField}. */
  private static String extension(int nextHeader, int lengthField, int length) {
    return "%02x %02x".formatted(nextHeader, lengthField) + "00".repeat(length - 2);
  }

  private static String fragment(int nextHeader, String field) {
    return "%02x 00 %s 01020304".formatted(nextHeader, field);
  }

  @Test
  void a_packet_without_extensions() {
    assertThat(wrap(packet(IpProtocols.UDP, UDP))).isEqualTo(HeaderStatus.OK);

    assertThat(view.trafficClass()).isEqualTo(0xab);
    assertThat(view.flowLabel()).isEqualTo(0x12345);
    assertThat(view.hopLimit()).isEqualTo(64);
    assertThat(view.protocol()).isEqualTo(IpProtocols.UDP);
    assertThat(view.source()).hasToString("2001:db8::1");
    assertThat(view.destination()).hasToString("ff02::2");
    assertThat(view.isFragment()).isFalse();
    assertThat(view.fragmentOffset()).isZero();
    assertThat(view.payloadOffset()).isEqualTo(OFFSET + 40);
    assertThat(view.payloadLength()).isEqualTo(10);
  }

  @Test
  void a_packet_without_payload() {
    assertThat(wrap(packet(IpProtocols.NO_NEXT_HEADER))).isEqualTo(HeaderStatus.OK);

    assertThat(view.protocol()).isEqualTo(IpProtocols.NO_NEXT_HEADER);
    assertThat(view.payloadLength()).isZero();
  }

  @Test
  void padding_behind_the_payload_does_not_count() {
    byte[] bytes = packet(IpProtocols.UDP, UDP);
    byte[] padded = Arrays.copyOf(bytes, bytes.length + 7);

    assertThat(wrap(padded)).isEqualTo(HeaderStatus.OK);

    assertThat(view.payloadLength()).isEqualTo(10);
  }

  @Test
  void a_chain_of_all_extensions_leads_to_the_upper_layer() {
    byte[] bytes =
        packet(
            IpProtocols.HOP_BY_HOP,
            extension(IpProtocols.DESTINATION_OPTIONS, 0, 8),
            extension(IpProtocols.ROUTING, 1, 16),
            extension(IpProtocols.FRAGMENT, 2, 24),
            fragment(IpProtocols.AUTHENTICATION, "0001"),
            extension(IpProtocols.UDP, 4, 24),
            UDP);

    assertThat(wrap(bytes)).isEqualTo(HeaderStatus.OK);

    assertThat(view.protocol()).isEqualTo(IpProtocols.UDP);
    assertThat(view.payloadOffset()).isEqualTo(OFFSET + 40 + 8 + 16 + 24 + 8 + 24);
    assertThat(view.payloadLength()).isEqualTo(10);
    assertThat(view.isFragment()).isTrue();
    assertThat(view.fragmentOffset()).isZero();
  }

  @Test
  void a_later_fragment_has_no_upper_layer_header_to_look_for() {
    byte[] bytes =
        packet(
            IpProtocols.FRAGMENT,
            fragment(IpProtocols.DESTINATION_OPTIONS, "05a8"),
            "ffffffffffffffffffffffff");

    assertThat(wrap(bytes)).isEqualTo(HeaderStatus.OK);

    assertThat(view.isFragment()).isTrue();
    assertThat(view.fragmentOffset()).isEqualTo(0x05a8);
    assertThat(view.protocol()).isEqualTo(IpProtocols.DESTINATION_OPTIONS);
    assertThat(view.payloadOffset()).isEqualTo(OFFSET + 48);
    assertThat(view.payloadLength()).isEqualTo(12);
  }

  @ParameterizedTest
  @CsvSource({
    "0000, false, 0",
    "0006, false, 0",
    "0001, true, 0",
    "0008, true, 8",
    "0009, true, 8",
    "fff8, true, 65528"
  })
  void the_fragment_field_has_an_offset_and_a_flag(String field, boolean fragment, int offset) {
    assertThat(wrap(packet(IpProtocols.FRAGMENT, fragment(IpProtocols.UDP, field), UDP)))
        .isEqualTo(HeaderStatus.OK);

    assertThat(view.isFragment()).isEqualTo(fragment);
    assertThat(view.fragmentOffset()).isEqualTo(offset);
  }

  @Test
  void a_view_forgets_the_extensions_of_the_packet_before() {
    wrap(packet(IpProtocols.FRAGMENT, fragment(IpProtocols.TCP, "0009"), UDP));

    assertThat(wrap(packet(IpProtocols.UDP, UDP))).isEqualTo(HeaderStatus.OK);

    assertThat(view.isFragment()).isFalse();
    assertThat(view.payloadOffset()).isEqualTo(OFFSET + 40);
    assertThat(view.payloadLength()).isEqualTo(10);
  }

  @Test
  void eight_extensions_are_followed_and_nine_are_not() {
    List<String> chain =
        new ArrayList<>(Collections.nCopies(8, extension(IpProtocols.DESTINATION_OPTIONS, 0, 8)));
    chain.add(extension(IpProtocols.NO_NEXT_HEADER, 0, 8));
    String[] nine = chain.toArray(String[]::new);
    String[] eight = chain.subList(1, 9).toArray(String[]::new);

    assertThat(wrap(packet(IpProtocols.DESTINATION_OPTIONS, eight))).isEqualTo(HeaderStatus.OK);
    assertThat(view.protocol()).isEqualTo(IpProtocols.NO_NEXT_HEADER);
    assertThat(view.payloadLength()).isZero();
    assertThat(wrap(packet(IpProtocols.DESTINATION_OPTIONS, nine)))
        .isEqualTo(HeaderStatus.BAD_TYPE);
  }

  @ParameterizedTest
  @ValueSource(
      ints = {
        IpProtocols.HOP_BY_HOP,
        IpProtocols.ROUTING,
        IpProtocols.DESTINATION_OPTIONS,
        IpProtocols.AUTHENTICATION
      })
  void an_extension_that_is_longer_than_the_payload_is_truncated(int extension) {
    assertThat(wrap(packet(extension, extension(IpProtocols.UDP, 3, 16))))
        .isEqualTo(HeaderStatus.TRUNCATED);
    assertThat(wrap(packet(extension, extension(IpProtocols.UDP, 255, 256))))
        .isEqualTo(HeaderStatus.TRUNCATED);
    assertThat(wrap(packet(extension, "11 00 0000 000000"))).isEqualTo(HeaderStatus.TRUNCATED);
    assertThat(wrap(packet(extension))).isEqualTo(HeaderStatus.TRUNCATED);
  }

  @Test
  void an_extension_beyond_the_payload_length_is_truncated_even_if_bytes_follow() {
    byte[] bytes = packet(IpProtocols.ROUTING, extension(IpProtocols.UDP, 1, 16));
    bytes[5] = 15;

    assertThat(wrap(bytes)).isEqualTo(HeaderStatus.TRUNCATED);
  }

  @Test
  void another_version_is_named() {
    byte[] bytes = packet(IpProtocols.UDP, UDP);
    for (int version = 0; version < 16; version++) {
      bytes[0] = (byte) (version << 4 | 0xa);
      assertThat(wrap(bytes)).isEqualTo(version == 6 ? HeaderStatus.OK : HeaderStatus.BAD_VERSION);
    }
  }

  @Test
  void a_packet_cut_anywhere_is_truncated() {
    byte[] plain = packet(IpProtocols.UDP, UDP);
    byte[] chain =
        packet(
            IpProtocols.HOP_BY_HOP,
            extension(IpProtocols.FRAGMENT, 0, 8),
            fragment(IpProtocols.AUTHENTICATION, "0001"),
            extension(IpProtocols.UDP, 4, 24),
            UDP);

    assertThat(HeaderBytes.truncations(view, plain)).containsOnly(HeaderStatus.TRUNCATED);
    assertThat(HeaderBytes.truncations(view, chain)).containsOnly(HeaderStatus.TRUNCATED);
  }

  @Test
  void a_chain_whose_payload_length_ends_anywhere_within_it_is_truncated() {
    byte[] chain =
        packet(
            IpProtocols.HOP_BY_HOP,
            extension(IpProtocols.FRAGMENT, 0, 8),
            fragment(IpProtocols.AUTHENTICATION, "0001"),
            extension(IpProtocols.UDP, 4, 24),
            UDP);
    for (int length = 0; length < 40; length++) {
      chain[5] = (byte) length;
      assertThat(wrap(chain)).as("payload length %d", length).isEqualTo(HeaderStatus.TRUNCATED);
    }
    for (int length = 40; length <= 50; length++) {
      chain[5] = (byte) length;
      assertThat(wrap(chain)).as("payload length %d", length).isEqualTo(HeaderStatus.OK);
      assertThat(view.payloadLength()).isEqualTo(length - 40);
    }
  }

  @Test
  void an_authentication_header_anywhere_in_the_chain_is_told() {
    wrap(
        packet(
            IpProtocols.HOP_BY_HOP,
            extension(IpProtocols.AUTHENTICATION, 0, 8),
            extension(IpProtocols.UDP, 4, 24),
            UDP));
    assertThat(view.isAuthenticated()).isTrue();
    assertThat(view.protocol()).isEqualTo(IpProtocols.UDP);

    wrap(packet(IpProtocols.HOP_BY_HOP, extension(IpProtocols.UDP, 1, 16), UDP));
    assertThat(view.isAuthenticated()).isFalse();
  }

  @Test
  void the_pseudo_header_counts_the_upper_layer_alone() {
    long expected =
        InternetChecksum.pseudoHeader(
            0x20010db800000000L, 1, 0xff02000000000000L, 2, IpProtocols.UDP, 10);

    wrap(packet(IpProtocols.UDP, UDP));
    assertThat(InternetChecksum.fold(view.pseudoHeaderSum()))
        .isEqualTo(InternetChecksum.fold(expected));

    wrap(packet(IpProtocols.HOP_BY_HOP, extension(IpProtocols.UDP, 1, 16), UDP));
    assertThat(InternetChecksum.fold(view.pseudoHeaderSum()))
        .isEqualTo(InternetChecksum.fold(expected));
  }

  @Test
  void addresses_and_hop_limit_are_changed_in_place() {
    byte[] bytes = packet(IpProtocols.UDP, UDP);
    MemorySegment segment = HeaderBytes.around(bytes);
    view.wrap(segment, OFFSET, bytes.length);
    long sum = view.pseudoHeaderSum();

    view.swapAddresses();
    view.setHopLimit(255);

    assertThat(view.source()).hasToString("ff02::2");
    assertThat(view.destination()).hasToString("2001:db8::1");
    assertThat(view.hopLimit()).isEqualTo(255);
    assertThat(InternetChecksum.fold(view.pseudoHeaderSum())).isEqualTo(InternetChecksum.fold(sum));
    assertThat(HeaderBytes.hexAt(segment, 40)).isEqualTo("6ab12345000a11ff" + DESTINATION + SOURCE);
    assertThat(HeaderBytes.dirtyAround(segment, bytes.length)).isTrue();
  }
}
