package io.vnet.io.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.libc.SocketConstants;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A service manager's socket in this process gets what is told, and the descriptors. */
class ServiceManagerTest {
  private static final Libc LIBC = NativeLibc.load();

  private final Arena arena = Arena.ofConfined();
  private final int socket =
      (int)
          LIBC.socket(
              LinuxConstants.AF_UNIX, LinuxConstants.SOCK_DGRAM | LinuxConstants.SOCK_CLOEXEC, 0);

  @TempDir private Path directory;

  private record Received(String text, int descriptor) {}

  /** The socket of a name; an abstract one begins with {@code @}. */
  private void bind(String name) {
    byte[] path = name.getBytes(StandardCharsets.UTF_8);
    MemorySegment address = arena.allocate(LinuxConstants.SOCKADDR_UN_BYTES, 8);
    address.set(ValueLayout.JAVA_SHORT, 0, (short) LinuxConstants.AF_UNIX);
    MemorySegment.copy(
        path, 0, address, ValueLayout.JAVA_BYTE, LinuxConstants.SUN_PATH, path.length);
    if (name.startsWith("@")) {
      address.set(ValueLayout.JAVA_BYTE, LinuxConstants.SUN_PATH, (byte) 0);
    }
    assertThat(LIBC.bind(socket, address.address(), LinuxConstants.SUN_PATH + path.length))
        .isZero();
  }

  private Received receive() {
    MemorySegment text = arena.allocate(256);
    MemorySegment vector = arena.allocate(SocketConstants.IOVEC_BYTES, 8);
    vector.set(ValueLayout.JAVA_LONG, 0, text.address());
    vector.set(ValueLayout.JAVA_LONG, SocketConstants.IOV_LEN, text.byteSize());
    MemorySegment control = arena.allocate(64, 8);
    MemorySegment message = arena.allocate(SocketConstants.MMSGHDR_BYTES, 8);
    message.set(ValueLayout.JAVA_LONG, SocketConstants.MSG_IOV, vector.address());
    message.set(ValueLayout.JAVA_LONG, SocketConstants.MSG_IOVLEN, 1);
    message.set(ValueLayout.JAVA_LONG, SocketConstants.MSG_CONTROL, control.address());
    message.set(ValueLayout.JAVA_LONG, SocketConstants.MSG_CONTROLLEN, control.byteSize());
    assertThat(LIBC.recvmmsg(socket, message.address(), 1, 0)).isOne();
    int length = message.get(ValueLayout.JAVA_INT, SocketConstants.MSG_LEN);
    boolean given = message.get(ValueLayout.JAVA_LONG, SocketConstants.MSG_CONTROLLEN) > 0;
    return new Received(
        new String(text.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8),
        given ? control.get(ValueLayout.JAVA_INT, SocketConstants.CMSGHDR_BYTES) : -1);
  }

  private static ServiceManager manager(String name) {
    return ServiceManager.of(LIBC, Map.of("NOTIFY_SOCKET", name)).orElseThrow();
  }

  @AfterEach
  void close() {
    LIBC.close(socket);
    arena.close();
  }

  @Test
  void a_state_arrives_at_a_path() {
    String path = directory.resolve("notify").toString();
    bind(path);
    try (ServiceManager manager = manager(path)) {
      manager.tell("READY=1\nSTATUS=wg0");
      assertThat(receive()).isEqualTo(new Received("READY=1\nSTATUS=wg0", -1));
    }
  }

  @Test
  void a_state_arrives_at_an_abstract_name() {
    String name = "@vnet-test-" + ProcessHandle.current().pid();
    bind(name);
    try (ServiceManager manager = manager(name)) {
      manager.tell("STOPPING=1");
      assertThat(receive().text()).isEqualTo("STOPPING=1");
    }
  }

  @Test
  void a_descriptor_is_kept_under_a_name_in_the_place_of_another_and_works() {
    String path = directory.resolve("notify").toString();
    bind(path);
    int event = (int) LIBC.eventfd(7, 0);
    try (ServiceManager manager = manager(path)) {
      manager.keep("tun", event);
      assertThat(receive()).isEqualTo(new Received("FDSTOREREMOVE=1\nFDNAME=tun", -1));
      Received kept = receive();
      assertThat(kept.text()).isEqualTo("FDSTORE=1\nFDNAME=tun");
      MemorySegment count = arena.allocate(8, 8);
      assertThat(LIBC.read(kept.descriptor(), count.address(), 8)).isEqualTo(8);
      assertThat(count.get(ValueLayout.JAVA_LONG, 0)).isEqualTo(7);
      LIBC.close(kept.descriptor());
    } finally {
      LIBC.close(event);
    }
  }

  @Test
  void without_the_variable_there_is_none() {
    assertThat(ServiceManager.of(LIBC, Map.of())).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "/", "@", "relative", "vsock:2:1234"})
  void a_name_that_is_none_is_refused(String name) {
    assertThat(catchThrowableOfType(VnetException.class, () -> manager(name)))
        .hasMessage(
            "notify NOTIFY_SOCKET: EINVAL, '"
                + name
                + "' is neither a path nor an abstract name; start the process by its service"
                + " manager");
  }

  @Test
  void a_path_that_is_too_long_is_refused() {
    String name = "/" + "x".repeat(107);
    assertThatThrownBy(() -> manager(name)).hasMessageContaining("EINVAL");
  }

  @Test
  void nobody_there_is_an_error_and_a_closed_one_says_so() {
    ServiceManager manager = manager(directory.resolve("none").toString());
    assertThatThrownBy(() -> manager.tell("READY=1"))
        .isInstanceOfSatisfying(
            VnetException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT));
    manager.close();
    manager.close();
    assertThatThrownBy(() -> manager.tell("READY=1"))
        .isInstanceOfSatisfying(
            VnetException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EBADF));
  }
}
