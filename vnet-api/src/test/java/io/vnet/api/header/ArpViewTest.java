package io.vnet.api.header;

import static io.vnet.api.header.HeaderBytes.OFFSET;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** ARP requests and replies, read, answered and built. */
class ArpViewTest {
  private static final String REQUEST =
      "0001080006040001" + "020000000001c0000201" + "000000000000c00002fe";
  private static final String REPLY =
      "0001080006040002" + "0a0b0c0d0e0fc00002fe" + "020000000001c0000201";

  private final ArpView view = new ArpView();

  @Test
  void a_request_names_both_sides() {
    MemorySegment segment = HeaderBytes.around(HeaderBytes.hex(REQUEST));

    assertThat(view.wrap(segment, OFFSET, 28)).isEqualTo(HeaderStatus.OK);

    assertThat(view.operation()).isEqualTo(ArpView.REQUEST);
    assertThat(view.senderMacBits()).isEqualTo(0x0200_0000_0001L);
    assertThat(view.senderIp()).isEqualTo(0xc0000201);
    assertThat(view.targetMacBits()).isZero();
    assertThat(view.targetIp()).isEqualTo(0xc00002fe);
    assertThat(view.payloadOffset()).isEqualTo(OFFSET + 28);
    assertThat(view.payloadLength()).isZero();
  }

  @Test
  void a_request_becomes_its_reply_in_place() {
    MemorySegment segment = HeaderBytes.around(HeaderBytes.hex(REQUEST));
    view.wrap(segment, OFFSET, 28);

    view.makeReply(0x0a0b_0c0d_0e0fL);

    assertThat(HeaderBytes.hexAt(segment, 28)).isEqualTo(REPLY);
    assertThat(HeaderBytes.dirtyAround(segment, 28)).isTrue();
  }

  @Test
  void building_writes_28_bytes_over_dirt() {
    MemorySegment segment = HeaderBytes.dirty(46);

    HeaderStatus status =
        view.build(
            segment,
            OFFSET,
            46,
            ArpView.REPLY,
            0x0a0b_0c0d_0e0fL,
            0xc00002fe,
            0x0200_0000_0001L,
            0xc0000201);

    assertThat(status).isEqualTo(HeaderStatus.OK);
    assertThat(HeaderBytes.hexAt(segment, 28)).isEqualTo(REPLY);
    assertThat(HeaderBytes.dirtyAround(segment, 28)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(ints = {0xffff, 0x10002, -1, Integer.MIN_VALUE})
  void an_operation_is_cut_to_its_sixteen_bits(int operation) {
    MemorySegment segment = HeaderBytes.dirty(28);

    assertThat(view.build(segment, OFFSET, 28, operation, 1, 2, 3, 4)).isEqualTo(HeaderStatus.OK);

    assertThat(view.operation()).isEqualTo(operation & 0xffff);
  }

  @Test
  void building_without_room_writes_nothing() {
    MemorySegment segment = HeaderBytes.dirty(28);

    for (int room = 0; room < ArpView.BYTES; room++) {
      assertThat(view.build(segment, OFFSET, room, 1, 2, 3, 4, 5))
          .isEqualTo(HeaderStatus.TRUNCATED);
    }
    assertThat(HeaderBytes.dirtyAround(segment, 0)).isTrue();
  }

  @Test
  void a_packet_cut_anywhere_is_truncated() {
    assertThat(HeaderBytes.truncations(view, HeaderBytes.hex(REQUEST)))
        .hasSize(28)
        .containsOnly(HeaderStatus.TRUNCATED);
  }

  @ParameterizedTest
  @CsvSource({"0, 01", "1, 02", "2, 86", "3, 06", "4, 08", "5, 10"})
  void other_hardware_and_protocols_are_not_known(int place, String value) {
    byte[] bytes = HeaderBytes.hex(REQUEST);
    bytes[place] = HeaderBytes.hex(value)[0];

    assertThat(view.wrap(HeaderBytes.around(bytes), OFFSET, bytes.length))
        .isEqualTo(HeaderStatus.BAD_TYPE);
  }
}
