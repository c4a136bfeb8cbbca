package io.vnet.io.netlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.address.MacAddress;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.FaultyLibc;
import io.vnet.io.testkit.NetworkNamespaces;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A plan is carried out whole or not at all, and closing it leaves what was there before. */
@ExtendWith(NetworkNamespaces.class)
class NetworkPlanIT {
  private static final MacAddress MAC = MacAddress.parse("02:00:00:00:00:07");
  private static final IpPrefix KEPT = IpPrefix.parse("fd77::1/64");

  /** What a namespace looks like, without what changes by itself (counters, learnt addresses). */
  private record State(
      List<String> links, List<String> addresses, List<Route> routes, List<Rule> rules) {
    static State of(Netlink netlink) {
      return new State(
          netlink.links().stream()
              .map(link ->
                  "%s up=%b mtu=%d mac=%s alias=%s master=%d"
                      .formatted(
                          link.name(),
                          link.up(),
                          link.mtu(),
                          link.mac(),
                          link.alias(),
                          link.master()))
              .toList(),
          netlink.addresses().stream()
              .filter(address -> !address.state().kernelMade())
              .map(address -> address.interfaceIndex() + " " + address)
              .sorted()
              .toList(),
          // The kernel makes routes of its own with the addresses, some a moment later.
          netlink.routes().stream()
              .filter(route -> route.protocol() == 4)
              .sorted(Comparator.comparing(Route::toString))
              .toList(),
          netlink.rules());
    }
  }

  /** Two links that are down, one with an address of either family, and a bridge. */
  private static int scene(Netlink netlink) {
    int index = netlink.createVeth("a0", "a1").index();
    netlink.addAddress(InterfaceAddress.of(KEPT).withoutDad().on(index));
    netlink.addAddress(InterfaceAddress.of(IpPrefix.parse("10.77.0.1/24")).on(index));
    int bridge = netlink.createBridge("br0").index();
    // A bridge without an address of its own has that of a port.
    netlink.change(bridge, new LinkChange.Mac(MacAddress.parse("02:00:00:00:00:01")));
    return index;
  }

  private static NetworkPlan plan(Netlink netlink) {
    int bridge = netlink.link("br0").orElseThrow().index();
    return NetworkPlan.empty()
        .rule(Rule.lookup(51820).withMark(51820).not())
        .rule(Rule.lookup(Route.MAIN_TABLE).withSuppressPrefixLength(0).forV6())
        .route("a0", Route.to(IpPrefix.parse("10.0.0.0/8")).via(IpAddress.parse("10.9.0.2")))
        .route("a0", Route.to(IpPrefix.parse("fd01::/16")).withTable(51820))
        .route(Route.to(IpPrefix.parse("192.0.2.0/24")).withType(Route.Type.BLACKHOLE))
        .address("a0", IpPrefix.parse("10.9.0.1/24"))
        .address("a0", InterfaceAddress.of(IpPrefix.parse("fd09::1/64")).withoutDad())
        .link("a0", new LinkChange.Mtu(1420), new LinkChange.Mac(MAC))
        .link("a0", new LinkChange.Alias("tunnel"), new LinkChange.Up(true))
        .link("a1", new LinkChange.Master(bridge), new LinkChange.Mtu(1000));
  }

  @Test
  void steps_are_carried_out_in_order_and_undone_by_close(NetworkNamespace namespace) {
    try (Netlink netlink = Netlink.open(namespace)) {
      int index = scene(netlink);
      State before = State.of(netlink);
      NetworkPlan.Applied applied = plan(netlink).apply(netlink);
      assertThat(applied.steps())
          .containsExactly(
              "set link a0 mtu 1420",
              "set link a0 address 02:00:00:00:00:07",
              "set link a0 alias 'tunnel'",
              "set link a0 up",
              "set link a1 master " + netlink.link("br0").orElseThrow().index(),
              "set link a1 mtu 1000",
              "add address 10.9.0.1/24 dev a0",
              "add address fd09::1/64 dev a0",
              "add route 10.0.0.0/8 via 10.9.0.2 dev a0",
              "add route fd01::/16 dev a0 table 51820",
              "add route blackhole 192.0.2.0/24",
              "add rule not from all fwmark 0xca6c lookup 51820",
              "add rule -6 from all lookup 254 suppress_prefixlength 0");
      Link link = netlink.link(index).orElseThrow();
      assertThat(link.mtu()).isEqualTo(1420);
      assertThat(link.up()).isTrue();
      assertThat(State.of(netlink)).isNotEqualTo(before);
      applied.close();
      assertThat(State.of(netlink)).isEqualTo(before);
      applied.close();
      assertThat(State.of(netlink)).isEqualTo(before);
    }
  }

