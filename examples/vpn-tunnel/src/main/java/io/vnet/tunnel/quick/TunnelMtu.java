package io.vnet.tunnel.quick;

import io.vnet.api.address.IpAddress;
import io.vnet.io.netlink.Link;
import io.vnet.io.netlink.Netlink;
import io.vnet.io.netlink.Route;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

/** The MTU that lets a tunnel's datagrams pass whole. Blocks. */
final class TunnelMtu {
  /** Headers of IPv6 and UDP, and of a transport message with its tag. */
  static final int OVERHEAD_BYTES = 80;

  private static final int ETHERNET_BYTES = 1500;
  private static final int MIN_BYTES = 576;
  private static final int V6_MIN_BYTES = 1280;

  /** A datagram's length is 16 bits, of which the message takes 32 bytes. */
  private static final int MAX_BYTES = 65535 - 32;

  private TunnelMtu() {}

  /**
   * The smallest of the ways to the endpoints, else that of the default route, less the overhead.
   *
   * <p>The kernel is asked for a way without the tunnel's mark. If rules are left from before, of a
   * process that was killed, it may answer with the tunnel itself; then the way is the one that the
   * rules leave to the tunnel's datagrams, that of the main table.
   *
   * @param index of the tunnel's own interface
   * @param v6 whether IPv6 goes through it, so that it is not below 1280
   */
  static int choose(Netlink netlink, int index, List<IpAddress> endpoints, boolean v6) {
    OptionalInt outside =
        endpoints.stream()
            .flatMap(endpoint -> outsideRoute(netlink, index, endpoint).stream())
            .flatMapToInt(route -> of(netlink, route).stream())
            .min();
    if (outside.isEmpty()) {
      outside = ofDefaultRoute(netlink, index);
    }
    return Math.clamp(
        outside.orElse(ETHERNET_BYTES) - OVERHEAD_BYTES, v6 ? V6_MIN_BYTES : MIN_BYTES, MAX_BYTES);
  }

  private static Optional<Route> outsideRoute(Netlink netlink, int index, IpAddress endpoint) {
    Optional<Route> route = netlink.routeTo(endpoint);
    return route.filter(found -> found.interfaceIndex() == index).isEmpty()
        ? route
        : mainRoutes(netlink, index)
            .filter(other ->
                other.destination().address().v6() == endpoint.v6()
                    && other.destination().contains(endpoint))
            .min(
                Comparator.comparingInt((Route other) -> -other.destination().length())
                    .thenComparingLong(Route::metric));
  }

  /** Out of other interfaces. */
  private static Stream<Route> mainRoutes(Netlink netlink, int index) {
    return netlink.routes().stream()
        .filter(route ->
            route.type() == Route.Type.UNICAST
                && route.table() == Route.MAIN_TABLE
                && route.interfaceIndex() != index);
  }

  private static OptionalInt ofDefaultRoute(Netlink netlink, int index) {
    return mainRoutes(netlink, index)
        .filter(route -> route.destination().length() == 0)
        .sorted(
            Comparator.comparing((Route route) -> route.destination().address().v6())
                .thenComparingLong(Route::metric))
        .flatMapToInt(route -> of(netlink, route).stream())
        .findFirst();
  }

  private static OptionalInt of(Netlink netlink, Route route) {
    return route.mtu() > 0
        ? OptionalInt.of(route.mtu())
        : netlink.link(route.interfaceIndex()).stream().mapToInt(Link::mtu).findFirst();
  }
}
