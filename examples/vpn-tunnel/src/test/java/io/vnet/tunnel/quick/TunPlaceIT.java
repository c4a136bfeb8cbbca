package io.vnet.tunnel.quick;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A descriptor of an interface is known by what the kernel's driver says of it. */
@ExtendWith(NetworkNamespaces.class)
class TunPlaceIT {
  private static final Libc LIBC = NativeLibc.load();

  @TempDir private Path directory;

  /** As one is that was opened in a mount namespace that is no more. */
  @Test
  void one_that_was_opened_by_another_path_is_found(NetworkNamespace namespace) throws Exception {
    Path device = directory.resolve("device");
    Program.outputIn(namespace, "mknod", device.toString(), "c", "10", "200");
    String name = "vp" + ProcessHandle.current().pid() % 100_000;
    int fd = namespace.call(() -> attached(device, name));
    try {
      assertThat(Files.readSymbolicLink(Path.of("/proc/self/fd/" + fd))).isEqualTo(device);
      assertThat(TunPlace.descriptor(name)).isEqualTo(OptionalInt.of(fd));
      assertThat(TunPlace.descriptor(name + "0")).isEmpty();
      assertThat(TunPlace.interfaceName(fd)).contains(name);
      Program.outputIn(namespace, "ip", "link", "set", name, "name", name + "0");
      assertThat(TunPlace.descriptor(name)).isEmpty();
      assertThat(TunPlace.interfaceName(fd)).contains(name + "0");
    } finally {
      LIBC.close(fd);
    }
    assertThat(TunPlace.descriptor(name + "0")).isEmpty();
  }

  private static int attached(Path device, String name) {
    int fd = (int) LIBC.open(device.toString(), LinuxConstants.O_RDWR | LinuxConstants.O_CLOEXEC);
    assertThat(fd).isPositive();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment request = arena.allocate(LinuxConstants.IFREQ_BYTES, 8);
      request.setString(0, name);
      request.set(
          ValueLayout.JAVA_SHORT,
          LinuxConstants.IFNAMSIZ,
          (short) (LinuxConstants.IFF_TUN | LinuxConstants.IFF_NO_PI));
      assertThat(LIBC.ioctl(fd, LinuxConstants.TUNSETIFF, request.address())).isZero();
    }
    return fd;
  }
}
