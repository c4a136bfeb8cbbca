package io.vnet.io.netns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.testkit.Descriptors;
import io.vnet.io.testkit.FaultyLibc;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A namespace is entered by a thread of its own and by no other, and ends with its descriptor. */
@ExtendWith(NetworkNamespaces.class)
class NetworkNamespaceIT {
  private static String own() {
    try {
      return Files.readSymbolicLink(Path.of("/proc/thread-self/ns/net")).toString();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void each_parameter_is_a_namespace_of_its_own(NetworkNamespace one, NetworkNamespace other) {
    String inOne = one.call(NetworkNamespaceIT::own);
    String inOther = other.call(NetworkNamespaceIT::own);
    assertThat(inOne).startsWith("net:[").isNotEqualTo(inOther).isNotEqualTo(own());
    assertThat(inOther).isNotEqualTo(own());
  }

  @Test
  void the_calling_thread_stays_where_it_was(NetworkNamespace namespace) {
    String before = own();
    String inside = namespace.call(NetworkNamespaceIT::own);
    assertThat(own()).isEqualTo(before).isNotEqualTo(inside);
  }

  @Test
  void it_knows_who_is_inside(NetworkNamespace namespace) {
    assertThat(namespace.isCurrent()).isFalse();
    assertThat(namespace.call(namespace::isCurrent)).isTrue();
  }

  @Test
  void the_path_names_the_namespace_for_other_programs(NetworkNamespace namespace)
      throws IOException {
    String inside = namespace.call(NetworkNamespaceIT::own);
    assertThat(Files.readSymbolicLink(namespace.path())).hasToString(inside);
    assertThat(Program.outputIn(namespace, "readlink", "/proc/self/ns/net").strip())
        .isEqualTo(inside);
  }

  @Test
  void the_path_can_be_opened_as_a_second_handle(NetworkNamespace namespace) {
    String inside = namespace.call(NetworkNamespaceIT::own);
    try (NetworkNamespace second = NetworkNamespace.open(namespace.path())) {
      namespace.close();
      assertThat(second.call(NetworkNamespaceIT::own)).isEqualTo(inside);
    }
  }

  @Test
  void loopback_is_up_and_the_only_interface(NetworkNamespace namespace) {
    String links = Program.outputIn(namespace, "ip", "-o", "link", "show");
    assertThat(links.lines()).hasSize(1);
    assertThat(links).contains(": lo: ").contains("LOOPBACK,UP");
  }

  @Test
  void a_connection_inside_stays_inside(NetworkNamespace namespace) {
    int read =
        namespace.call(() -> {
          InetAddress loopback = InetAddress.getLoopbackAddress();
          try (ServerSocket server = new ServerSocket(0, 1, loopback);
              Socket client = new Socket(loopback, server.getLocalPort());
              Socket accepted = server.accept()) {
            client.getOutputStream().write(42);
            return accepted.getInputStream().read();
          }
        });
    assertThat(read).isEqualTo(42);
  }

  @Test
  void what_the_task_throws_reaches_the_caller(NetworkNamespace namespace) {
    IllegalStateException thrown = new IllegalStateException("from inside");
    assertThatThrownBy(() ->
            namespace.call(() -> {
              throw thrown;
            }))
        .isSameAs(thrown);

    VnetException refused = new VnetException("open", "x", Errno.EBUSY, "why", "what to do");
    assertThatThrownBy(() ->
            namespace.call(() -> {
              throw refused;
            }))
        .isInstanceOf(VnetException.class)
        .hasMessage(refused.getMessage())
        .hasCause(refused);

    IOException checked = new IOException("from inside");
    assertThatThrownBy(() ->
            namespace.call(() -> {
              throw checked;
            }))
        .hasCause(checked);
  }

  @Test
  void closing_twice_is_closing_once_and_a_closed_one_lets_nobody_in() {
    FaultyLibc libc = new FaultyLibc();
    NetworkNamespace namespace = NetworkNamespace.open(libc, Path.of("/proc/self/ns/net"));
    namespace.close();
    namespace.close();
    assertThat(libc.counts()).containsEntry("close", 1);
    assertThat(libc.open()).isEmpty();
    assertThat(libc.misuses()).isEmpty();
    assertThatThrownBy(() -> namespace.call(NetworkNamespaceIT::own))
        .isInstanceOfSatisfying(
            VnetException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EBADF));
    assertThat(libc.counts()).doesNotContainKey("setns");
  }

  @Test
  void no_thread_is_left_behind(NetworkNamespace namespace) {
    AtomicReference<Thread> opener = new AtomicReference<>();
    AtomicReference<String> task = new AtomicReference<>("");
    namespace.call(() -> {
      opener.set(Thread.currentThread());
      task.set(Files.readSymbolicLink(Path.of("/proc/thread-self")).toString());
      return 0;
    });
    assertThat(opener.get()).isNotSameAs(Thread.currentThread());
    assertThat(opener.get().isAlive()).isFalse();
    await().until(() -> !Files.exists(Path.of("/proc").resolve(task.get())));
  }

  @Test
  void nothing_is_left_open(NetworkNamespace warm) {
    warm.call(NetworkNamespaceIT::own);
    Descriptors before = Descriptors.now();
    for (int i = 0; i < 20; i++) {
      try (NetworkNamespace namespace = NetworkNamespace.create()) {
        namespace.call(NetworkNamespaceIT::own);
      }
    }
    assertThat(Descriptors.now().since(before)).isEmpty();
  }

  @Test
  void a_file_that_is_missing_or_is_no_namespace_is_named() {
    assertThatThrownBy(() -> NetworkNamespace.open(Path.of("/run/netns/no-such")))
        .isInstanceOfSatisfying(
            VnetException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT))
        .hasMessageContaining("/run/netns/no-such");
    try (NetworkNamespace wrong = NetworkNamespace.open(Path.of("/dev/null"))) {
      assertThatThrownBy(() -> wrong.call(NetworkNamespaceIT::own))
          .isInstanceOfSatisfying(
              VnetException.class,
              e -> {
                assertThat(e.operation()).isEqualTo("setns");
                assertThat(e.errno()).isEqualTo(Errno.EINVAL);
              });
    }
  }

  @Test
  void without_the_right_to_enter_the_capability_is_named() {
    FaultyLibc libc = new FaultyLibc();
    libc.failNext("setns", Errno.EPERM);
    try (NetworkNamespace namespace = NetworkNamespace.open(libc, Path.of("/proc/self/ns/net"))) {
      assertThatThrownBy(() -> namespace.call(NetworkNamespaceIT::own))
          .hasMessageContaining("setns")
          .hasMessageContaining("EPERM")
          .hasMessageContaining("CAP_SYS_ADMIN");
    }
    assertThat(libc.open()).isEmpty();
  }
}
