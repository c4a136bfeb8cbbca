package io.vnet.io.host;

import io.vnet.api.backend.BackendRequest;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.backend.HostInterface;
import io.vnet.api.backend.HostNetwork;
import io.vnet.io.loop.IslandLoop;
import io.vnet.io.netlink.Link;
import io.vnet.io.netlink.Netlink;
import io.vnet.io.tun.TunOpener;
import java.util.Comparator;
import java.util.List;

/** Opens devices on {@link Islands}. Safe on any thread. */
final class LinuxHostNetwork implements HostNetwork {
  private final TunOpener opener;
  private final Islands islands;

  /**
   * @param islands closed with this
   */
  LinuxHostNetwork(TunOpener opener, Islands islands) {
    this.opener = opener;
    this.islands = islands;
  }

  @Override
  public DeviceBackend open(BackendRequest request) {
    return opener.open(request, islands::next);
  }

  @Override
  public List<IslandLoop> islands() {
    return islands.all();
  }

  @Override
  public IslandLoop island(boolean superPackets) {
    return islands.next(superPackets);
  }

  @Override
  public List<HostInterface> interfaces() {
    try (Netlink netlink = Netlink.open()) {
      return netlink.links().stream()
          .flatMap(link -> link.tun().map(tun -> hostInterface(link, tun)).stream())
          .sorted(Comparator.comparing(HostInterface::name))
          .toList();
    }
  }

  private static HostInterface hostInterface(Link link, Link.Tun tun) {
    return new HostInterface(
        link.name(),
        tun.driver(),
        link.up(),
        link.carrier(),
        link.mtu(),
        tun.owner(),
        tun.group(),
        tun.persistent(),
        tun.vnetHeader(),
        tun.multiQueue(),
        tun.queues());
  }

  @Override
  public void close() {
    islands.close();
  }
}
