package io.vnet.io.tun;

import io.vnet.api.device.InterfaceChange;
import io.vnet.api.device.InterfaceCounters;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.netlink.InterfaceAddress;
import io.vnet.io.netlink.Link;
import io.vnet.io.netlink.LinkChange;
import io.vnet.io.netlink.Netlink;
import io.vnet.io.netns.NetworkNamespace;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;

/**
 * The interface end of a tun descriptor, changed over rtnetlink. Each call finds the interface by
 * the descriptor, so that it is the right one also after somebody else has renamed or moved it.
 *
 * <p>Each method but {@link #name} blocks; one at a time, and not after the descriptor is closed.
 */
final class TunInterface {
  private static final int FINDS_MAX = 16;

  private final Libc libc;
  private final int fd;
  private final AtomicReference<String> name;

  /**
   * @param fd its owner closes it
   */
  TunInterface(Libc libc, int fd, String name) {
    this(libc, fd, new AtomicReference<>(name));
  }

  private TunInterface(Libc libc, int fd, AtomicReference<String> name) {
    this.libc = libc;
    this.fd = fd;
    this.name = name;
  }

  /** The same interface through another of its queues. */
  TunInterface queue(int queueFd) {
    return new TunInterface(libc, queueFd, name);
  }

  int fd() {
    return fd;
  }

  /** As it was called last. */
  String name() {
    return name.get();
  }

  /**
   * Checks that what was found by a name is this interface: it has the name still.
   *
   * @throws VnetException EAGAIN: it was renamed meanwhile
   */
  void checkCalled(String wanted) {
    if (!currentName().equals(wanted)) {
      throw new VnetException(
          "attach", wanted, Errno.EAGAIN, "it was renamed meanwhile", "try again");
    }
  }

  /** Which namespace it is in, by a name that only that one has; empty if it must not be asked. */
  Optional<Path> namespace() {
    long namespaceFd = libc.ioctl(fd, LinuxConstants.TUNGETDEVNETNS, 0);
    if (namespaceFd < 0) {
      return unlessRefused(failure("TUNGETDEVNETNS", namespaceFd));
    }
    try (NetworkNamespace namespace = NetworkNamespace.adopt(libc, (int) namespaceFd)) {
      return Optional.of(Files.readSymbolicLink(namespace.path()));
    } catch (IOException e) {
      throw new VnetException(
          "find", name(), Errno.EIO, "its namespace has no name: " + e.getMessage(), "mount /proc");
    }
  }

  /** Where it is; empty if this process may not ask where that is, or not go there. */
  Optional<Netlink> openIfAllowed() {
    try {
      return Optional.of(open());
    } catch (VnetException e) {
      return unlessRefused(e);
    }
  }

  /** EINVAL, ENOTTY: the kernel does not know the request. */
  private static <T> Optional<T> unlessRefused(VnetException e) {
    return switch (e.errno()) {
      case EPERM, EINVAL, ENOTTY -> Optional.empty();
      default -> throw e;
    };
  }

