package io.vnet.io.host;

import io.vnet.api.backend.BackendRequest;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.backend.HostInterface;
import io.vnet.api.backend.HostNetwork;
import io.vnet.api.device.DriverKind;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.loop.IslandLoop;
import io.vnet.io.tun.TunOpener;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicInteger;

/** Opens devices and gives them islands in turn. Safe on any thread. */
final class LinuxHostNetwork implements HostNetwork {
  private static final Path INTERFACES = Path.of("/sys/class/net");

  private final TunOpener opener;
  private final List<IslandLoop> islands;
  private final AtomicInteger turn = new AtomicInteger();

  private LinuxHostNetwork(TunOpener opener, List<IslandLoop> islands) {
    this.opener = opener;
    this.islands = islands;
  }

  static LinuxHostNetwork start(TunOpener opener, int islands) {
    if (islands < 1) {
      throw new IllegalArgumentException("islands " + islands + " is below 1");
    }
    List<IslandLoop> loops = new ArrayList<>();
    for (int i = 0; i < islands; i++) {
      loops.add(new IslandLoop());
    }
    return new LinuxHostNetwork(opener, List.copyOf(loops));
  }

  @Override
  public DeviceBackend open(BackendRequest request) {
    IslandLoop island = islands.get(Math.floorMod(turn.getAndIncrement(), islands.size()));
    return opener.open(request, island);
  }

  @Override
  public List<IslandLoop> islands() {
    return islands;
  }

  @Override
  public List<HostInterface> interfaces() {
    List<HostInterface> found = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(INTERFACES)) {
      for (Path entry : entries) {
        read(entry).ifPresent(found::add);
      }
    } catch (IOException e) {
      throw new VnetException(
          "list", INTERFACES.toString(), Errno.EIO, String.valueOf(e.getMessage()), "", e);
    }
    found.sort(Comparator.comparing(HostInterface::name));
    return found;
  }

  /** Empty if it is no tun or tap device, or vanished meanwhile. */
  private static Optional<HostInterface> read(Path entry) {
    Optional<String> tunFlags = line(entry.resolve("tun_flags"));
    Optional<String> flags = line(entry.resolve("flags"));
    Optional<String> mtu = line(entry.resolve("mtu"));
    if (tunFlags.isEmpty() || flags.isEmpty() || mtu.isEmpty()) {
      return Optional.empty();
    }
    int tun = Integer.decode(tunFlags.get());
    return Optional.of(
        new HostInterface(
            entry.getFileName() + "",
            (tun & LinuxConstants.IFF_TAP) != 0 ? DriverKind.TAP : DriverKind.TUN,
            (Integer.decode(flags.get()) & LinuxConstants.IFF_UP) != 0,
            line(entry.resolve("carrier")).filter("1"::equals).isPresent(),
            Integer.parseInt(mtu.get()),
            id(entry.resolve("owner")),
            id(entry.resolve("group")),
            (tun & LinuxConstants.IFF_PERSIST) != 0));
  }

  private static OptionalLong id(Path file) {
    Optional<String> text = line(file);
    return text.isEmpty() || text.get().startsWith("-")
        ? OptionalLong.empty()
        : OptionalLong.of(Long.parseLong(text.get()));
  }

  /** The file's line; empty if it cannot be read: carrier of an interface that is down, say. */
  private static Optional<String> line(Path file) {
    try {
      return Optional.of(Files.readString(file).strip());
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  @Override
  public void close() {
    islands.forEach(IslandLoop::close);
  }
}
