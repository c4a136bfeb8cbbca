package io.vnet.api.error;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What a refusal says, and that each part of it can be asked for. */
class VnetExceptionTest {
  @Test
  void the_message_names_operation_object_errno_reason_and_remedy() {
    VnetException refusal =
        new VnetException("open", "tun3", Errno.EBUSY, "already open", "close it first");

    assertThat(refusal).hasMessage("open tun3: EBUSY, already open; close it first").hasNoCause();
    assertThat(refusal.operation()).isEqualTo("open");
    assertThat(refusal.object()).isEqualTo("tun3");
    assertThat(refusal.errno()).isEqualTo(Errno.EBUSY);
    assertThat(refusal.reason()).isEqualTo("already open");
    assertThat(refusal.remedy()).isEqualTo("close it first");
  }

  @Test
  void empty_parts_leave_no_marks_behind() {
    assertThat(new VnetException("poll", "", Errno.EINTR, "", "")).hasMessage("poll: EINTR");
    assertThat(new VnetException("poll", "", Errno.EINTR, "", "call again"))
        .hasMessage("poll: EINTR; call again");
    assertThat(new VnetException("read", "tap0", Errno.EIO, "cut short", ""))
        .hasMessage("read tap0: EIO, cut short");
  }

  @Test
  void a_cause_is_kept_and_not_repeated_in_the_message() {
    IllegalStateException cause = new IllegalStateException("why");

    VnetException refusal = new VnetException("open", "tun3", Errno.EIO, "broken", "", cause);

    assertThat(refusal).hasMessage("open tun3: EIO, broken").hasCause(cause);
  }

  @Test
  void rethrown_has_equal_parts_and_the_first_one_as_its_cause() {
    VnetException first = new VnetException("open", "tun3", Errno.EBUSY, "taken", "wait");

    VnetException second = first.rethrown();

    assertThat(second).isNotSameAs(first).hasMessage(first.getMessage());
    assertThat(second.getCause()).isSameAs(first);
    assertThat(second.operation()).isEqualTo("open");
    assertThat(second.object()).isEqualTo("tun3");
    assertThat(second.errno()).isEqualTo(Errno.EBUSY);
    assertThat(second.reason()).isEqualTo("taken");
    assertThat(second.remedy()).isEqualTo("wait");
  }
}
