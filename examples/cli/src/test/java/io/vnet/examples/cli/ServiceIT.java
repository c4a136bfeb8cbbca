package io.vnet.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.vnet.api.backend.HostIo;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.libc.SocketConstants;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.tunnel.crypto.CryptoProviders;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * The test is the service manager: it is told, and keeps the interface of a service. One test after
 * the other, as they pass on and close descriptors of this process by number.
 */
@Execution(ExecutionMode.SAME_THREAD)
@ExtendWith(NetworkNamespaces.class)
class ServiceIT {
  private static final Libc LIBC = NativeLibc.load();

  @TempDir private Path directory;

  /** What a service told, and the descriptor that came with it; negative: none. */
  private record Told(String text, int descriptor) {}

  /** A socket of datagrams that a service may be pointed to. */
  private static final class Manager implements AutoCloseable {
    private static final int TEXT_BYTES = 256;

    private final Arena arena = Arena.ofShared();
    private final Path path;
    private final int socket =
        (int)
            LIBC.socket(
                LinuxConstants.AF_UNIX,
                LinuxConstants.SOCK_DGRAM
                    | LinuxConstants.SOCK_CLOEXEC
                    | SocketConstants.SOCK_NONBLOCK,
                0);

    Manager(Path path) {
      this.path = path;
      byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
      MemorySegment address = arena.allocate(LinuxConstants.SOCKADDR_UN_BYTES, 8);
      address.set(ValueLayout.JAVA_SHORT, 0, (short) LinuxConstants.AF_UNIX);
      MemorySegment.copy(
          name, 0, address, ValueLayout.JAVA_BYTE, LinuxConstants.SUN_PATH, name.length);
      assertThat(LIBC.bind(socket, address.address(), LinuxConstants.SOCKADDR_UN_BYTES)).isZero();
    }

    /** The next messages, so many, of a service that may end after them, not before. */
    List<Told> take(int count, Child service) {
      List<Told> told = new ArrayList<>();
      service.await(
          count + " messages",
          () -> {
            while (told.size() < count && receive(told)) {}
            return told.size() == count;
          });
      return told;
    }

    /** Takes one, if there is one. */
    private boolean receive(List<Told> told) {
      MemorySegment text = arena.allocate(TEXT_BYTES);
      MemorySegment vector = arena.allocate(SocketConstants.IOVEC_BYTES, 8);
      vector.set(ValueLayout.JAVA_LONG, 0, text.address());
      vector.set(ValueLayout.JAVA_LONG, SocketConstants.IOV_LEN, TEXT_BYTES);
      MemorySegment control = arena.allocate(64, 8);
      MemorySegment message = arena.allocate(SocketConstants.MMSGHDR_BYTES, 8);
      message.set(ValueLayout.JAVA_LONG, SocketConstants.MSG_IOV, vector.address());
      message.set(ValueLayout.JAVA_LONG, SocketConstants.MSG_IOVLEN, 1);
      message.set(ValueLayout.JAVA_LONG, SocketConstants.MSG_CONTROL, control.address());
      message.set(ValueLayout.JAVA_LONG, SocketConstants.MSG_CONTROLLEN, control.byteSize());
      if (LIBC.recvmmsg(socket, message.address(), 1, 0) != 1) {
        return false;
      }
      int length = message.get(ValueLayout.JAVA_INT, SocketConstants.MSG_LEN);
      boolean given = message.get(ValueLayout.JAVA_LONG, SocketConstants.MSG_CONTROLLEN) > 0;
      told.add(
          new Told(
              new String(
                  text.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8),
              given ? control.get(ValueLayout.JAVA_INT, SocketConstants.CMSGHDR_BYTES) : -1));
      return true;
    }

    @Override
    public void close() {
      LIBC.close(socket);
      arena.close();
    }
  }

  @Test
  void it_says_when_it_is_ready_and_its_interface_outlives_a_kill(
      NetworkNamespace here, NetworkNamespace there) {
    TunnelLab lab = new TunnelLab(here, there, directory);
    String name = TunnelLab.name();
    Path file = lab.hereFile("Address = 10.7.0.1/24", "0.0.0.0/0");
    List<String> before = TunnelLab.state(here);
    try (Manager manager = new Manager(directory.resolve("notify"))) {
      List<String> start = new ArrayList<>(RelayIT.inside(here));
      start.addAll(List.of("env", "NOTIFY_SOCKET=" + manager.path));
      int kept;
      try (Child tunnel = Child.vnet(start, "tunnel", name, "--config", file.toString())) {
        List<Told> told = manager.take(3, tunnel);
        assertThat(told)
            .extracting(Told::text)
            .containsExactly(
                "FDSTOREREMOVE=1\nFDNAME=tun", "FDSTORE=1\nFDNAME=tun", "READY=1\nSTATUS=" + name);
        kept = told.get(1).descriptor();
        assertThat(kept).isNotNegative();
        tunnel.signal("KILL");
        assertThat(tunnel.end().exitCode()).isEqualTo(128 + 9);
      }
      // Nothing goes past the tunnel while there is none.
      assertThat(TunnelLab.in(here, "ip route get 203.0.113.1")).contains("dev " + name);
      LIBC.close(kept);
      await().untilAsserted(() -> assertThat(RelayIT.links(here)).doesNotContain(name));

      // The next one takes away what that one could not.
      try (Child tunnel = Child.vnet(start, "tunnel", name, "--config", file.toString())) {
        LIBC.close(manager.take(3, tunnel).get(1).descriptor());
        tunnel.awaitLine("ready " + name);
        tunnel.signal("TERM");
        TunnelLab.assertEnded(tunnel, name);
        assertThat(manager.take(2, tunnel))
            .containsExactly(
                new Told("STOPPING=1", -1), new Told("FDSTOREREMOVE=1\nFDNAME=tun", -1));
      }
      // But the kernel's variable, which it found set.
      before.replaceAll(line -> line.replace("src_valid_mark 0", "src_valid_mark 1"));
      assertThat(TunnelLab.state(here)).isEqualTo(before);
    }
  }

