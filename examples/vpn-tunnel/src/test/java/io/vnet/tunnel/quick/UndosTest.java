package io.vnet.tunnel.quick;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What undoes is run, last first, whatever becomes of the others. */
class UndosTest {
  @Test
  void whatever_fails_the_others_run() {
    List<String> ran = new ArrayList<>();
    RuntimeException refused = new VnetException("delete", "a", Errno.EPERM, "refused", "");
    RuntimeException broken = new IllegalStateException("broken");
    Undos undos = new Undos();
    undos.push(() -> ran.add("first"));
    undos.push(() -> {
      throw refused;
    });
    undos.push(() -> ran.add("second"));
    undos.push(() -> {
      throw broken;
    });
    assertThat(undos.run()).containsExactly(broken, refused);
    assertThat(ran).containsExactly("second", "first");
    assertThat(undos.run()).isEmpty();
  }
}
