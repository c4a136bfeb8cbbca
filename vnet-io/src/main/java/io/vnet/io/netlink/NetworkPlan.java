package io.vnet.io.netlink;

import io.vnet.api.address.IpPrefix;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A configuration that is carried out whole or not at all, and taken back when it is closed: links'
 * settings first, then addresses, routes, rules, each kind in the order in which it was said.
 *
 * <p>Immutable; each method gives a new plan.
 *
 * <p><b>What is there already</b> (an address, a route or a rule that says the same, a setting that
 * has the value) is left alone, and stays at the end.
 */
public final class NetworkPlan {
  private static final NetworkPlan EMPTY =
      new NetworkPlan(List.of(), List.of(), List.of(), List.of());

  private final List<LinkSetting> settings;
  private final List<AddressOn> addresses;
  private final List<RouteOn> routes;
  private final List<Rule> rules;

  private record LinkSetting(String link, LinkChange change) {}

  private record AddressOn(String link, InterfaceAddress address) {}

  /** Without a link if its name is empty. */
  private record RouteOn(String link, Route route) {}

  private record Step(String operation, String object, Runnable action) {}

  private NetworkPlan(
      List<LinkSetting> settings,
      List<AddressOn> addresses,
      List<RouteOn> routes,
      List<Rule> rules) {
    this.settings = settings;
    this.addresses = addresses;
    this.routes = routes;
    this.rules = rules;
  }

  /** A plan without a step. */
  public static NetworkPlan empty() {
    return EMPTY;
  }

  /**
   * With settings of a link.
   *
   * @param changes of what can be put back in place: not the name, not the namespace
   */
  public NetworkPlan link(String link, LinkChange... changes) {
    List<LinkSetting> more = new ArrayList<>();
    for (LinkChange change : changes) {
      switch (change) {
        case LinkChange.Name _, LinkChange.Namespace _, LinkChange.NamespaceOfProcess _ ->
            throw new IllegalArgumentException(
                "a plan names links, so it cannot set the " + change + " of " + link);
        case LinkChange.Up _,
            LinkChange.Mtu _,
            LinkChange.Mac _,
            LinkChange.Alias _,
            LinkChange.Master _ ->
            more.add(new LinkSetting(link, change));
      }
    }
    return new NetworkPlan(concat(settings, more), addresses, routes, rules);
  }

  /** With an address of a link. */
  public NetworkPlan address(String link, IpPrefix prefix) {
    return address(link, InterfaceAddress.of(prefix));
  }

  /**
   * With an address of a link.
   *
   * @param address its interface does not matter
   */
  public NetworkPlan address(String link, InterfaceAddress address) {
    return new NetworkPlan(
        settings, concat(addresses, List.of(new AddressOn(link, address))), routes, rules);
  }

  /**
   * With a route out of a link.
   *
   * @param route its interface does not matter
   */
  public NetworkPlan route(String link, Route route) {
    return new NetworkPlan(
        settings, addresses, concat(routes, List.of(new RouteOn(link, route))), rules);
  }

  /** With a route that names no link: its gateway tells, or it drops. */
  public NetworkPlan route(Route route) {
    return new NetworkPlan(
        settings, addresses, concat(routes, List.of(new RouteOn("", route))), rules);
  }

  /** With a rule. */
  public NetworkPlan rule(Rule rule) {
    return new NetworkPlan(settings, addresses, routes, concat(rules, List.of(rule)));
  }

  private static <T> List<T> concat(List<T> some, List<T> more) {
    return Stream.concat(some.stream(), more.stream()).toList();
  }

  /** How many steps it has. */
  public int size() {
    return settings.size() + addresses.size() + routes.size() + rules.size();
  }

  /**
   * Checks the plan against what is there, then carries it out. Blocks.
   *
   * @param netlink is used until the result is closed, and is to be closed after it
   * @throws VnetException what the first step that failed said, with its place in the plan; the
   *     steps before it have been undone, and what could not be undone is in the suppressed
   *     exceptions. ENODEV: a link is not there; EINVAL: the plan contradicts itself. Nothing has
   *     been done then
   */
  public Applied apply(Netlink netlink) {
    Run run = new Run(netlink);
    List<Step> steps = run.steps();
    for (int i = 0; i < steps.size(); i++) {
      Step step = steps.get(i);
      try {
        run.take(step);
      } catch (VnetException e) {
        VnetException failure =
            new VnetException(
                step.operation,
                step.object,
                e.errno(),
                e.reason()
                    + " (step "
                    + (i + 1)
                    + " of "
                    + steps.size()
                    + " of the plan; those before it are undone)",
                e.remedy(),
                e.getCause() == null ? e : e.getCause());
        run.undo().forEach(failure::addSuppressed);
        throw failure;
      } catch (RuntimeException e) {
        run.undo().forEach(e::addSuppressed);
        throw e;
      }
    }
    return new Applied(run);
  }

