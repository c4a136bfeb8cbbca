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
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where a tun interface is that this process is attached to, and by which descriptor. Blocks; any
 * thread that may.
 *
 * <p>Source: proc(5), {@code /proc/PID/fdinfo}, in which a descriptor of {@code /dev/net/tun} has a
 * line {@code iff: NAME} with the interface's name of now; the kernel's drivers/net/tun.c.
 */
public final class TunPlace {
  private static final Logger LOG = LoggerFactory.getLogger(TunPlace.class);
  private static final Path DESCRIPTORS = Path.of("/proc/self/fd");
  private static final String DEVICE = "/dev/net/tun";

  private TunPlace() {}

  /**
   * This process's descriptor of an interface, which stays its owner's; empty if it has none, as of
   * an interface that was deleted.
   */
  public static OptionalInt descriptor(String interfaceName) {
    try (DirectoryStream<Path> links = Files.newDirectoryStream(DESCRIPTORS)) {
      for (Path link : links) {
        if (isAttachedTo(link, interfaceName)) {
          return OptionalInt.of(Integer.parseInt(String.valueOf(link.getFileName())));
        }
      }
    } catch (IOException e) {
      LOG.warn("{} cannot be listed", DESCRIPTORS, e);
    }
    return OptionalInt.empty();
  }

  private static boolean isAttachedTo(Path link, String interfaceName) {
    try {
      return Files.readSymbolicLink(link).toString().equals(DEVICE)
          && Files.readAllLines(Path.of("/proc/self/fdinfo", String.valueOf(link.getFileName())))
              .stream()
              .anyMatch(line -> line.strip().matches("iff:\\s+" + Pattern.quote(interfaceName)));
    } catch (IOException e) {
      LOG.debug("{} was closed meanwhile", link, e);
      return false;
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