  @Test
  void what_is_there_already_is_left_alone_and_stays(NetworkNamespace namespace) {
    try (Netlink netlink = Netlink.open(namespace)) {
      int index = scene(netlink);
      try (NetworkPlan.Applied _ = plan(netlink).apply(netlink)) {
        State before = State.of(netlink);
        try (NetworkPlan.Applied second = plan(netlink).apply(netlink)) {
          assertThat(second.steps()).isEmpty();
        }
        assertThat(State.of(netlink)).isEqualTo(before);
        assertThat(netlink.link(index).orElseThrow().mtu()).isEqualTo(1420);
      }
    }
  }

  /**
   * The n-th system call of a kind fails, for every n that a plan makes: be it the request, be it
   * the answer to one that the kernel has carried out.
   */
  @Test
  void a_fault_at_any_system_call_leaves_the_state_as_it_was(NetworkNamespace namespace) {
    FaultyLibc libc = new FaultyLibc();
    try (Netlink netlink = namespace.call(() -> Netlink.open(libc))) {
      scene(netlink);
      State before = State.of(netlink);
      NetworkPlan plan = plan(netlink);
      int start = libc.calls().size();
      NetworkPlan.Applied whole = plan.apply(netlink);
      List<String> calls = libc.calls().subList(start, libc.calls().size());
      whole.close();
      assertThat(State.of(netlink)).isEqualTo(before);
      assertThat(calls).contains("write", "recv", "recv MSG_PEEK", "poll");

      List<String> failed = new ArrayList<>();
      for (String call : List.of("write", "recv", "recv MSG_PEEK", "poll")) {
        int count = Collections.frequency(calls, call);
        for (int i = 0; i < count; i++) {
          String fault = call + " number " + i + " of " + count;
          int fired = libc.fired();
          libc.failExactly(call, i, Errno.EIO);
          VnetException failure =
              catchThrowableOfType(VnetException.class, () -> plan.apply(netlink));
          assertThat(libc.fired()).as(fault).isEqualTo(fired + 1);
          assertThat(failure).as(fault).isNotNull();
          assertThat(failure.errno()).as(fault).isEqualTo(Errno.EIO);
          assertThat(failure.getSuppressed()).as(fault).isEmpty();
          assertThat(State.of(netlink)).as(fault).isEqualTo(before);
          failed.add(fault);
        }
      }
      assertThat(failed).hasSizeGreaterThan(100);
    }
    assertThat(libc.open()).isEmpty();
    assertThat(libc.misuses()).isEmpty();
  }

  @Test
  void a_refused_step_is_named_and_those_before_it_are_undone(NetworkNamespace namespace) {
    try (Netlink netlink = Netlink.open(namespace)) {
      scene(netlink);
      State before = State.of(netlink);
      NetworkPlan plan =
          NetworkPlan.empty()
              .link("a0", new LinkChange.Up(true))
              .address("a0", IpPrefix.parse("10.9.0.1/24"))
              .route("a0", Route.to(IpPrefix.parse("10.0.0.0/8")).via(IpAddress.parse("10.1.1.1")))
              .rule(Rule.lookup(7));
      assertThatThrownBy(() -> plan.apply(netlink))
          .hasMessage(
              "add route 10.0.0.0/8 via 10.1.1.1 dev a0: ENETUNREACH, Nexthop has invalid gateway"
                  + " (step 3 of 4 of the plan; those before it are undone); bring a0 up and give"
                  + " it an address in the network of 10.1.1.1 first")
          .hasCauseInstanceOf(NetlinkRefusal.class)
          .satisfies(e -> assertThat(e.getSuppressed()).isEmpty());
      assertThat(State.of(netlink)).isEqualTo(before);
    }
  }

  @Test
  void what_others_did_meanwhile_stays(NetworkNamespace namespace) {
    try (Netlink netlink = Netlink.open(namespace)) {
      int index = scene(netlink);
      NetworkPlan plan =
          NetworkPlan.empty()
              .link("a0", new LinkChange.Mtu(1420), new LinkChange.Up(true))
              .address("a0", IpPrefix.parse("10.9.0.1/24"));
      InterfaceAddress theirs = InterfaceAddress.of(IpPrefix.parse("10.9.0.5/24")).on(index);
      Rule rule;
      try (NetworkPlan.Applied _ = plan.apply(netlink)) {
        netlink.change(index, new LinkChange.Mtu(1300));
        // Of the same network as the plan's, which the kernel takes away with the plan's.
        netlink.addAddress(theirs);
        rule = netlink.addRule(Rule.lookup(9));
      }
      assertThat(netlink.link(index).orElseThrow().mtu()).isEqualTo(1300);
      assertThat(netlink.addresses())
          .anyMatch(theirs::isSameEntry)
          .noneMatch(address -> address.prefix().equals(IpPrefix.parse("10.9.0.1/24")));
      assertThat(netlink.rules()).contains(rule);
    }
  }

