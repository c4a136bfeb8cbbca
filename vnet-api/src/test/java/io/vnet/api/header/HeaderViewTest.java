package io.vnet.api.header;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
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

  /** A packet that each view takes. */
  private static byte[] validFor(HeaderView view) {
    byte[] bytes = new byte[100];
    switch (view) {
      case EthernetView _ -> bytes[12] = (byte) (EtherTypes.VLAN >> 8);
      case ArpView arp -> arp.build(MemorySegment.ofArray(bytes), 0, 100, 1, 1, 2, 3, 4);
      case Ipv4View ip -> ip.build(MemorySegment.ofArray(bytes), 0, 100, 17, 1, 2, 80);
      case Ipv6View _ -> {
        bytes[0] = 0x60;
        bytes[5] = 60;
        bytes[6] = IpProtocols.FRAGMENT;
        bytes[40] = IpProtocols.UDP;
        bytes[43] = 1;
      }
      case TcpView _ -> bytes[12] = 0x50;
      case UdpView _ -> bytes[5] = 100;
      default -> assertThat(view).isInstanceOf(IcmpView.class);
    }
    return bytes;
  }

  /** Everything that a view says, or does, about the bytes that it points at. */
  private static List<Method> fieldsOf(HeaderView view) {
    return Stream.of(view.getClass().getMethods())
        .filter(method -> HeaderView.class.isAssignableFrom(method.getDeclaringClass()))
        .filter(method -> method.getReturnType() != HeaderStatus.class)
        .toList();
  }

  private static @Nullable Throwable failure(HeaderView view, Method method) {
    List<Object> arguments =
        Stream.of(method.getParameterTypes())
            .<Object>map(type -> type == int.class ? (Object) 0 : (Object) 0L)
            .toList();
    try {
      method.invoke(view, arguments.toArray());
      return null;
    } catch (InvocationTargetException e) {
      return e.getCause();
    } catch (IllegalAccessException e) {
      throw new AssertionError(e);
    }
  }

  @ParameterizedTest
  @MethodSource("views")
  void nothing_is_left_of_an_earlier_packet_when_a_wrap_fails(HeaderView view) {
    List<Consumer<HeaderView>> failures =
        List.of(
            failing -> failing.wrap(MemorySegment.ofArray(new byte[100]), 0, 3),
            failing -> failing.wrap(MemorySegment.ofArray(new byte[100]), 100, 0),
            failing ->
                assertThatThrownBy(() -> failing.wrap(MemorySegment.ofArray(new byte[100]), 0, 101))
                    .isInstanceOf(IndexOutOfBoundsException.class));
    List<Method> fields = fieldsOf(view);
    assertThat(fields).hasSizeGreaterThan(5);
    for (Consumer<HeaderView> fails : failures) {
      MemorySegment valid = MemorySegment.ofArray(validFor(view));
      assertThat(view.wrap(valid, 0, 100)).isEqualTo(HeaderStatus.OK);
      assertThat(fields).allSatisfy(field -> assertThat(failure(view, field)).isNull());

      fails.accept(view);

      assertThat(fields)
          .allSatisfy(
              field -> assertThat(failure(view, field)).isInstanceOf(IllegalStateException.class));
    }
  }
}
