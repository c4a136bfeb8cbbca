package io.vnet.tunnel.quick;

import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.netns.NetworkNamespace;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where a tun interface is that this process is attached to, and by which descriptor. Blocks; any
 * thread that may.
 *
 * <p>Source: proc(5), {@code /proc/PID/fdinfo}, in which a descriptor of {@code /dev/net/tun} has a
 * line {@code iff: NAME} with the interface's name of now; the kernel's drivers/net/tun.c. Only
 * such a descriptor has one. What {@code /proc/PID/fd} says it is open on is a path as seen by who
 * opened it, perhaps in a mount namespace that is no more.
 */
public final class TunPlace {
  private static final Logger LOG = LoggerFactory.getLogger(TunPlace.class);
  private static final Path DESCRIPTORS = Path.of("/proc/self/fd");
  private static final Path DESCRIPTOR_STATES = Path.of("/proc/self/fdinfo");
  private static final String INTERFACE = "iff:";

  private TunPlace() {}

  /**
   * This process's descriptor of an interface, which stays its owner's; empty if it has none, as of
   * an interface that was deleted.
   */
  public static OptionalInt descriptor(String interfaceName) {
    try (DirectoryStream<Path> links = Files.newDirectoryStream(DESCRIPTORS)) {
      for (Path link : links) {
        int descriptor = Integer.parseInt(String.valueOf(link.getFileName()));
        if (interfaceName(descriptor).equals(Optional.of(interfaceName))) {
          return OptionalInt.of(descriptor);
        }
      }
    } catch (IOException e) {
      LOG.warn("{} cannot be listed", DESCRIPTORS, e);
    }
    return OptionalInt.empty();
  }

  /** The interface that a descriptor is attached to, by its name of now; empty if to none. */
  public static Optional<String> interfaceName(int descriptor) {
    try {
      return Files.readAllLines(DESCRIPTOR_STATES.resolve(Integer.toString(descriptor))).stream()
          .filter(line -> line.startsWith(INTERFACE))
          .map(line -> line.substring(INTERFACE.length()).strip())
          .filter(name -> !name.isEmpty())
          .findFirst();
    } catch (IOException e) {
      LOG.debug("descriptor {} is not open", descriptor, e);
      return Optional.empty();
    }
  }

  /**
   * The namespace that a descriptor's interface is in now, for the caller to close; empty if it has
   * no interface any more, or this process may not ask.
   */
  public static Optional<NetworkNamespace> namespace(int descriptor) {
    Libc libc = NativeLibc.load();
    long namespace = libc.ioctl(descriptor, LinuxConstants.TUNGETDEVNETNS, 0);
    return namespace < 0
        ? Optional.empty()
        : Optional.of(NetworkNamespace.adopt(libc, (int) namespace));
  }
}
