package io.vnet.tunnel.quick;

import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.netlink.Link;
import io.vnet.io.netlink.LinkChange;
import io.vnet.io.netlink.Netlink;
import io.vnet.io.netlink.NetworkPlan;
import io.vnet.io.netlink.Route;
import io.vnet.tunnel.config.QuickSettings;
import io.vnet.tunnel.config.RouteTable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An interface that was brought up with all that surrounds it, in the order of wg-quick: hooks, the
 * tunnel's own configuration, addresses, MTU and up, DNS, routes and rules, hooks. A step that
 * fails undoes those before it, last first; {@link #close} does that for all. The interface itself
 * is the caller's, who makes it before and removes it after.
 *
 * <p>A default route gets a table of its own and rules that lead there, see {@link
 * RouteTable.Auto}. What wg-quick's firewall rules do besides is not done: packets for the tunnel's
 * addresses that come in by another interface are not dropped, and replies are not marked. So that
 * they pass the kernel's reverse path check all the same, that is made loose ({@code rp_filter =
 * 2}) where it is strict, and restored; hooks may do more.
 *
 * <p>Safe on any thread that may block, one at a time; sysctls are those of the calling thread's
 * namespace, which has to be the one of {@code netlink}.
 *
 * <p>Source: wg-quick(8), resolvconf(8).
 */
