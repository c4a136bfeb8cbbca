package io.vnet.io.libc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.testkit.ChildJvm;
import io.vnet.io.testkit.Program;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Where the C library cannot be called, its loading says so and what to do. */
class NativeLibcTest {
  /** Prints why the C library cannot be loaded, in a JVM of its own. */
  static final class Load {
    private Load() {}

    public static void main(String[] arguments) {
      try {
        System.out.println("loaded " + NativeLibc.load().close(-1));
      } catch (VnetException e) {
        System.out.println(e.getMessage());
      }
    }
  }

  @Test
  void another_operating_system_is_refused() {
    String name = String.valueOf(System.getProperty("os.name"));
    System.setProperty("os.name", "Plan 9");
    try {
      assertThatThrownBy(NativeLibc::load)
          .isInstanceOfSatisfying(
              VnetException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EOPNOTSUPP))
          .hasMessageContaining("64-bit Linux")
          .hasMessageContaining("Plan 9")
          .hasMessageContaining("in-memory devices");
    } finally {
      System.setProperty("os.name", name);
    }
  }

  @Test
  void denied_native_access_is_refused_and_the_option_is_named() {
    Program child =
        Program.run(ChildJvm.command(List.of("--illegal-native-access=deny"), Load.class));
    assertThat(child.output())
        .contains("load libc: EPERM, native access is not enabled")
        .contains("--enable-native-access=ALL-UNNAMED");
    assertThat(child.exitCode()).isZero();
  }

  @Test
  void enabled_native_access_is_enough_where_the_rest_is_denied() {
    Program child =
        Program.run(
            ChildJvm.command(
                List.of("--illegal-native-access=deny", "--enable-native-access=ALL-UNNAMED"),
                Load.class));
    assertThat(child.output()).contains("loaded -" + Errno.EBADF.number());
    assertThat(child.exitCode()).isZero();
  }

  @Test
  void a_failed_call_returns_its_errno() {
    Libc libc = NativeLibc.load();
    assertThat(libc.open("/no/such/file", LinuxConstants.O_RDONLY))
        .isEqualTo(-Errno.ENOENT.number());
    assertThat(libc.close(-1)).isEqualTo(-Errno.EBADF.number());
    assertThat(libc.read(-1, 0, 0)).isEqualTo(-Errno.EBADF.number());
    assertThat(libc.write(-1, 0, 0)).isEqualTo(-Errno.EBADF.number());
    assertThat(libc.ioctl(-1, LinuxConstants.TUNSETIFF, 0)).isEqualTo(-Errno.EBADF.number());
    assertThat(libc.bind(-1, 0, 0)).isEqualTo(-Errno.EBADF.number());
    assertThat(libc.setsockopt(-1, LinuxConstants.SOL_SOCKET, LinuxConstants.SO_RCVBUF, 1))
        .isEqualTo(-Errno.EBADF.number());
    assertThat(libc.recv(-1, 0, 0, 0)).isEqualTo(-Errno.EBADF.number());
    assertThat(libc.poll(0, 1, 0)).isEqualTo(-Errno.EFAULT.number());
    assertThat(libc.poll(0, 0, 0)).isZero();
    assertThat(libc.setns(-1, 0)).isEqualTo(-Errno.EBADF.number());
    assertThat(libc.socket(-1, LinuxConstants.SOCK_DGRAM, 0))
        .isEqualTo(-Errno.EAFNOSUPPORT.number());
    assertThat(libc.unshare(1)).isEqualTo(-Errno.EINVAL.number());
  }

  @Test
  void a_number_without_a_name_is_shown() {
    assertThat(Libc.meaning(-Errno.EBUSY.number())).isEqualTo(Errno.EBUSY.meaning());
    assertThat(Libc.meaning(-133)).isEqualTo("unknown error 133");
  }
}
