package io.vnet.io.netlink;

import java.util.List;

/**
 * What a namespace's network looked like. The three lists were asked for one after another: a
 * change in between shows in the later ones only.
 *
 * @param links in the order of their indices
 * @param addresses of both families
 * @param routes of both families and all tables
 */
public record NetworkSnapshot(
    List<Link> links, List<InterfaceAddress> addresses, List<Route> routes) {
  /** Copies the lists. */
  public NetworkSnapshot {
    links = List.copyOf(links);
    addresses = List.copyOf(addresses);
    routes = List.copyOf(routes);
  }
}