  /** A plan that has been carried out. Safe on any thread that may block. */
  public static final class Applied implements AutoCloseable {
    private final Run run;

    private Applied(Run run) {
      this.run = run;
    }

    /** The steps that changed something, in order, as the kernel's tools write them. */
    public List<String> steps() {
      return run.done();
    }

    /**
     * Undoes what the plan did, last step first, and that alone: a setting that somebody else has
     * changed since stays, and what is gone (with its interface, for example) is no error. More
     * than once is as once.
     *
     * @throws VnetException the first of what could not be undone, the others suppressed; all else
     *     has been undone
     */
    @Override
    public void close() {
      List<VnetException> failures = run.undo();
      if (!failures.isEmpty()) {
        VnetException first = failures.getFirst();
        failures.subList(1, failures.size()).forEach(first::addSuppressed);
        throw first;
      }
    }
  }

  /** One carrying out, with what undoes it. */
  private final class Run {
    private final Netlink netlink;
    private final Deque<Undo> undos = new ArrayDeque<>();

    private record Undo(String step, Runnable undo) {}

    Run(Netlink netlink) {
      this.netlink = netlink;
    }

    /** The steps, checked. */
    List<Step> steps() {
      Map<String, Link> links = new HashMap<>();
      List<Step> steps = new ArrayList<>();
      for (LinkSetting setting : settings) {
        String object = "link " + setting.link + " " + setting.change;
        Link link = require(links, "set", object, setting.link);
        check(setting, object);
        steps.add(new Step("set", object, () -> set(object, link.index(), setting.change)));
      }
      Set<AddressOn> seen = new HashSet<>();
      for (AddressOn each : addresses) {
        String object = "address " + each.address + " dev " + each.link;
        Link link = require(links, "add", object, each.link);
        if (!seen.add(each)) {
          throw invalid("add", object, "the plan has it twice", "say it once");
        }
        InterfaceAddress address = each.address.on(link.index());
        steps.add(new Step("add", object, () -> add(object, address)));
      }
      for (RouteOn each : routes) {
        String object = "route " + each.route.describe(each.link);
        Route route =
            each.link.isEmpty()
                ? each.route
                : each.route.on(require(links, "add", object, each.link).index());
        steps.add(new Step("add", object, () -> add(object, route)));
      }
      for (Rule rule : rules) {
        String object = "rule " + rule;
        steps.add(new Step("add", object, () -> add(object, rule)));
      }
      return steps;
    }

    /** Each is looked for once: a host may have thousands. */
    private Link require(Map<String, Link> found, String operation, String object, String name) {
      return found.computeIfAbsent(
          name,
          _ ->
              netlink
                  .link(name)
                  .orElseThrow(() ->
                      new VnetException(
                          operation,
                          object,
                          Errno.ENODEV,
                          "there is no link " + name + "; nothing of the plan has been done",
                          "make it first")));
    }

    private void check(LinkSetting setting, String object) {
      switch (setting.change) {
        case LinkChange.Mtu(int bytes) -> {
          boolean v6 =
              addresses.stream()
                  .anyMatch(each ->
                      each.link.equals(setting.link) && each.address.prefix().address().v6());
          if (bytes < Swept.V6_MTU_MIN && v6) {
            throw invalid(
                "set",
                object,
                "the plan gives it IPv6 addresses, and IPv6 needs an MTU of " + Swept.V6_MTU_MIN,
                "use a larger MTU, or IPv4 alone");
          }
        }
        case LinkChange.Master(int index) -> {
          if (index != 0 && netlink.link(index).isEmpty()) {
            throw invalid("set", object, "there is no link of that index", "make it first");
          }
        }
        default -> {}
      }
    }

    private static VnetException invalid(
        String operation, String object, String reason, String remedy) {
      return new VnetException(
          operation, object, Errno.EINVAL, reason + "; nothing of the plan has been done", remedy);
    }

    synchronized void take(Step step) {
      step.action.run();
    }

    synchronized List<String> done() {
      List<String> steps = new ArrayList<>();
      undos.descendingIterator().forEachRemaining(undo -> steps.add(undo.step));
      return steps;
    }

