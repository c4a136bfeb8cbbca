package io.vnet.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.libc.SocketConstants;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The test is the service manager: it is told, and keeps the interface of a service. */
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

    /** Waits for so many messages. */
    List<Told> take(int count) {
      List<Told> told = new ArrayList<>();
      await()
          .until(() -> {
            receive(told);
            return told.size() >= count;
          });
      return told;
    }

    private void receive(List<Told> told) {
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
      if (LIBC.recvmmsg(socket, message.address(), 1, 0) == 1) {
        int length = message.get(ValueLayout.JAVA_INT, SocketConstants.MSG_LEN);
        boolean given = message.get(ValueLayout.JAVA_LONG, SocketConstants.MSG_CONTROLLEN) > 0;
        told.add(
            new Told(
                new String(
                    text.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8),
                given ? control.get(ValueLayout.JAVA_INT, SocketConstants.CMSGHDR_BYTES) : -1));
      }
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
        List<Told> told = manager.take(3);
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
        manager.take(3);
        tunnel.awaitLine("ready " + name);
        tunnel.signal("TERM");
        TunnelLab.assertEnded(tunnel, name);
        assertThat(manager.take(1)).containsExactly(new Told("STOPPING=1", -1));
      }
      // But the kernel's variable, which it found set.
      before.replaceAll(line -> line.replace("src_valid_mark = 0", "src_valid_mark = 1"));
      assertThat(TunnelLab.state(here)).isEqualTo(before);
    }
  }
}
