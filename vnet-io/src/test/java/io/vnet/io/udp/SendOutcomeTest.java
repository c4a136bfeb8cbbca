package io.vnet.io.udp;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.error.Errno;
import io.vnet.api.port.DropReason;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The table of errors, and the kernels whose UDP_GRO is used. */
class SendOutcomeTest {
  @ParameterizedTest
  @CsvSource({
    "EAGAIN, ROOM_LATER, ROOM_LATER,",
    "EINTR, ONCE_MORE, ONCE_MORE,",
    "ECONNREFUSED, PENDING, PENDING,",
    "ETIMEDOUT, PENDING, PENDING,",
    "EIO, REFUSED, SINGLY_FOR_GOOD, KERNEL_REFUSED",
    "EOPNOTSUPP, REFUSED, SINGLY_FOR_GOOD, KERNEL_REFUSED",
    "EMSGSIZE, TOO_LONG, SINGLY, TOO_LONG",
    "EINVAL, REFUSED, SINGLY, KERNEL_REFUSED",
    "ENETUNREACH, UNREACHABLE, UNREACHABLE, UNREACHABLE",
    "EHOSTUNREACH, UNREACHABLE, UNREACHABLE, UNREACHABLE",
    "ENETDOWN, UNREACHABLE, UNREACHABLE, UNREACHABLE",
    "EADDRNOTAVAIL, UNREACHABLE, UNREACHABLE, UNREACHABLE",
    "EPERM, FILTERED, FILTERED, FILTERED",
    "EACCES, FILTERED, FILTERED, FILTERED",
    "ENOBUFS, BUSY, BUSY, KERNEL_BUSY",
    "ENOMEM, BUSY, BUSY, KERNEL_BUSY",
    "EAFNOSUPPORT, WRONG_FAMILY, WRONG_FAMILY, WRONG_FAMILY",
    "EBADF, LOST, LOST,",
    "EUNKNOWN, REFUSED, REFUSED, KERNEL_REFUSED"
  })
  void each_error_has_an_outcome(
      Errno errno, SendOutcome single, SendOutcome train, @Nullable DropReason reason) {
    assertThat(SendOutcome.of(errno, false, false)).isEqualTo(single);
    assertThat(SendOutcome.of(errno, true, false)).isEqualTo(train);
    assertThat(single.reason()).isEqualTo(Optional.ofNullable(reason));
  }

  @ParameterizedTest
  @EnumSource(names = {"EINVAL", "ENETUNREACH", "EHOSTUNREACH", "EADDRNOTAVAIL", "ENODEV"})
  void a_source_may_be_what_is_wrong(Errno errno) {
    assertThat(SendOutcome.of(errno, false, true)).isEqualTo(SendOutcome.WITHOUT_SOURCE);
  }

  @Test
  void a_kernel_before_5_12_is_not_asked_for_trains() {
    assertThat(Kernel.coalescesWell("5.11.22-arch")).isFalse();
    assertThat(Kernel.coalescesWell("4.19.0")).isFalse();
    assertThat(Kernel.coalescesWell("5.12.0")).isTrue();
    assertThat(Kernel.coalescesWell("6.1")).isTrue();
    assertThat(Kernel.coalescesWell("unheard-of")).isTrue();
  }
}