  @Test
  void what_went_down_comes_back_with_its_addresses_and_routes(NetworkNamespace namespace) {
    try (Netlink netlink = Netlink.open(namespace)) {
      int index = scene(netlink);
      netlink.change(index, new LinkChange.Up(true));
      netlink.addRoute(Route.to(IpPrefix.parse("10.1.0.0/16")).on(index));
      netlink.addRoute(
          Route.to(IpPrefix.parse("10.2.0.0/16")).via(IpAddress.parse("10.1.0.2")).on(index));
      netlink.addRoute(Route.to(IpPrefix.parse("fd01::/16")).on(index));
      State before = State.of(netlink);
      for (LinkChange change : List.of(new LinkChange.Up(false), new LinkChange.Mtu(600))) {
        try (NetworkPlan.Applied _ = NetworkPlan.empty().link("a0", change).apply(netlink)) {
          assertThat(netlink.addresses()).noneMatch(address -> address.prefix().equals(KEPT));
        }
        assertThat(State.of(netlink)).as(change.toString()).isEqualTo(before);
      }
    }
  }

  @Test
  void closing_after_the_interface_is_gone_is_no_error(NetworkNamespace namespace) {
    try (Netlink netlink = Netlink.open(namespace)) {
      int index = scene(netlink);
      List<Rule> rules = netlink.rules();
      NetworkPlan.Applied applied = plan(netlink).apply(netlink);
      netlink.deleteLink(index);
      netlink.createVeth("a0", "a1");
      State other = State.of(netlink);
      applied.close();
      assertThat(netlink.rules()).isEqualTo(rules);
      assertThat(netlink.routes()).noneMatch(route -> route.protocol() == 4);
      assertThat(State.of(netlink).links()).as("the next of its name").isEqualTo(other.links());
    }
  }

  @Test
  void a_close_that_fails_at_one_step_undoes_the_others(NetworkNamespace namespace) {
    FaultyLibc libc = new FaultyLibc();
    try (Netlink netlink = namespace.call(() -> Netlink.open(libc))) {
      int index = scene(netlink);
      List<Rule> rules = netlink.rules();
      NetworkPlan.Applied applied = plan(netlink).apply(netlink);
      libc.failNext("write", Errno.EPERM);
      assertThatThrownBy(applied::close)
          .hasMessageContaining("delete rule -6")
          .isInstanceOfSatisfying(
              VnetException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EPERM));
      assertThat(netlink.rules()).hasSize(rules.size() + 1);
      assertThat(netlink.link(index).orElseThrow().mtu()).isEqualTo(1500);
      applied.close();
      assertThat(netlink.rules()).hasSize(rules.size() + 1);
    }
  }

  @Test
  void contradictions_are_found_before_anything_is_done(NetworkNamespace namespace) {
    FaultyLibc libc = new FaultyLibc();
    try (Netlink netlink = namespace.call(() -> Netlink.open(libc))) {
      scene(netlink);
      State before = State.of(netlink);
      NetworkPlan start = NetworkPlan.empty().link("a0", new LinkChange.Up(true));
      refused(start.address("tun3", KEPT), netlink, Errno.ENODEV, "no link tun3", "make it first");
      refused(start.link("b", new LinkChange.Mtu(1400)), netlink, Errno.ENODEV, "link b mtu 1400");
      refused(start.route("c", Route.to(KEPT)), netlink, Errno.ENODEV, "route fd77::/64 dev c");
      refused(
          start.link("a0", new LinkChange.Mtu(576)).address("a0", KEPT),
          netlink,
          Errno.EINVAL,
          "1280");
      refused(start.link("a0", new LinkChange.Master(99)), netlink, Errno.EINVAL, "master 99");
      refused(start.address("a0", KEPT).address("a0", KEPT), netlink, Errno.EINVAL, "twice");
      assertThat(State.of(netlink)).isEqualTo(before);
    }
    assertThatThrownBy(() -> NetworkPlan.empty().link("a0", new LinkChange.Name("b0")))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static void refused(NetworkPlan plan, Netlink netlink, Errno errno, String... words) {
    assertThatThrownBy(() -> plan.apply(netlink))
        .isInstanceOfSatisfying(VnetException.class, e -> assertThat(e.errno()).isEqualTo(errno))
        .hasMessageContaining("nothing of the plan has been done")
        .hasMessageContainingAll(words);
  }
}
