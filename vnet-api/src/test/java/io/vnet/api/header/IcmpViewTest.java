package io.vnet.api.header;

import static io.vnet.api.header.HeaderBytes.OFFSET;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

/** ICMP and ICMPv6 echoes, with checksums known from elsewhere. */
class IcmpViewTest {
  private static final byte[] REQUEST = HeaderBytes.hex("0800 bc03 1234 0001 6162636465");
  private static final String REPLY = "0000c403123400016162636465";
  private static final byte[] V6_REQUEST = HeaderBytes.hex("8000 16fd 1234 0001 6162636465");
  private static final long V6_SUM =
      InternetChecksum.pseudoHeader(
          0x20010db800000000L, 1, 0xff02000000000000L, 2, IpProtocols.ICMPV6, 13);

  private final IcmpView view = new IcmpView();

  private HeaderStatus wrap(byte[] bytes) {
    return view.wrap(HeaderBytes.around(bytes), OFFSET, bytes.length);
  }

  @Test
  void an_echo_has_an_identifier_and_a_sequence_number() {
    assertThat(wrap(REQUEST)).isEqualTo(HeaderStatus.OK);

    assertThat(view.type()).isEqualTo(IcmpView.ECHO_REQUEST);
    assertThat(view.code()).isZero();
    assertThat(view.identifier()).isEqualTo(0x1234);
    assertThat(view.sequence()).isEqualTo(1);
    assertThat(view.payloadOffset()).isEqualTo(OFFSET + 8);
    assertThat(view.payloadLength()).isEqualTo(5);
  }

  @Test
  void known_checksums_are_right_with_and_without_a_pseudo_header() {
    wrap(REQUEST);
    assertThat(view.checksumIsRight(0)).isTrue();
    assertThat(view.checksumIsRight(V6_SUM)).isFalse();

    wrap(V6_REQUEST);
    assertThat(view.type()).isEqualTo(IcmpView.V6_ECHO_REQUEST);
    assertThat(view.checksumIsRight(V6_SUM)).isTrue();
    assertThat(view.checksumIsRight(0)).isFalse();
  }

  @Test
  void a_request_becomes_its_reply_with_a_right_checksum() {
    MemorySegment segment = HeaderBytes.around(REQUEST);
    view.wrap(segment, OFFSET, REQUEST.length);

    view.setType(IcmpView.ECHO_REPLY);

    assertThat(HeaderBytes.hexAt(segment, REQUEST.length)).isEqualTo(REPLY);
    assertThat(HeaderBytes.dirtyAround(segment, REQUEST.length)).isTrue();
    assertThat(view.checksumIsRight(0)).isTrue();

    wrap(V6_REQUEST);
    view.setType(IcmpView.V6_ECHO_REPLY);
    assertThat(view.type()).isEqualTo(129);
    assertThat(view.checksumIsRight(V6_SUM)).isTrue();
  }

  @Test
  void updating_writes_the_known_checksum_over_dirt() {
    byte[] bytes = V6_REQUEST.clone();
    bytes[2] = (byte) 0xa5;
    bytes[3] = (byte) 0xa5;
    MemorySegment segment = HeaderBytes.around(bytes);
    view.wrap(segment, OFFSET, bytes.length);

    view.updateChecksum(V6_SUM);

    assertThat(HeaderBytes.hexAt(segment, 13)).isEqualTo("800016fd123400016162636465");
  }

  @Test
  void building_writes_a_header_before_the_payload_over_dirt() {
    MemorySegment segment = HeaderBytes.dirty(13);
    MemorySegment.copy(REQUEST, 8, segment, ValueLayout.JAVA_BYTE, OFFSET + 8, 5);

    HeaderStatus status = view.buildEcho(segment, OFFSET, 13, IcmpView.ECHO_REPLY, 0x1234, 1);

    assertThat(status).isEqualTo(HeaderStatus.OK);
    assertThat(HeaderBytes.hexAt(segment, 13)).isEqualTo(REPLY);
    assertThat(HeaderBytes.dirtyAround(segment, 13)).isTrue();
  }

  @Test
  void building_without_room_writes_nothing() {
    MemorySegment segment = HeaderBytes.dirty(8);

    for (int room = 0; room < IcmpView.HEADER_BYTES; room++) {
      assertThat(view.buildEcho(segment, OFFSET, room, 8, 1, 1)).isEqualTo(HeaderStatus.TRUNCATED);
    }
    assertThat(HeaderBytes.dirtyAround(segment, 0)).isTrue();
  }

  @Test
  void a_message_may_end_with_its_header_and_no_earlier() {
    HeaderStatus[] statuses = HeaderBytes.truncations(view, REQUEST);
    for (int length = 0; length < statuses.length; length++) {
      assertThat(statuses[length])
          .as("cut to %d bytes", length)
          .isEqualTo(length < 8 ? HeaderStatus.TRUNCATED : HeaderStatus.OK);
    }
  }
}
