package io.vnet.tunnel.quick;

import io.vnet.api.address.IpPrefix;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.netlink.Link;
import io.vnet.io.netlink.Netlink;
import io.vnet.io.netlink.NetworkPlan;
import io.vnet.io.netlink.Route;
import io.vnet.io.netlink.Rule;
import io.vnet.tunnel.config.RouteTable;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntSupplier;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Sends everything through a tunnel but the tunnel's own datagrams: these have a mark, and a rule
 * sends all that has not to a table with the default route; another one, asked before, lets the
 * main table have what it has a route to that is no default route.
 *
 * <p>The answers to the datagrams have no mark, so the kernel's check where a source would be
 * routed to sees the tunnel: the check has to look at marks, and not to be strict. Blocks.
 */
final class DefaultRoute {
  /** The first number that is tried, as everybody's. */
  private static final long FIRST_TABLE = 51820;

  private static final String SRC_VALID_MARK = "net/ipv4/conf/all/src_valid_mark";
  private static final String ALL_RP_FILTER = "net/ipv4/conf/all/rp_filter";
  private static final String STRICT = "1";
  private static final String LOOSE = "2";

  private final Netlink netlink;
  private final Sysctl sysctl;
  private final List<IpPrefix> prefixes;
  private final int mark;

  private DefaultRoute(Netlink netlink, Sysctl sysctl, List<IpPrefix> prefixes, int mark) {
    this.netlink = netlink;
    this.sysctl = sysctl;
    this.prefixes = prefixes;
    this.mark = mark;
  }

  /**
   * Empty if no peer is the way to everywhere, or it is somebody else's to lead there.
   *
   * @param running asked for the mark that the tunnel has already if the request has none; 0: none
   */
  static Optional<DefaultRoute> choose(
      Netlink netlink, Sysctl sysctl, QuickRequest request, int index, IntSupplier running) {
    List<IpPrefix> prefixes =
        request.allowedIps().stream()
            .filter(prefix -> prefix.length() == 0)
            .map(IpPrefix::network)
            .distinct()
            .toList();
    if (prefixes.isEmpty() || !(request.settings().table() instanceof RouteTable.Auto)) {
      return Optional.empty();
    }
    int asked = request.mark().orElseGet(running);
    int mark = asked != 0 ? asked : (int) freeTable(netlink, index);
    return Optional.of(new DefaultRoute(netlink, sysctl, prefixes, mark));
  }

  /** One whose routes are out of this very interface is left from before. */
  private static long freeTable(Netlink netlink, int index) {
    Set<Long> used =
        netlink.routes().stream()
            .filter(route -> route.interfaceIndex() != index)
            .map(Route::table)
            .collect(Collectors.toSet());
    long table = FIRST_TABLE;
    while (used.contains(table)) {
      table++;
    }
    return table;
  }

  /** What the tunnel's datagrams have to be marked with; the table has the same number. */
  int mark() {
    return mark;
  }

  private long table() {
    return Integer.toUnsignedLong(mark);
  }

  /** Makes the reverse path check let answers pass, and says how to undo that. */
  void prepare(Undos undos) {
    if (prefixes.stream().anyMatch(prefix -> !prefix.address().v6())) {
      set(SRC_VALID_MARK, "1", undos);
      if (strict()) {
        set(ALL_RP_FILTER, LOOSE, undos);
      }
    }
    // Before those are restored, which other tunnels' rules forbid; after the own rules are gone.
    undos.push(this::removeLeftOver);
  }

  /** The larger of the value for all and the interface's own counts. */
  private boolean strict() {
    Optional<String> all = sysctl.get(ALL_RP_FILTER);
    Stream<Optional<String>> each =
        netlink.links().stream()
            .filter(link -> !link.loopback())
            .map(Link::name)
            .map(name -> sysctl.get("net/ipv4/conf/" + name + "/rp_filter"));
    return !all.equals(Optional.of(LOOSE))
        && Stream.concat(Stream.of(all), each).anyMatch(Optional.of(STRICT)::equals);
  }

  private void set(String name, String value, Undos undos) {
    Optional<String> before = sysctl.get(name);
    if (before.isEmpty() || before.get().equals(value)) {
      return;
    }
    sysctl.set(name, value);
    undos.push(() -> {
      // It stays while another tunnel needs it, and if somebody else has changed it since.
      boolean ours = sysctl.get(name).equals(Optional.of(value));
      if (ours && rules(false, DefaultRoute::isOfSome).isEmpty()) {
        sysctl.set(name, before.get());
      }
    });
  }

  /** Adds routes and rules. */
  NetworkPlan addTo(NetworkPlan before, String interfaceName) {
    NetworkPlan plan = before;
    for (IpPrefix prefix : prefixes) {
      boolean v6 = prefix.address().v6();
      long priority = priority(v6);
      plan =
          plan.route(interfaceName, Route.to(prefix).withTable(table()))
              .rule(leading(v6).withPriority(priority))
              .rule(specific(v6).withPriority(priority - 1));
    }
    return plan;
  }

  private Rule leading(boolean v6) {
    Rule rule = Rule.lookup(table()).withMark(mark).not();
    return v6 ? rule.forV6() : rule;
  }

  private static Rule specific(boolean v6) {
    Rule rule = Rule.lookup(Route.MAIN_TABLE).withSuppressPrefixLength(0);
    return v6 ? rule.forV6() : rule;
  }

  /**
   * Before all rules but the first, the local table's, as the kernel would choose. Said, since a
   * rule that is like one that is there already is needed once more: before this tunnel's.
   */
  private long priority(boolean v6) {
    long first =
        rules(v6, rule -> priority(rule) > 0).stream()
            .mapToLong(DefaultRoute::priority)
            .min()
            .orElse(Short.MAX_VALUE);
    if (first < 3) {
      throw new VnetException(
          "add",
          "rule " + leading(v6),
          Errno.ENOSPC,
          "there is a rule of priority " + first + " already, and two have to come before it",
          "give that rule a greater priority");
    }
    return first - 1;
  }

  private static long priority(Rule rule) {
    return rule.priority().orElse(0);
  }

  private List<Rule> rules(boolean v6, Predicate<Rule> which) {
    return netlink.rules().stream().filter(rule -> rule.v6() == v6 && which.test(rule)).toList();
  }

  /** Whether it leads to the default route of some tunnel. */
  private static boolean isOfSome(Rule rule) {
    return rule.inverted()
        && rule.mark()
            .filter(its -> its.mask() == -1 && Integer.toUnsignedLong(its.value()) == rule.table())
            .isPresent();
  }

  /**
   * Rules of a process that was killed lead to a table that is empty now. Each is one of a pair.
   */
  private void removeLeftOver() {
    for (IpPrefix prefix : prefixes) {
      boolean v6 = prefix.address().v6();
      for (Rule left : rules(v6, rule -> rule.equals(at(rule, leading(v6))))) {
        netlink.deleteRule(left);
        Rule pair = specific(v6).withPriority(priority(left) - 1);
        rules(v6, pair::equals).forEach(netlink::deleteRule);
      }
    }
  }

  private static Rule at(Rule there, Rule wanted) {
    return wanted.withPriority(priority(there));
  }
}