    /** Undoes what is done, last first; each is tried once, whatever becomes of the others. */
    synchronized List<VnetException> undo() {
      List<VnetException> failures = new ArrayList<>();
      while (!undos.isEmpty()) {
        try {
          undos.pop().undo.run();
        } catch (VnetException e) {
          failures.add(e);
        }
      }
      return failures;
    }

    /**
     * Does a step whose undoing is known before. If the kernel refused, there is nothing to undo;
     * if the exchange failed, the kernel may have done it.
     */
    private void carryOut(String step, Runnable change, Runnable undo) {
      try {
        change.run();
      } catch (VnetException e) {
        if (!(e.getCause() instanceof NetlinkRefusal)) {
          undos.push(new Undo(step, undo));
        }
        throw e;
      }
      undos.push(new Undo(step, undo));
    }

    private void add(String object, InterfaceAddress address) {
      if (netlink.addresses().stream().anyMatch(address::isSameEntry)) {
        return;
      }
      carryOut(
          "add " + object,
          () -> netlink.addAddress(address),
          () -> Swept.deleting(netlink, address));
    }

    private void add(String object, Route route) {
      List<Route> before = netlink.routes();
      if (before.stream().anyMatch(there -> saysAll(there, route))) {
        return;
      }
      List<Route> added = new ArrayList<>();
      carryOut(
          "add " + object,
          () -> added.add(netlink.addRoute(route)),
          () -> {
            if (added.isEmpty()) {
              netlink.routes().stream()
                  .filter(now -> saysAll(now, route) && !before.contains(now))
                  .forEach(added::add);
            }
            added.forEach(there -> Swept.tolerantly(() -> netlink.deleteRoute(there)));
          });
    }

    /** Whether a route of the kernel's is what a plan asks for. */
    private static boolean saysAll(Route there, Route wanted) {
      Route filled = wanted;
      if (wanted.interfaceIndex() == 0) {
        filled = filled.on(there.interfaceIndex());
      }
      if (wanted.metric() == 0) {
        filled = filled.withMetric(there.metric());
      }
      return there.equals(filled.withScope(there.scope()).withProtocol(there.protocol()));
    }

    private void add(String object, Rule rule) {
      List<Rule> before = netlink.rules();
      if (before.stream().anyMatch(there -> saysAll(there, rule))) {
        return;
      }
      List<Rule> added = new ArrayList<>();
      carryOut(
          "add " + object,
          () -> added.add(netlink.addRule(rule)),
          () -> {
            if (added.isEmpty()) {
              netlink.rules().stream()
                  .filter(now -> saysAll(now, rule) && !before.contains(now))
                  .forEach(added::add);
            }
            added.forEach(there -> Swept.tolerantly(() -> netlink.deleteRule(there)));
          });
    }

    private static boolean saysAll(Rule there, Rule wanted) {
      Rule filled =
          wanted.priority().isPresent() ? wanted : wanted.withPriority(there.priority().orElse(0));
      return there.equals(filled);
    }

    private void set(String object, int index, LinkChange change) {
      Link before = link(index);
      Optional<LinkChange> back = value(before, change);
      if (back.equals(Optional.of(change))) {
        return;
      }
      Swept swept = Swept.before(netlink, before, change);
      carryOut(
          "set " + object,
          () -> netlink.change(index, change),
          () ->
              netlink
                  .link(index)
                  // Somebody else's setting by now, unless it is still the plan's.
                  .filter(now -> value(now, change).equals(Optional.of(change)))
                  .ifPresent(now -> {
                    back.ifPresent(former -> Swept.restoring(netlink, now, former));
                    swept.putBack();
                  }));
      swept.look();
    }

    private Link link(int index) {
      return netlink
          .link(index)
          .orElseThrow(() ->
              new VnetException(
                  "find",
                  "link " + index,
                  Errno.ENODEV,
                  "it was removed while the plan was carried out",
                  "make it again"));
    }

    /** The value that a link has of what a change changes; empty if it has none. */
    private static Optional<LinkChange> value(Link link, LinkChange change) {
      return switch (change) {
        case LinkChange.Up _ -> Optional.of(new LinkChange.Up(link.up()));
        case LinkChange.Mtu _ -> Optional.of(new LinkChange.Mtu(link.mtu()));
        case LinkChange.Mac _ -> link.mac().map(LinkChange.Mac::new);
        case LinkChange.Alias _ -> Optional.of(new LinkChange.Alias(link.alias()));
        case LinkChange.Master _ -> Optional.of(new LinkChange.Master(link.master()));
        case LinkChange.Name _, LinkChange.Namespace _, LinkChange.NamespaceOfProcess _ ->
            throw new IllegalArgumentException("a plan has no " + change);
      };
    }
  }
}
