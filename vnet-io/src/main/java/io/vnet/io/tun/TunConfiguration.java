package io.vnet.io.tun;

import io.vnet.api.address.IpPrefix;
import io.vnet.api.backend.BackendRequest;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.device.HostBacking;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.port.OffloadFeature;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.netlink.Link;
import io.vnet.io.netlink.LinkChange;
import io.vnet.io.netlink.NetworkPlan;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.LongConsumer;

/** What becomes of an attached descriptor, however it was come by. */
final class TunConfiguration {
  private final Libc libc;
  private final BackendRequest request;

  TunConfiguration(Libc libc, BackendRequest request) {
    this.libc = libc;
    this.request = request;
  }

  /** An address that is there already stays and is no error; others are not touched. */
  NetworkPlan plan(String name) {
    NetworkPlan plan = NetworkPlan.empty().link(name, new LinkChange.Mtu(request.mtu()));
    if (request.up()) {
      plan = plan.link(name, new LinkChange.Up(true));
    }
    for (IpPrefix prefix : request.host().addresses()) {
      plan = plan.address(name, prefix);
    }
    return plan;
  }

  /**
   * Sets owner and group, and at last whether the interface stays: a process that dies before
   * leaves nothing behind.
   *
   * @param former the interface as it was; empty: it is new, and goes with its descriptor
   */
  void own(TunDescriptor tun, Optional<Link> former, Undo undo) {
    HostBacking.Ownership wanted = request.host().ownership();
    Optional<Link.Tun> was = former.flatMap(Link::tun);
    Undo owning = former.isPresent() ? undo : new Undo();
    String name = former.map(Link::name).orElse(request.interfaceName());
    set(
        "TUNSETOWNER",
        name,
        wanted.owner(),
        was.map(Link.Tun::owner).orElse(OptionalLong.empty()),
        tun::owner,
        owning);
    set(
        "TUNSETGROUP",
        name,
        wanted.group(),
        was.map(Link.Tun::group).orElse(OptionalLong.empty()),
        tun::group,
        owning);
    wanted
        .persistent()
        .ifPresent(persistent -> {
          boolean before = tun.attachment().has(LinuxConstants.IFF_PERSIST);
          if (before != persistent) {
            tun.persistent(persistent);
            undo.add(() -> tun.persistent(before));
          }
        });
  }

  private static void set(
      String call,
      String name,
      OptionalLong wanted,
      OptionalLong before,
      LongConsumer setter,
      Undo undo) {
    if (wanted.isEmpty() || wanted.equals(before)) {
      return;
    }
    setter.accept(wanted.getAsLong());
    undo.add(() ->
        setter.accept(
            before.orElseThrow(() ->
                new VnetException(
                    "undo " + call,
                    name,
                    Errno.EOPNOTSUPP,
                    "it had none before, and the kernel cannot take one away",
                    "make the interface again"))));
  }

  /**
   * The backend, with the descriptors for its own from now on.
   *
   * @param queues at least one
   * @param islands gives the island of each in turn
   */
  DeviceBackend backend(
      List<TunInterface> queues, Set<OffloadFeature> offloads, IslandChoice islands) {
    List<TunBackend> backends = new ArrayList<>();
    for (TunInterface queue : queues) {
      backends.add(
          new TunBackend(
              libc,
              queue,
              request.name().driver().layer(),
              request.mtu(),
              islands.next(!offloads.isEmpty()),
              offloads));
    }
    return backends.size() == 1 ? backends.getFirst() : new TunQueues(backends);
  }
}