public final class Quick implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Quick.class);
  private static final String RESOLVCONF = "resolvconf";

  private final Netlink netlink;
  private final Sysctl sysctl;
  private final Programs programs;
  private final QuickRequest request;
  private final Undos undos = new Undos();

  private Quick(Netlink netlink, Sysctl sysctl, Programs programs, QuickRequest request) {
    this.netlink = netlink;
    this.sysctl = sysctl;
    this.programs = programs;
    this.request = request;
  }

  /** Configures the tunnel itself, in the middle of bringing its interface up. */
  @FunctionalInterface
  public interface Configuration {
    /**
     * Applies it.
     *
     * @param mark what the tunnel's datagrams have to be marked with; empty: as it is configured
     */
    void apply(OptionalInt mark);

    /**
     * What the tunnel's datagrams are marked with before it is applied, by a hook for example, as
     * an unsigned number; 0: with nothing. A default route without a mark of its own takes it.
     */
    default int mark() {
      return 0;
    }
  }

  /**
   * Refuses what could not be carried out, before anything is done.
   *
   * @throws VnetException EPERM: there are hooks and they are not allowed; ENOENT: DNS is to be set
   *     and there is no resolvconf
   */
  public static void check(QuickRequest request, Programs programs, boolean hooksAllowed) {
    if (!hooksAllowed) {
      Stream.of(Moment.values()).forEach(moment -> refuseHooks(request, moment));
    }
    if (request.hasDns() && programs.find(RESOLVCONF).isEmpty()) {
      throw new VnetException(
          "set",
          "DNS of " + request.interfaceName(),
          Errno.ENOENT,
          "there is no program resolvconf",
          "install openresolv, or leave DNS out");
    }
  }

  private static void refuseHooks(QuickRequest request, Moment moment) {
    moment.hooks(request.settings()).stream()
        .findFirst()
        .ifPresent(hook -> {
          throw new VnetException(
              "use",
              request.origin() + ":" + hook.line(),
              Errno.EPERM,
              moment.key() + " would run a command",
              "read it, then allow it with --allow-hooks, or leave it out");
        });
  }

  /**
   * Brings an interface up.
   *
   * @param netlink is used until the result is closed, and is to be closed after it
   * @param configuration is called once, after the first hooks
   * @throws VnetException what the step that failed said; those before it have been undone, and
   *     what could not be undone is in the suppressed exceptions. ENODEV: there is no such
   *     interface
   */
  public static Quick up(
      Netlink netlink,
      Sysctl sysctl,
      Programs programs,
      QuickRequest request,
      Configuration configuration) {
    Quick quick = new Quick(netlink, sysctl, programs, request);
    try {
      quick.carryOut(configuration);
      return quick;
    } catch (RuntimeException | Error e) {
      quick.undos.run().forEach(e::addSuppressed);
      throw e;
    }
  }

  private void carryOut(Configuration configuration) {
    String name = request.interfaceName();
    Link link =
        netlink
            .link(name)
            .orElseThrow(() ->
                new VnetException(
                    "set",
                    "link " + name,
                    Errno.ENODEV,
                    "there is no link " + name,
                    "make it first"));
    hooks(Moment.PRE_UP);
    Optional<DefaultRoute> everywhere =
        DefaultRoute.choose(netlink, sysctl, request, link.index(), configuration::mark);
    everywhere.ifPresent(_ ->
        LOG.warn(
            "{}: no firewall rules are made for its default route: packets for its addresses that"
                + " come in by other interfaces are not dropped",
            name));
    configuration.apply(
        everywhere.isPresent() ? OptionalInt.of(everywhere.get().mark()) : request.mark());
    int mtu =
        request
            .settings()
            .mtu()
            .orElseGet(
                () -> TunnelMtu.choose(netlink, link.index(), request.endpoints(), request.v6()));
    NetworkPlan plan = NetworkPlan.empty();
    for (IpPrefix address : request.settings().addresses()) {
      plan = plan.address(name, address);
    }
    carryOut(plan);
    // A plan of its own: one sets links before it adds addresses.
    carryOut(NetworkPlan.empty().link(name, new LinkChange.Mtu(mtu), new LinkChange.Up(true)));
    if (request.hasDns()) {
      setDns();
    }
    everywhere.ifPresent(route -> route.prepare(undos));
    NetworkPlan routes = routes(name, link.index());
    carryOut(everywhere.isPresent() ? everywhere.get().addTo(routes, name) : routes);
    hooks(Moment.POST_UP);
  }

  private void carryOut(NetworkPlan plan) {
    NetworkPlan.Applied applied = plan.apply(netlink);
    undos.push(applied::close);
    applied.steps().forEach(step -> LOG.debug("{}", step));
  }

  /** The longest prefixes first, as the kernel finds them; default routes are another matter. */
  private NetworkPlan routes(String name, int index) {
    NetworkPlan plan = NetworkPlan.empty();
    List<IpPrefix> prefixes =
        request.allowedIps().stream()
            .map(IpPrefix::network)
            .distinct()
            .sorted(Comparator.comparingInt(IpPrefix::length).reversed())
            .toList();
    switch (request.settings().table()) {
      case RouteTable.Off _, RouteTable.Named _ -> {}
      case RouteTable.Numbered(int table) -> {
        for (IpPrefix prefix : prefixes) {
          plan = plan.route(name, Route.to(prefix).withTable(Integer.toUnsignedLong(table)));
        }
      }
      case RouteTable.Auto _ -> {
        List<IpPrefix> there = connected(index);
        for (IpPrefix prefix : prefixes) {
          if (prefix.length() > 0 && there.stream().noneMatch(wider -> covers(wider, prefix))) {
            plan = plan.route(name, Route.to(prefix));
          }
        }
      }
    }
    return plan;
  }

  /** What the interface has routes to already, mostly because it has an address there. */
  private List<IpPrefix> connected(int index) {
    return Stream.concat(
            request.settings().addresses().stream()
                .filter(address -> address.address().v6() || address.length() < 32)
                .map(IpPrefix::network),
            netlink.routes().stream()
                .filter(
                    route -> route.interfaceIndex() == index && route.table() == Route.MAIN_TABLE)
                .map(Route::destination))
        .distinct()
        .toList();
  }

  private static boolean covers(IpPrefix wider, IpPrefix prefix) {
    return wider.length() <= prefix.length() && wider.contains(prefix.address());
  }

  private void setDns() {
    String name = request.interfaceName();
    StringBuilder text = new StringBuilder();
    for (IpAddress server : request.settings().dnsServers()) {
      text.append("nameserver ").append(server).append('\n');
    }
    if (!request.settings().dnsSearch().isEmpty()) {
      text.append("search ").append(String.join(" ", request.settings().dnsSearch())).append('\n');
    }
    // Metric 0, and nobody else is asked.
    undos.push(() -> resolvconf(List.of("-d", name, "-f"), ""));
    resolvconf(List.of("-a", name, "-m", "0", "-x"), text.toString());
    LOG.debug("set DNS of {}", name);
  }

  private void resolvconf(List<String> arguments, String input) {
    List<String> command = new ArrayList<>();
    command.add(programs.find(RESOLVCONF).map(Path::toString).orElse(RESOLVCONF));
    command.addAll(arguments);
    int code = programs.run(command, input);
    if (code != 0) {
      throw new VnetException(
          "run",
          RESOLVCONF + " " + String.join(" ", arguments),
          Errno.EIO,
          "it ended with " + code,
          "see what it says above, or leave DNS out");
    }
  }

  /** Stops at the first that fails. */
  private void hooks(Moment moment) {
    moment.hooks(request.settings()).forEach(hook -> run(moment, hook));
  }

  /** The command is not told: it may have secrets in it. */
  private void run(Moment moment, QuickSettings.Hook hook) {
    String shell = programs.find("bash").map(Path::toString).orElse("/bin/sh");
    String origin = moment.key() + " of " + request.origin() + ":" + hook.line();
    int code = programs.run(List.of(shell, "-c", hook.commandFor(request.interfaceName())), "");
    if (code != 0) {
      throw new VnetException(
          "run", origin, Errno.EIO, "it ended with " + code, "see what it says above");
    }
    LOG.debug("ran {}", origin);
  }

  /**
   * Runs the hooks of a moment of going down, all of them.
   *
   * @throws VnetException what the first that failed said, the others suppressed
   */
  public void goingDown(Moment moment) {
    List<RuntimeException> failures = new ArrayList<>();
    for (QuickSettings.Hook hook : moment.hooks(request.settings())) {
      try {
        run(moment, hook);
      } catch (RuntimeException e) {
        failures.add(e);
      }
    }
    throwFirst(failures);
  }

  /**
   * Takes back what was done, last step first, and that alone; what went with the interface is no
   * error. Runs no hooks. More than once is as once.
   *
   * @throws VnetException the first of what could not be undone, the others suppressed
   */
  @Override
  public void close() {
    throwFirst(undos.run());
  }

  private static void throwFirst(List<RuntimeException> failures) {
    if (!failures.isEmpty()) {
      RuntimeException first = failures.getFirst();
      failures.subList(1, failures.size()).forEach(first::addSuppressed);
      throw first;
    }
  }
}
