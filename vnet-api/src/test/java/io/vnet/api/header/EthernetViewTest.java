package io.vnet.api.header;

import static io.vnet.api.header.HeaderBytes.OFFSET;
import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.MacAddress;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** Ethernet frames with no, one and two tags, read and built. */
class EthernetViewTest {
  private static final byte[] PLAIN = HeaderBytes.hex("ffffffffffff 020000000001 0800 45000001");
  private static final byte[] TAGGED =
      HeaderBytes.hex("020000000002 020000000001 8100 b00a 86dd 6000");
  private static final byte[] DOUBLE =
      HeaderBytes.hex("020000000002 020000000001 88a8 0fff 8100 0001 0806 aabbcc");

  private final EthernetView view = new EthernetView();

  private HeaderStatus wrap(byte[] bytes) {
    return view.wrap(HeaderBytes.around(bytes), OFFSET, bytes.length);
  }

  @Test
  void a_frame_without_a_tag() {
    assertThat(wrap(PLAIN)).isEqualTo(HeaderStatus.OK);

    assertThat(view.destination()).isEqualTo(MacAddress.BROADCAST);
    assertThat(view.destinationBits()).isEqualTo(0xffff_ffff_ffffL);
    assertThat(view.source()).hasToString("02:00:00:00:00:01");
    assertThat(view.sourceBits()).isEqualTo(0x0200_0000_0001L);
    assertThat(view.type()).isEqualTo(EtherTypes.IPV4);
    assertThat(view.tags()).isZero();
    assertThat(view.vlan()).isEqualTo(-1);
    assertThat(view.payloadOffset()).isEqualTo(OFFSET + 14);
    assertThat(view.payloadLength()).isEqualTo(4);
  }

  @Test
  void a_tags_vlan_is_its_low_twelve_bits() {
    assertThat(wrap(TAGGED)).isEqualTo(HeaderStatus.OK);

    assertThat(view.type()).isEqualTo(EtherTypes.IPV6);
    assertThat(view.tags()).isEqualTo(1);
    assertThat(view.vlan()).isEqualTo(10);
    assertThat(view.payloadOffset()).isEqualTo(OFFSET + 18);
    assertThat(view.payloadLength()).isEqualTo(2);
  }

  @Test
  void of_two_tags_the_outer_one_is_the_vlan() {
    assertThat(wrap(DOUBLE)).isEqualTo(HeaderStatus.OK);

    assertThat(view.type()).isEqualTo(EtherTypes.ARP);
    assertThat(view.tags()).isEqualTo(2);
    assertThat(view.vlan()).isEqualTo(4095);
    assertThat(view.payloadOffset()).isEqualTo(OFFSET + 22);
    assertThat(view.payloadLength()).isEqualTo(3);
  }

  @Test
  void a_third_tag_is_payload() {
    byte[] bytes = HeaderBytes.hex("020000000002 020000000001 88a8 0001 8100 0002 8100 0003 0800");

    assertThat(wrap(bytes)).isEqualTo(HeaderStatus.OK);

    assertThat(view.tags()).isEqualTo(2);
    assertThat(view.type()).isEqualTo(EtherTypes.VLAN);
    assertThat(view.payloadLength()).isEqualTo(4);
  }

  @Test
  void a_view_forgets_the_tags_of_the_frame_before() {
    wrap(DOUBLE);

    assertThat(wrap(PLAIN)).isEqualTo(HeaderStatus.OK);

    assertThat(view.tags()).isZero();
    assertThat(view.payloadOffset()).isEqualTo(OFFSET + 14);
  }

  @Test
  void a_frame_may_end_with_its_header_and_no_earlier() {
    byte[][] frames = {PLAIN, TAGGED, DOUBLE};
    int[] headers = {14, 18, 22};
    for (int i = 0; i < frames.length; i++) {
      HeaderStatus[] statuses = HeaderBytes.truncations(view, frames[i]);
      for (int length = 0; length < statuses.length; length++) {
        assertThat(statuses[length])
            .as("frame %d cut to %d bytes", i, length)
            .isEqualTo(length < headers[i] ? HeaderStatus.TRUNCATED : HeaderStatus.OK);
      }
    }
  }

  @Test
  void building_writes_fourteen_bytes_over_dirt() {
    MemorySegment segment = HeaderBytes.dirty(20);

    HeaderStatus status =
        view.build(segment, OFFSET, 20, 0xffff_ffff_ffffL, 0x8200_0000_0001L, EtherTypes.IPV6);

    assertThat(status).isEqualTo(HeaderStatus.OK);
    assertThat(HeaderBytes.hexAt(segment, 14)).isEqualTo("ffffffffffff82000000000186dd");
    assertThat(HeaderBytes.dirtyAround(segment, 14)).isTrue();
    assertThat(view.payloadLength()).isEqualTo(6);
    assertThat(view.tags()).isZero();
  }

  @Test
  void building_over_dirt_that_looks_like_a_tag_gives_no_tag() {
    MemorySegment segment = HeaderBytes.around(TAGGED);

    view.build(segment, OFFSET, TAGGED.length, 1, 2, EtherTypes.IPV4);

    assertThat(view.tags()).isZero();
    assertThat(view.type()).isEqualTo(EtherTypes.IPV4);
  }

  @Test
  void building_without_room_writes_nothing() {
    MemorySegment segment = HeaderBytes.dirty(14);

    for (int room = 0; room < EthernetView.HEADER_BYTES; room++) {
      assertThat(view.build(segment, OFFSET, room, 1, 2, 3)).isEqualTo(HeaderStatus.TRUNCATED);
    }
    assertThat(HeaderBytes.dirtyAround(segment, 0)).isTrue();
  }

  @Test
  void addresses_are_changed_in_place() {
    MemorySegment segment = HeaderBytes.around(PLAIN);
    view.wrap(segment, OFFSET, PLAIN.length);

    view.setDestinationBits(0x0a0b_0c0d_0e0fL);
    view.setSourceBits(0xfedc_ba98_7654L);

    assertThat(HeaderBytes.hexAt(segment, PLAIN.length))
        .isEqualTo("0a0b0c0d0e0f" + "fedcba987654" + "080045000001");
  }
}