  @Test
  void an_orderly_end_leaves_no_interface_though_a_copy_is_kept(
      NetworkNamespace here, NetworkNamespace there) {
    TunnelLab lab = new TunnelLab(here, there, directory);
    String name = TunnelLab.name();
    Path told = directory.resolve("told");
    Path file = lab.hereFile("PostDown = ip link show %i || echo gone > " + told, "10.7.0.2/32");
    try (Manager manager = new Manager(directory.resolve("notify"))) {
      List<String> start = new ArrayList<>(RelayIT.inside(here));
      start.addAll(List.of("env", "NOTIFY_SOCKET=" + manager.path));
      try (Child tunnel =
          Child.vnet(start, "tunnel", name, "--config", file.toString(), "--allow-hooks")) {
        int kept = manager.take(3, tunnel).get(1).descriptor();
        tunnel.signal("TERM");
        assertThat(tunnel.end().exitCode()).isZero();
        assertThat(told).hasContent("gone");
        LIBC.close(kept);
      }
    }
  }

  @Test
  void a_manager_that_is_not_there_is_no_reason_to_end(NetworkNamespace here) {
    String name = TunnelLab.name();
    List<String> start = new ArrayList<>(RelayIT.inside(here));
    start.addAll(List.of("env", "NOTIFY_SOCKET=" + directory.resolve("nobody")));
    try (Child tunnel = Child.vnet(start, "tunnel", name)) {
      tunnel.awaitLine("ready " + name);
      tunnel.signal("TERM");
      Outcome end = tunnel.end();
      assertThat(end.exitCode()).as(end.toString()).isZero();
      assertThat(end.errLines())
          .isNotEmpty()
          .allMatch(line -> line.startsWith("vnet: warning: notify ") && line.contains("ENOENT"));
    }
  }

  @Test
  void whatever_breaks_what_was_made_is_taken_back(NetworkNamespace here) {
    String name = TunnelLab.name();
    int descriptor = here.call(() -> attached(name));
    PrintWriter broken =
        new PrintWriter(new StringWriter()) {
          @Override
          public void println(@Nullable String text) {
            throw new NoClassDefFoundError(text);
          }
        };
    TunnelRun run =
        new TunnelRun(
            options(name, descriptor),
            new Termination(),
            broken,
            new PrintWriter(new StringWriter(), true));
    assertThatThrownBy(run::run)
        .isInstanceOf(NoClassDefFoundError.class)
        .hasNoSuppressedExceptions();
    assertThat(RelayIT.links(here)).doesNotContain(name);
    assertThat(TunnelLab.SOCKETS.resolve(name + ".sock")).doesNotExist();
  }

  /** Of a tunnel on a given descriptor, though it is called for by another name. */
  private TunnelRun.Options options(String name, int descriptor) {
    return new TunnelRun.Options(
        name + "x",
        Optional.empty(),
        false,
        HostIo.AUTO,
        CryptoProviders.choose(),
        Map.of(
            "WG_TUN_FD",
            Integer.toString(descriptor),
            "WG_TUN_NAME_FILE",
            directory.resolve("name").toString()));
  }

  @Test
  void a_descriptor_that_it_was_given_is_its_interface_whatever_its_name(NetworkNamespace here) {
    String name = TunnelLab.name();
    int descriptor = here.call(() -> attached(name));
    Termination termination = new Termination();
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    TunnelRun.Options options = options(name, descriptor);
    CompletableFuture<Integer> code =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return new TunnelRun(
                        options,
                        termination,
                        new PrintWriter(out, true),
                        new PrintWriter(err, true))
                    .run();
              } catch (InterruptedException e) {
                throw new CompletionException(e);
              }
            },
            command -> Thread.ofPlatform().daemon().start(command));
    await()
        .atMost(Child.LIMIT)
        .until(() -> code.isDone() || out.toString().startsWith("ready " + name));
    assertThat(code).isNotDone();
    assertThat(directory.resolve("name")).hasContent(name);
    assertThat(TunnelLab.in(here, "wg show " + name)).contains("interface: " + name);
    termination.request();
    assertThat(code.join()).as(err.toString()).isZero();
    assertThat(RelayIT.links(here)).doesNotContain(name);
    assertThat(TunnelLab.SOCKETS.resolve(name + ".sock")).doesNotExist();
  }

  private static int attached(String name) {
    int fd = (int) LIBC.open("/dev/net/tun", LinuxConstants.O_RDWR | LinuxConstants.O_CLOEXEC);
    assertThat(fd).isPositive();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment request = arena.allocate(LinuxConstants.IFREQ_BYTES, 8);
      request.setString(0, name);
      request.set(
          ValueLayout.JAVA_SHORT,
          LinuxConstants.IFNAMSIZ,
          (short)
              (LinuxConstants.IFF_TUN | LinuxConstants.IFF_NO_PI | LinuxConstants.IFF_VNET_HDR));
      assertThat(LIBC.ioctl(fd, LinuxConstants.TUNSETIFF, request.address())).isZero();
    }
    return fd;
  }
}