  /**
   * Plugs the cable in, or pulls it. What the kernel is given to send while it is out is dropped.
   *
   * <p>Turned on, the interface passes packets when this returns, if it is up. The kernel acts on a
   * new carrier some milliseconds later, and loses without a word what it sends meanwhile; but a
   * kernel of today acts at once when it is asked about the link.
   *
   * <p>Not known to the kernel before Linux 5.0: then the carrier is on while somebody is attached.
   */
  void carrier(boolean on) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocateFrom(ValueLayout.JAVA_INT, on ? 1 : 0);
      long set = libc.ioctl(fd, LinuxConstants.TUNSETCARRIER, value.address());
      if (set < 0) {
        Errno errno = Errno.ofNumber((int) -set);
        // EBADFD: the interface is gone, which the poller tells.
        if (errno != Errno.EBADFD && errno != Errno.EINVAL && errno != Errno.ENOTTY) {
          throw new VnetException("TUNSETCARRIER", name(), errno, Libc.meaning(set), "");
        }
      } else if (on) {
        look();
      }
    }
  }

  /** Who may not go where the interface is looks at home. */
  private void look() {
    try {
      Optional<Netlink> there = openIfAllowed();
      try (Netlink netlink = there.isPresent() ? there.get() : Netlink.open(libc)) {
        var _ = netlink.link(currentName());
      }
    } catch (VnetException e) {
      if (e.errno() != Errno.EBADFD) {
        throw e;
      }
    }
  }

  void change(InterfaceChange change) {
    with((netlink, link) -> {
      switch (change) {
        case InterfaceChange.Up(var up) -> netlink.change(link.index(), new LinkChange.Up(up));
        case InterfaceChange.Mtu(var bytes) ->
            netlink.change(link.index(), new LinkChange.Mtu(bytes));
        case InterfaceChange.Mac(var address) ->
            netlink.change(link.index(), new LinkChange.Mac(address));
        case InterfaceChange.AddAddress(var prefix) ->
            netlink.addAddress(InterfaceAddress.of(prefix).on(link.index()));
        case InterfaceChange.RemoveAddress(var prefix) ->
            netlink.deleteAddress(InterfaceAddress.of(prefix).on(link.index()));
        case InterfaceChange.Link0 _, InterfaceChange.Promiscuous _, InterfaceChange.Monitor _ ->
            throw new VnetException(
                "change",
                link.name(),
                Errno.EOPNOTSUPP,
                "a host's interface has no " + change,
                "use a device in memory");
      }
    });
  }

  void rename(String newName) {
    with((netlink, link) -> {
      netlink.change(link.index(), new LinkChange.Name(newName));
      name.set(newName);
    });
  }

  InterfaceCounters counters() {
    InterfaceCounters[] found = new InterfaceCounters[1];
    with((_, link) -> {
      Link.Counters counters = link.counters();
      // What the descriptor wrote the kernel received.
      found[0] =
          new InterfaceCounters(
              counters.rxPackets(),
              counters.rxBytes(),
              counters.multicast(),
              counters.rxErrors(),
              counters.txPackets(),
              counters.txBytes(),
              0,
              counters.txErrors(),
              counters.txDropped());
    });
    return found[0];
  }

  private void with(BiConsumer<Netlink, Link> use) {
    try (Netlink netlink = open()) {
      use.accept(netlink, find(netlink));
    }
  }

  /** Names are unique: if it still has its name afterwards, what was found by it is this one. */
  private Link find(Netlink netlink) {
    for (int i = 0; i < FINDS_MAX; i++) {
      String called = currentName();
      name.set(called);
      Optional<Link> link = netlink.link(called);
      if (link.isPresent() && currentName().equals(called)) {
        return link.get();
      }
    }
    throw new VnetException(
        "find", name(), Errno.EAGAIN, "it was renamed or moved each time", "try again");
  }

  private String currentName() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment request = arena.allocate(LinuxConstants.IFREQ_BYTES, 8);
      long got = libc.ioctl(fd, LinuxConstants.TUNGETIFF, request.address());
      if (got < 0) {
        throw failure("TUNGETIFF", got);
      }
      return request.getString(0, StandardCharsets.UTF_8);
    }
  }

  /** In the namespace where the interface is now. */
  private Netlink open() {
    long namespaceFd = libc.ioctl(fd, LinuxConstants.TUNGETDEVNETNS, 0);
    if (namespaceFd < 0) {
      throw failure("TUNGETDEVNETNS", namespaceFd);
    }
    try (NetworkNamespace namespace = NetworkNamespace.adopt(libc, (int) namespaceFd)) {
      // Entering it takes a capability more.
      return namespace.isCurrent() ? Netlink.open(libc) : namespace.call(() -> Netlink.open(libc));
    }
  }

  private VnetException failure(String call, long result) {
    Errno errno = Errno.ofNumber((int) -result);
    return new VnetException(
        call,
        name(),
        errno,
        Libc.meaning(result),
        switch (errno) {
          case EBADFD -> "the interface was removed: create the device again";
          case EINVAL, ENOTTY ->
              "this kernel is too old to say where the interface is; use the host's tools";
          case EPERM -> "run with CAP_NET_ADMIN (root)";
          default -> "";
        });
  }
}
