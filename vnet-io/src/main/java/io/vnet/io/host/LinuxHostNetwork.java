package io.vnet.io.host;

import io.vnet.api.backend.BackendRequest;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.backend.HostInterface;
import io.vnet.api.backend.HostIo;
import io.vnet.api.backend.HostNetwork;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.Libc;
import io.vnet.io.loop.IslandLoop;
import io.vnet.io.netlink.Link;
import io.vnet.io.netlink.Netlink;
import io.vnet.io.tun.TunOpener;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens devices and gives them islands in turn. Safe on any thread. */
final class LinuxHostNetwork implements HostNetwork {
  private static final Logger LOG = LoggerFactory.getLogger(LinuxHostNetwork.class);

  private final TunOpener opener;
  private final List<IslandLoop> islands;
  private final AtomicInteger turn = new AtomicInteger();

  private LinuxHostNetwork(TunOpener opener, List<IslandLoop> islands) {
    this.opener = opener;
    this.islands = islands;
  }

  static LinuxHostNetwork start(Libc libc, TunOpener opener, int islands, HostIo io) {
    if (islands < 1) {
      throw new IllegalArgumentException("islands " + islands + " is below 1");
    }
    List<IslandLoop> loops = new ArrayList<>();
    try {
      for (int i = 0; i < islands; i++) {
        loops.add(island(libc, io));
      }
    } catch (VnetException e) {
      loops.forEach(IslandLoop::close);
      throw e;
    }
    return new LinuxHostNetwork(opener, List.copyOf(loops));
  }

  private static IslandLoop island(Libc libc, HostIo io) {
    return switch (io) {
      case EPOLL -> new IslandLoop();
      case IO_URING -> IslandLoop.uring(libc);
      case AUTO -> {
        try {
          yield IslandLoop.uring(libc);
        } catch (VnetException e) {
          LOG.debug("epoll instead of io_uring", e);
          yield new IslandLoop();
        }
      }
    };
  }

  @Override
  public DeviceBackend open(BackendRequest request) {
    return opener.open(
        request, () -> islands.get(Math.floorMod(turn.getAndIncrement(), islands.size())));
  }

  @Override
  public List<IslandLoop> islands() {
    return islands;
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
    islands.forEach(IslandLoop::close);
  }
}
