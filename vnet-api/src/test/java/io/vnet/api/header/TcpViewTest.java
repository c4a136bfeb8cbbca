package io.vnet.api.header;

import static io.vnet.api.header.HeaderBytes.OFFSET;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** TCP segments with and without options, with a checksum known from elsewhere. */
class TcpViewTest {
  /** A SYN with a maximum segment size and a window scale. */
  private static final byte[] SYN =
      HeaderBytes.hex("c022 0050 01020304 00000000 7002 faf0 3eb6 0000 020405b4 01010402");

  private static final byte[] DATA =
      HeaderBytes.hex("0001 ffff fffffffe 80000000 50d9 ffff 0000 0000 616263");

  private static final long SUM =
      InternetChecksum.pseudoHeader(0xc0000201, 0xc00002fe, IpProtocols.TCP, 28);

  private final TcpView view = new TcpView();

  private HeaderStatus wrap(byte[] bytes) {
    return view.wrap(HeaderBytes.around(bytes), OFFSET, bytes.length);
  }

  @Test
  void a_syn_has_options_and_no_payload() {
    assertThat(wrap(SYN)).isEqualTo(HeaderStatus.OK);

    assertThat(view.sourcePort()).isEqualTo(49186);
    assertThat(view.destinationPort()).isEqualTo(80);
    assertThat(view.sequence()).isEqualTo(0x01020304);
    assertThat(view.acknowledgment()).isZero();
    assertThat(view.headerBytes()).isEqualTo(28);
    assertThat(view.flags()).isEqualTo(TcpView.SYN);
    assertThat(view.window()).isEqualTo(64240);
    assertThat(view.payloadOffset()).isEqualTo(OFFSET + 28);
    assertThat(view.payloadLength()).isZero();
  }

  @Test
  void numbers_are_unsigned_and_flags_are_single_bits() {
    assertThat(wrap(DATA)).isEqualTo(HeaderStatus.OK);

    assertThat(view.sourcePort()).isEqualTo(1);
    assertThat(view.destinationPort()).isEqualTo(65535);
    assertThat(view.sequence()).isEqualTo(0xffff_fffeL);
    assertThat(view.acknowledgment()).isEqualTo(0x8000_0000L);
    assertThat(view.flags())
        .isEqualTo(TcpView.FIN | TcpView.PSH | TcpView.ACK | TcpView.ECE | TcpView.CWR);
    assertThat(view.flags() & (TcpView.SYN | TcpView.RST | TcpView.URG)).isZero();
    assertThat(view.window()).isEqualTo(65535);
    assertThat(view.payloadLength()).isEqualTo(3);
  }

  @Test
  void the_known_checksum_is_right_and_is_written_again() {
    byte[] bytes = SYN.clone();
    wrap(bytes);
    assertThat(view.checksumIsRight(SUM)).isTrue();

    bytes[16] = 0;
    bytes[17] = 0;
    MemorySegment segment = HeaderBytes.around(bytes);
    view.wrap(segment, OFFSET, bytes.length);
    assertThat(view.checksumIsRight(SUM)).isFalse();

    view.updateChecksum(SUM);
    assertThat(view.checksumIsRight(SUM)).isTrue();
    assertThat(HeaderBytes.hexAt(segment, 28).substring(32, 36)).isEqualTo("3eb6");
    assertThat(HeaderBytes.dirtyAround(segment, 28)).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "00, BAD_HEADER_LENGTH",
    "40, BAD_HEADER_LENGTH",
    "4f, BAD_HEADER_LENGTH",
    "50, OK",
    "5f, OK",
    "70, OK",
    "80, TRUNCATED",
    "f0, TRUNCATED"
  })
  void a_data_offset_that_cannot_be_is_named(String offset, HeaderStatus expected) {
    byte[] bytes = SYN.clone();
    bytes[12] = HeaderBytes.hex(offset)[0];

    assertThat(wrap(bytes)).isEqualTo(expected);
  }

  @Test
  void a_segment_may_end_with_its_header_and_no_earlier() {
    assertThat(HeaderBytes.truncations(view, SYN)).containsOnly(HeaderStatus.TRUNCATED);
    HeaderStatus[] statuses = HeaderBytes.truncations(view, DATA);
    for (int length = 0; length < statuses.length; length++) {
      assertThat(statuses[length])
          .as("cut to %d bytes", length)
          .isEqualTo(length < 20 ? HeaderStatus.TRUNCATED : HeaderStatus.OK);
    }
  }
}
