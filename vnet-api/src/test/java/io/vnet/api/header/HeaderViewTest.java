package io.vnet.api.header;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What all views have in common: a range is checked, and an invalid view gives no field. */
class HeaderViewTest {
  static List<HeaderView> views() {
    return List.of(
        new EthernetView(),
        new ArpView(),
        new Ipv4View(),
        new Ipv6View(),
        new TcpView(),
        new UdpView(),
        new IcmpView());
  }

  @ParameterizedTest
  @MethodSource("views")
  void no_bytes_are_truncated(HeaderView view) {
    assertThat(view.wrap(MemorySegment.NULL, 0, 0)).isEqualTo(HeaderStatus.TRUNCATED);
    assertThat(view.wrap(MemorySegment.ofArray(new byte[9]), 9, 0))
        .isEqualTo(HeaderStatus.TRUNCATED);
  }

  @ParameterizedTest
  @MethodSource("views")
  void a_range_that_is_not_within_the_segment_is_the_callers_mistake(HeaderView view) {
    MemorySegment segment = MemorySegment.ofArray(new byte[100]);
    long[][] ranges = {
      {0, 101}, {1, 100}, {100, 1}, {-1, 10}, {0, -1}, {Long.MAX_VALUE, 1}, {Long.MIN_VALUE, 1}
    };

    for (long[] range : ranges) {
      assertThatThrownBy(() -> view.wrap(segment, range[0], (int) range[1]))
          .as("offset %d, available %d", range[0], range[1])
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @ParameterizedTest
  @MethodSource("views")
  void an_invalid_view_gives_no_field(HeaderView view) {
    assertThatIllegalStateException().isThrownBy(() -> view.getByte(0));

    view.wrap(MemorySegment.ofArray(new byte[100]), 0, 3);

    assertThatIllegalStateException()
        .isThrownBy(() -> view.getByte(0))
        .withMessageContaining("nothing valid");
    assertThatIllegalStateException().isThrownBy(() -> view.setLong(0, 1));
  }
}
