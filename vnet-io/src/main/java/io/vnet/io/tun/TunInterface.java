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
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.function.BiConsumer;

/**
 * The interface end of a tun descriptor, changed over rtnetlink. Each call finds the interface by
 * the descriptor, so that it is the right one also after somebody else has renamed it.
 *
 * <p>Each method but {@link #name} blocks; one at a time, and not after the descriptor is closed.
 */
final class TunInterface {
  private final Libc libc;
  private final int fd;
  private final boolean elsewhere;
  private volatile String name;

  /**
   * @param fd its owner closes it
   * @param elsewhere whether it is in another namespace than this process
   */
  TunInterface(Libc libc, int fd, String name, boolean elsewhere) {
    this.libc = libc;
    this.fd = fd;
    this.name = name;
    this.elsewhere = elsewhere;
  }

  int fd() {
    return fd;
  }

  /** As it was called last. */
  String name() {
    return name;
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
      name = newName;
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
    name = currentName();
    try (Netlink netlink = elsewhere ? openThere() : Netlink.open(libc)) {
      Link link =
          netlink
              .link(name)
              .orElseThrow(() ->
                  new VnetException(
                      "find",
                      name,
                      Errno.ENODEV,
                      "the interface is not in the namespace in which it was made",
                      "move it back"));
      use.accept(netlink, link);
    }
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

  private Netlink openThere() {
    long namespaceFd = libc.ioctl(fd, LinuxConstants.SIOCGSKNS, 0);
    if (namespaceFd < 0) {
      throw failure("SIOCGSKNS", namespaceFd);
    }
    try (NetworkNamespace namespace = NetworkNamespace.adopt(libc, (int) namespaceFd)) {
      return namespace.call(() -> Netlink.open(libc));
    }
  }

  private VnetException failure(String call, long result) {
    Errno errno = Errno.ofNumber((int) -result);
    return new VnetException(
        call,
        name,
        errno,
        Libc.meaning(result),
        switch (errno) {
          case EBADFD -> "the interface was removed: create the device again";
          case EPERM -> "run with CAP_NET_ADMIN (root)";
          default -> "";
        });
  }
}
