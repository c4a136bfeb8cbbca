package io.vnet.io.netlink;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.NetlinkConstants;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The addresses and routes of an interface that a change swept away besides: going down takes IPv6
 * addresses and routes, an MTU below 1280 takes IPv6, the first address of an IPv4 network takes
 * the others. What the kernel makes by itself is not among them.
 */
final class Swept {
  /** IPv6 does not run over an interface that takes less. */
  static final int V6_MTU_MIN = 1280;

  private final Netlink netlink;
  private final int index;
  private List<InterfaceAddress> addresses;
  private List<Route> routes;

  private Swept(Netlink netlink, int index, List<InterfaceAddress> addresses, List<Route> routes) {
    this.netlink = netlink;
    this.index = index;
    this.addresses = addresses;
    this.routes = routes;
  }

  private static Swept before(Netlink netlink, int index) {
    return new Swept(netlink, index, addresses(netlink, index), routes(netlink, index));
  }

  /** Looks before a change of the link; not if such a change sweeps nothing. */
  static Swept before(Netlink netlink, Link link, LinkChange change) {
    boolean sweeps =
        switch (change) {
          case LinkChange.Up(boolean up) -> link.up() && !up;
          case LinkChange.Mtu(int bytes) -> link.mtu() >= V6_MTU_MIN && bytes < V6_MTU_MIN;
          default -> false;
        };
    return sweeps
        ? before(netlink, link.index())
        : new Swept(netlink, link.index(), List.of(), List.of());
  }

  /** Changes the link back, and what that sweeps away is made again. */
  static void restoring(Netlink netlink, Link link, LinkChange former) {
    Swept swept = before(netlink, link, former);
    tolerantly(() -> netlink.change(link.index(), former));
    swept.look();
    swept.putBack();
  }

  /** Deletes an address, and what that sweeps away is made again. */
  static void deleting(Netlink netlink, InterfaceAddress address) {
    Swept swept = before(netlink, address.interfaceIndex());
    tolerantly(() -> netlink.deleteAddress(address));
    swept.addresses =
        swept.addresses.stream().filter(other -> !other.isSameEntry(address)).toList();
    swept.look();
    swept.putBack();
  }

  /** Does what is no error if its object is gone: with its interface, or by another's hand. */
  static void tolerantly(Runnable undo) {
    try {
      undo.run();
    } catch (VnetException e) {
      if (!isGone(e.errno())) {
        throw e;
      }
    }
  }

  private static boolean isGone(Errno errno) {
    return switch (errno) {
      case ENODEV, ENOENT, ESRCH, ENXIO, EADDRNOTAVAIL -> true;
      default -> false;
    };
  }

  private static List<InterfaceAddress> addresses(Netlink netlink, int index) {
    return netlink.addresses().stream()
        .filter(address ->
            address.interfaceIndex() == index
                && address.state().permanent()
                && !address.state().kernelMade())
        .toList();
  }

  private static List<Route> routes(Netlink netlink, int index) {
    return netlink.routes().stream()
        .filter(route ->
            route.interfaceIndex() == index
                && route.protocol() != NetlinkConstants.RTPROT_KERNEL
                && !route.multipath())
        .toList();
  }

  /** Looks after the change: what is missing now is what it swept away. */
  void look() {
    if (addresses.isEmpty() && routes.isEmpty()) {
      return;
    }
    List<InterfaceAddress> addressesNow = addresses(netlink, index);
    addresses =
        addresses.stream()
            .filter(address -> addressesNow.stream().noneMatch(address::isSameEntry))
            .toList();
    List<Route> routesNow = routes(netlink, index);
    routes = routes.stream().filter(route -> !routesNow.contains(route)).toList();
  }

  /** Makes what was swept away again; all is tried. An interface that is down has no routes. */
  void putBack() {
    if (addresses.isEmpty() && routes.isEmpty()) {
      return;
    }
    List<VnetException> failures = new ArrayList<>();
    for (InterfaceAddress address : addresses) {
      attempt(failures, () -> netlink.addAddress(address));
    }
    if (netlink.link(index).map(Link::up).orElse(false)) {
      // A gateway is found over a route onto its link.
      routes.stream()
          .sorted(Comparator.comparing(route -> route.gateway().isPresent()))
          .forEach(route -> attempt(failures, () -> netlink.addRoute(route)));
    }
    if (!failures.isEmpty()) {
      VnetException first = failures.getFirst();
      failures.subList(1, failures.size()).forEach(first::addSuppressed);
      throw first;
    }
  }

  private static void attempt(List<VnetException> failures, Runnable step) {
    try {
      step.run();
    } catch (VnetException e) {
      if (e.errno() != Errno.EEXIST && !isGone(e.errno())) {
        failures.add(e);
      }
    }
  }
}
