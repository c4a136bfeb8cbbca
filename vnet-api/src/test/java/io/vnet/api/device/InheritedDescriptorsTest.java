package io.vnet.api.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.device.InheritedDescriptors.Inherited;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What sd_listen_fds(3) says, and nothing else, is taken from an environment. */
class InheritedDescriptorsTest {
  private static final long PID = 4121;

  private static Map<String, String> environment(String pid, String count) {
    return Map.of("PATH", "/bin", "LISTEN_PID", pid, "LISTEN_FDS", count);
  }

  private static Map<String, String> named(String count, String names) {
    Map<String, String> environment = new HashMap<>(environment("4121", count));
    environment.put("LISTEN_FDNAMES", names);
    return environment;
  }

  @Test
  void they_begin_at_3_and_have_the_service_managers_names() {
    assertThat(InheritedDescriptors.of(named("3", "tun::wan"), PID))
        .containsExactly(
            new Inherited(3, "tun"), new Inherited(4, "unknown"), new Inherited(5, "wan"));
    assertThat(InheritedDescriptors.of(environment("4121", "2"), PID))
        .containsExactly(new Inherited(3, "unknown"), new Inherited(4, "unknown"));
  }

  @Test
  void there_are_none_without_the_variables_or_for_another_process() {
    assertThat(InheritedDescriptors.of(Map.of(), PID)).isEmpty();
    assertThat(InheritedDescriptors.of(Map.of("LISTEN_FDS", "1"), PID)).isEmpty();
    assertThat(InheritedDescriptors.of(Map.of("LISTEN_PID", "4121"), PID)).isEmpty();
    assertThat(InheritedDescriptors.of(environment("4120", "1"), PID)).isEmpty();
    assertThat(InheritedDescriptors.of(environment("4120", "nonsense"), PID)).isEmpty();
    assertThat(InheritedDescriptors.of(environment("4121", "0"), PID)).isEmpty();
    assertThat(InheritedDescriptors.of(named("0", ""), PID)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "x, 1, LISTEN_PID",
    "'', 1, LISTEN_PID",
    "-4121, 1, LISTEN_PID",
    "99999999999999999999, 1, LISTEN_PID",
    "4121, one, LISTEN_FDS",
    "4121, '', LISTEN_FDS",
    "4121, -1, LISTEN_FDS",
    "4121, 1048577, LISTEN_FDS",
    "4121, ٣, LISTEN_FDS"
  })
  void what_is_no_number_is_EINVAL(String pid, String count, String variable) {
    assertThatThrownBy(() -> InheritedDescriptors.of(environment(pid, count), PID))
        .isInstanceOfSatisfying(
            VnetException.class,
            e -> {
              assertThat(e.errno()).isEqualTo(Errno.EINVAL);
              assertThat(e.object()).isEqualTo(variable);
            });
  }

  @Test
  void names_for_other_descriptors_are_EINVAL() {
    assertThatThrownBy(() -> InheritedDescriptors.of(named("2", "tun"), PID))
        .hasMessageContaining("LISTEN_FDNAMES: EINVAL, 1 names for 2 descriptors");
  }

  @Test
  void this_process_was_started_by_no_service_manager() {
    assertThat(InheritedDescriptors.ofThisProcess()).isEmpty();
  }
}
