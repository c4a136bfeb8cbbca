package io.vnet.io.netlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.address.MacAddress;
import io.vnet.api.device.DriverKind;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.Descriptors;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What is set over netlink the kernel's own tool sees, and what that tool sets is listed. */
@ExtendWith(NetworkNamespaces.class)
class NetlinkIT {
  private static final MacAddress MAC = MacAddress.parse("02:00:00:00:00:07");

  private static String ip(NetworkNamespace namespace, String... arguments) {
    List<String> command = new ArrayList<>(List.of("ip"));
    command.addAll(List.of(arguments));
    return Program.outputIn(namespace, command.toArray(String[]::new));
  }

  private static IpPrefix prefix(String text) {
    return IpPrefix.parse(text);
  }

  private static IpAddress address(String text) {
    return IpAddress.parse(text);
  }

  /** A veth pair, both ends up; the first one's index. */
  private static int upPair(Netlink netlink) {
    Link first = netlink.createVeth("a0", "a1");
    netlink.change(first.index(), new LinkChange.Up(true));
    netlink.change(first.peer(), new LinkChange.Up(true));
    return first.index();
  }

  private static void refused(Runnable action, Errno errno, String... words) {
    assertThatThrownBy(action::run)
        .isInstanceOfSatisfying(
            VnetException.class,
            e -> {
              assertThat(e.errno()).as(e.getMessage()).isEqualTo(errno);
              assertThat(e.remedy()).as(e.getMessage()).isNotEmpty();
              assertThat(e).hasMessageContainingAll(words);
            });
  }

  @Test
  void a_new_namespace_has_its_loopback_alone(NetworkNamespace namespace) {
    try (Netlink netlink = Netlink.open(namespace)) {
      assertThat(netlink.links())
          .singleElement()
          .satisfies(lo -> {
            assertThat(lo.name()).isEqualTo("lo");
            assertThat(lo.loopback()).isTrue();
            assertThat(lo.up()).isTrue();
            assertThat(lo.mtu()).isEqualTo(65536);
            assertThat(lo.kind()).isEmpty();
            assertThat(lo.tun()).isEmpty();
          });
      assertThat(netlink.link("lo")).isEqualTo(netlink.link(1));
      assertThat(netlink.link("none")).isEmpty();
      assertThat(netlink.link(77)).isEmpty();
      assertThat(netlink.addresses())
          .extracting(InterfaceAddress::prefix)
          .containsExactlyInAnyOrder(prefix("127.0.0.1/8"), prefix("::1/128"));
    }
  }

  @Test
  void a_veth_pair_and_a_bridge_are_made_and_deleted(NetworkNamespace namespace) {
    try (Netlink netlink = Netlink.open(namespace)) {
      Link veth = netlink.createVeth("a0", "a1");
      Link bridge = netlink.createBridge("br0");
      assertThat(veth.kind()).isEqualTo("veth");
      assertThat(netlink.link("a1").orElseThrow().index()).isEqualTo(veth.peer());
      assertThat(bridge.kind()).isEqualTo("bridge");
      assertThat(ip(namespace, "-j", "-d", "link"))
          .contains("\"info_kind\":\"veth\"", "\"info_kind\":\"bridge\"");

      netlink.change(veth.index(), new LinkChange.Master(bridge.index()));
      assertThat(netlink.link("a0").orElseThrow().master()).isEqualTo(bridge.index());
      assertThat(ip(namespace, "-j", "link", "show", "a0")).contains("\"master\":\"br0\"");
      netlink.change(veth.index(), new LinkChange.Master(0));
      assertThat(netlink.link("a0").orElseThrow().master()).isZero();

      netlink.deleteLink(veth.index());
      netlink.deleteLink(bridge.index());
      assertThat(netlink.links()).extracting(Link::name).containsExactly("lo");
    }
  }

  @Test
  void a_dummy_is_made_exactly_where_the_kernels_own_tool_can(NetworkNamespace namespace) {
    boolean known =
        Program.runIn(namespace, "ip", "link", "add", "other", "type", "dummy").exitCode() == 0;
    try (Netlink netlink = Netlink.open(namespace)) {
      if (known) {
        assertThat(netlink.createDummy("d0").kind()).isEqualTo("dummy");
      } else {
        refused(() -> netlink.createDummy("d0"), Errno.EOPNOTSUPP, "dummy d0", "modprobe dummy");
      }
    }
  }

  @Test
  void settings_of_a_link_take_effect_one_by_one(NetworkNamespace namespace) {
    try (Netlink netlink = Netlink.open(namespace)) {
      int index = netlink.createVeth("a0", "a1").index();
      netlink.change(index, new LinkChange.Mtu(1400));
      netlink.change(index, new LinkChange.Mac(MAC));
      netlink.change(index, new LinkChange.Alias("to the büro"));
      netlink.change(index, new LinkChange.Name("uplink"));
      netlink.change(index, new LinkChange.Up(true));
      Link link = netlink.link(index).orElseThrow();
      assertThat(link.name()).isEqualTo("uplink");
      assertThat(link.mtu()).isEqualTo(1400);
      assertThat(link.mac()).contains(MAC);
      assertThat(link.alias()).isEqualTo("to the büro");
      assertThat(link.up()).isTrue();
      assertThat(link.carrier()).as("the other end is down").isFalse();
      assertThat(ip(namespace, "-j", "link", "show", "uplink"))
          .contains(
              "\"mtu\":1400",
              "\"address\":\"02:00:00:00:00:07\"",
              "\"ifalias\":\"to the büro\"",
              "\"UP\"");
      netlink.change(link.peer(), new LinkChange.Up(true));
      assertThat(netlink.link(index).orElseThrow().carrier()).isTrue();
      netlink.change(index, new LinkChange.Up(false));
      assertThat(netlink.link(index).orElseThrow().up()).isFalse();
    }
  }

  @Test
  void a_link_moves_by_descriptor_and_by_process(NetworkNamespace here, NetworkNamespace there)
      throws Exception {
    try (Netlink netlink = Netlink.open(here);
        Netlink target = Netlink.open(there)) {
      int index = netlink.createVeth("a0", "a1").index();
      netlink.change(index, new LinkChange.Namespace(there));
      assertThat(netlink.link("a0")).isEmpty();
      Link moved = target.link("a0").orElseThrow();

      // A child that ends when its input does, in the first namespace.
      Process inside =
          new ProcessBuilder("nsenter", "--net=" + here.path(), "--", "sh", "-c", "echo in; cat")
              .start();
      try {
        assertThat(inside.inputReader().readLine()).isEqualTo("in");
        target.change(moved.index(), new LinkChange.NamespaceOfProcess(inside.pid()));
      } finally {
        inside.destroyForcibly().waitFor();
      }
      assertThat(target.link("a0")).isEmpty();
      assertThat(netlink.link("a0")).isPresent();
    }
  }

  @Test
  void moving_to_a_closed_namespace_is_refused(NetworkNamespace namespace) {
    NetworkNamespace closed = NetworkNamespace.create();
    closed.close();
    try (Netlink netlink = Netlink.open(namespace)) {
      int index = netlink.createVeth("a0", "a1").index();
      refused(
          () -> netlink.change(index, new LinkChange.Namespace(closed)),
          Errno.EBADF,
          "link a0",
          "it is closed");
      assertThat(netlink.link("a0")).isPresent();
    }
  }

  @Test
  void what_a_tun_and_a_tap_have_besides_is_listed(NetworkNamespace namespace) {
    ip(namespace, "tuntap", "add", "tun3", "mode", "tun", "user", "65534", "pi");
    ip(namespace, "tuntap", "add", "tap7", "mode", "tap", "group", "12", "vnet_hdr", "multi_queue");
    try (Netlink netlink = Netlink.open(namespace)) {
      Link tun = netlink.link("tun3").orElseThrow();
      assertThat(tun.kind()).isEqualTo("tun");
      assertThat(tun.mac()).isEmpty();
      assertThat(tun.tun())
          .contains(
              new Link.Tun(
                  DriverKind.TUN,
                  OptionalLong.of(65534),
                  OptionalLong.empty(),
                  true,
                  false,
                  true,
                  false,
                  0,
                  0));
      assertThat(netlink.link("tap7").orElseThrow().tun())
          .contains(
              new Link.Tun(
                  DriverKind.TAP,
                  OptionalLong.empty(),
                  OptionalLong.of(12),
                  false,
                  true,
                  true,
                  true,
                  0,
                  0));
    }
  }

  @Test
  void addresses_of_both_families_come_and_go(NetworkNamespace namespace) {
    try (Netlink netlink = Netlink.open(namespace)) {
      int index = upPair(netlink);
      InterfaceAddress four = InterfaceAddress.of(prefix("10.9.0.1/24")).on(index);
      InterfaceAddress six = InterfaceAddress.of(prefix("fd09::1/64")).withoutDad().on(index);
      InterfaceAddress peer =
          InterfaceAddress.of(prefix("10.7.0.1/32")).withPeer(address("10.8.0.1")).on(index);
      InterfaceAddress narrow =
          InterfaceAddress.of(prefix("10.6.0.1/24"))
              .withScope(Scope.LINK)
              .withoutPrefixRoute()
              .on(index);
      for (InterfaceAddress each : List.of(four, six, peer, narrow)) {
        netlink.addAddress(each);
        assertThat(netlink.addresses()).contains(each);
      }
      assertThat(ip(namespace, "-j", "addr", "show", "a0"))
          .contains(
              "\"local\":\"10.9.0.1\",\"prefixlen\":24",
              "\"local\":\"fd09::1\",\"prefixlen\":64",
              "\"nodad\":true",
              "\"address\":\"10.8.0.1\"",
              "\"noprefixroute\":true",
              "\"scope\":\"link\"");
      assertThat(netlink.routes())
          .noneMatch(route -> route.destination().equals(prefix("10.6.0.0/24")));

      refused(() -> netlink.addAddress(four), Errno.EEXIST, "add address 10.9.0.1/24 dev a0");
      netlink.replaceAddress(four);
      netlink.replaceAddress(six.withoutPrefixRoute());
      assertThat(netlink.addresses()).contains(four, six.withoutPrefixRoute()).doesNotContain(six);

      for (InterfaceAddress each : List.of(four, six, peer, narrow)) {
        netlink.deleteAddress(each);
        assertThat(netlink.addresses()).noneMatch(each::isSameEntry);
      }
      refused(
          () -> netlink.deleteAddress(four),
          Errno.EADDRNOTAVAIL,
          "delete address 10.9.0.1/24 dev a0",
          "list the addresses");
    }
  }

  @Test
  void routes_of_both_families_come_and_go(NetworkNamespace namespace) {
    try (Netlink netlink = Netlink.open(namespace)) {
      int index = upPair(netlink);
      netlink.addAddress(InterfaceAddress.of(prefix("10.9.0.1/24")).on(index));
      netlink.addAddress(InterfaceAddress.of(prefix("fd09::1/64")).withoutDad().on(index));
      List<Route> wanted =
          List.of(
              Route.to(prefix("10.1.0.0/16")).on(index),
              Route.to(prefix("10.2.0.0/16")).via(address("10.9.0.2")).on(index).withMetric(7),
              Route.to(prefix("0.0.0.0/0")).via(address("10.9.0.2")).withTable(51820).on(index),
              Route.to(prefix("10.3.0.0/16"))
                  .on(index)
                  .withPreferredSource(address("10.9.0.1"))
                  .withMtu(1300, true),
              Route.to(prefix("10.4.0.0/16")).via(address("fd09::2")).on(index),
              Route.to(prefix("10.5.0.0/16")).via(address("192.0.2.1")).on(index).withOnLink(),
              Route.to(prefix("192.0.2.0/24")).withType(Route.Type.BLACKHOLE),
              Route.to(prefix("fd01::/32")).on(index).withMetric(9),
              Route.to(prefix("fd02::/32")).via(address("fd09::2")).on(index).withMtu(1400, false),
              Route.to(prefix("::/0")).via(address("fd09::2")).on(index).withTable(200));
      List<Route> made = new ArrayList<>();
      for (Route route : wanted) {
        Route added = netlink.addRoute(route);
        assertThat(netlink.routes()).contains(added);
        // The metric of an IPv6 route is the kernel's choice, if nobody said it.
        assertThat(added.withMetric(route.metric())).isEqualTo(route);
        made.add(added);
      }
      assertThat(ip(namespace, "route", "show", "table", "all"))
          .contains(
              "10.1.0.0/16 dev a0 proto static scope link",
              "10.2.0.0/16 via 10.9.0.2 dev a0 proto static metric 7",
              "default via 10.9.0.2 dev a0 table 51820",
              "10.3.0.0/16 dev a0 proto static scope link src 10.9.0.1 mtu lock 1300",
              "10.4.0.0/16 via inet6 fd09::2 dev a0",
              "10.5.0.0/16 via 192.0.2.1 dev a0 proto static onlink",
              "blackhole 192.0.2.0/24 proto static");
      assertThat(ip(namespace, "-6", "route", "show", "table", "all"))
          .contains(
              "fd01::/32 dev a0 proto static metric 9",
              "fd02::/32 via fd09::2 dev a0 proto static metric 1024 mtu 1400",
              "default via fd09::2 dev a0 table 200");

      refused(() -> netlink.addRoute(wanted.getFirst()), Errno.EEXIST, "route 10.1.0.0/16 dev a0");
      Route other = netlink.replaceRoute(wanted.getFirst().withMtu(1200, false));
      assertThat(netlink.routes()).contains(other).doesNotContain(wanted.getFirst());
      made.set(0, other);

      made.forEach(netlink::deleteRoute);
      assertThat(netlink.routes()).doesNotContainAnyElementsOf(made);
      refused(
          () -> netlink.deleteRoute(made.getFirst()),
          Errno.ESRCH,
          "delete route 10.1.0.0/16 dev a0",
          "list the routes");
    }
  }

  @Test
  void the_way_to_an_address_is_the_one_that_a_packet_takes(NetworkNamespace namespace) {
    try (Netlink netlink = Netlink.open(namespace)) {
      int index = upPair(netlink);
      netlink.addAddress(InterfaceAddress.of(prefix("10.9.0.1/24")).on(index));
      netlink.addAddress(InterfaceAddress.of(prefix("fd09::1/64")).withoutDad().on(index));
      netlink.addRoute(Route.to(prefix("10.2.0.0/16")).via(address("10.9.0.2")).on(index));
      netlink.addRoute(Route.to(prefix("10.2.3.0/24")).on(index).withMtu(1300, true));
      netlink.addRoute(
          Route.to(prefix("fd02::/32")).via(address("fd09::2")).on(index).withMtu(1400, false));
      netlink.addRoute(Route.to(prefix("192.0.2.0/25")).withType(Route.Type.BLACKHOLE));
      netlink.addRoute(Route.to(prefix("192.0.2.128/26")).withType(Route.Type.UNREACHABLE));
      netlink.addRoute(Route.to(prefix("192.0.2.192/26")).withType(Route.Type.PROHIBIT));

      Route gated = netlink.routeTo(address("10.2.0.7")).orElseThrow();
      assertThat(gated.destination()).isEqualTo(prefix("10.2.0.7/32"));
      assertThat(gated.gateway()).contains(address("10.9.0.2"));
      assertThat(gated.interfaceIndex()).isEqualTo(index);
      assertThat(gated.preferredSource()).contains(address("10.9.0.1"));
      assertThat(gated.mtu()).isZero();
      assertThat(netlink.routeTo(address("10.2.3.4")).orElseThrow().mtu()).isEqualTo(1300);
      Route six = netlink.routeTo(address("fd02::7")).orElseThrow();
      assertThat(six.gateway()).contains(address("fd09::2"));
      assertThat(six.mtu()).isEqualTo(1400);
      assertThat(netlink.routeTo(address("127.0.0.1")).orElseThrow().type())
          .isEqualTo(Route.Type.LOCAL);

      for (String nowhere :
          List.of("198.51.100.1", "192.0.2.1", "192.0.2.129", "192.0.2.193", "2001:db8::1")) {
        assertThat(netlink.routeTo(address(nowhere))).as(nowhere).isEmpty();
      }
    }
  }

  @Test
  void a_gateway_nobody_can_reach_is_refused_in_the_kernels_words(NetworkNamespace namespace) {
    ip(namespace, "tuntap", "add", "tun3", "mode", "tun");
    ip(namespace, "link", "set", "tun3", "up");
    try (Netlink netlink = Netlink.open(namespace)) {
      int index = netlink.link("tun3").orElseThrow().index();
      Route route = Route.to(prefix("10.0.0.0/8")).via(address("10.1.1.1")).on(index);
      assertThatThrownBy(() -> netlink.addRoute(route))
          .hasMessage(
              "add route 10.0.0.0/8 via 10.1.1.1 dev tun3: ENETUNREACH, Nexthop has invalid"
                  + " gateway; bring tun3 up and give it an address in the network of 10.1.1.1"
                  + " first")
          .cause()
          .isInstanceOfSatisfying(
              NetlinkRefusal.class,
              refusal -> {
                assertThat(refusal.errno()).isEqualTo(Errno.ENETUNREACH);
                assertThat(refusal.number()).isEqualTo(101);
                assertThat(refusal.text()).isEqualTo("Nexthop has invalid gateway");
              });
    }
  }

  @Test
  void an_attribute_that_the_kernel_complains_of_is_located(NetworkNamespace namespace) {
    try (Netlink netlink = Netlink.open(namespace)) {
      int index = netlink.createVeth("a0", "a1").index();
      assertThatThrownBy(() -> netlink.change(index, new LinkChange.Mac(MacAddress.BROADCAST)))
          .isInstanceOfSatisfying(
              VnetException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EADDRNOTAVAIL));
      // struct nlmsghdr and struct ifinfomsg, then the length and the kind of the first attribute.
      assertThatThrownBy(() -> netlink.change(index, new LinkChange.Alias("x".repeat(300))))
          .cause()
          .isInstanceOfSatisfying(
              NetlinkRefusal.class,
              refusal -> {
                assertThat(refusal.offset()).isEqualTo(32);
                assertThat(refusal).hasMessageContaining("byte 32");
              });
    }
  }

  @Test
  void rules_of_both_families_come_and_go(NetworkNamespace namespace) {
    try (Netlink netlink = Netlink.open(namespace)) {
      List<Rule> before = netlink.rules();
      assertThat(before)
          .contains(Rule.lookup(255).withPriority(0), Rule.lookup(255).withPriority(0).forV6());
      for (Rule rule :
          List.of(
              Rule.lookup(51820).withMark(51820).not(),
              Rule.lookup(Route.MAIN_TABLE).withSuppressPrefixLength(0),
              Rule.lookup(51820).withMark(51820).not().forV6(),
              Rule.lookup(Route.MAIN_TABLE).withSuppressPrefixLength(0).forV6(),
              Rule.lookup(7).withMark(0x10, 0xF0).withPriority(100),
              Rule.lookup(7).from(prefix("10.1.0.0/16")).to(prefix("10.2.0.0/16")),
              Rule.lookup(7).from(prefix("fd01::/16")).withPriority(3_000_000_000L))) {
        Rule added = netlink.addRule(rule);
        assertThat(added.priority()).isPresent();
        assertThat(netlink.rules()).contains(added);
        String shown = ip(namespace, rule.v6() ? "-6" : "-4", "rule");
        assertThat(shown)
            .contains(added.inverted() ? "not from" : "from")
            .contains(
                added.suppressPrefixLength().equals(OptionalInt.of(0))
                    ? "suppress_prefixlength 0"
                    : "lookup " + added.table());
        refused(() -> netlink.addRule(added), Errno.EEXIST, "add rule", "there already");
        netlink.deleteRule(added);
        assertThat(netlink.rules()).containsExactlyElementsOf(before);
        refused(() -> netlink.deleteRule(added), Errno.ENOENT, "delete rule", "list the rules");
      }
    }
  }

  @Test
  void neighbours_of_both_families_come_and_go(NetworkNamespace namespace) {
    try (Netlink netlink = Netlink.open(namespace)) {
      int index = upPair(netlink);
      Neighbour four = Neighbour.of(address("10.9.0.2"), MAC).on(index);
      Neighbour six = Neighbour.of(address("fd09::2"), MAC).on(index);
      Neighbour proxy = Neighbour.proxy(address("10.9.0.9")).on(index);
      for (Neighbour each : List.of(four, six)) {
        netlink.addNeighbour(each);
        assertThat(netlink.neighbours()).contains(each);
      }
      netlink.addNeighbour(proxy);
      assertThat(netlink.neighbours())
          .anyMatch(each -> each.proxy() && each.address().equals(proxy.address()));
      assertThat(ip(namespace, "neigh", "show", "dev", "a0"))
          .contains(
              "10.9.0.2 lladdr 02:00:00:00:00:07 PERMANENT",
              "fd09::2 lladdr 02:00:00:00:00:07 PERMANENT");
      refused(() -> netlink.addNeighbour(four), Errno.EEXIST, "neighbour 10.9.0.2", "dev a0");
      netlink.replaceNeighbour(four.withState(Neighbour.State.NOARP));
      assertThat(netlink.neighbours()).contains(four.withState(Neighbour.State.NOARP));
      for (Neighbour each : List.of(four, six, proxy)) {
        netlink.deleteNeighbour(each);
        assertThat(netlink.neighbours()).noneMatch(left -> left.address().equals(each.address()));
      }
      refused(() -> netlink.deleteNeighbour(four), Errno.ENOENT, "delete neighbour");
    }
  }

  @Test
  void refusals_name_the_object_and_the_remedy(NetworkNamespace namespace) {
    try (Netlink netlink = Netlink.open(namespace)) {
      int index = netlink.createVeth("a0", "a1").index();
      refused(() -> netlink.createVeth("a0", "a2"), Errno.EEXIST, "create veth a0");
      refused(() -> netlink.createBridge("sixteen-bytes-xx"), Errno.ENAMETOOLONG, "shorter");
      refused(() -> netlink.change(index, new LinkChange.Name("a/b")), Errno.EINVAL, "rename a/b");
      refused(() -> netlink.change(index, new LinkChange.Name("a1")), Errno.EEXIST, "link a0");
      refused(() -> netlink.change(index, new LinkChange.Mtu(1)), Errno.EINVAL, "a0 mtu 1");
      refused(() -> netlink.change(77, new LinkChange.Up(true)), Errno.ENODEV, "link #77 up");
      refused(() -> netlink.deleteLink(1), Errno.EOPNOTSUPP, "delete link lo");
      refused(
          () -> netlink.addAddress(InterfaceAddress.of(prefix("10.9.0.1/24")).on(77)),
          Errno.ENODEV,
          "10.9.0.1/24 dev #77");
      refused(
          () -> netlink.addAddress(InterfaceAddress.of(prefix("10.9.0.1/24"))),
          Errno.EINVAL,
          "no interface is said");
      refused(
          () -> netlink.addRoute(Route.to(prefix("10.1.0.0/16")).on(index)),
          Errno.ENETDOWN,
          "bring a0 up first");
    }
  }

  @Test
  void a_listing_longer_than_a_datagram_is_whole(NetworkNamespace namespace) {
    StringBuilder batch = new StringBuilder();
    for (int i = 0; i < 3000; i++) {
      batch
          .append("route add 10.")
          .append(i / 256)
          .append('.')
          .append(i % 256)
          .append(".0/24 dev lo\n");
    }
    Program.outputIn(namespace, "sh", "-c", "printf '%s' '" + batch + "' | ip -batch -");
    try (Netlink netlink = Netlink.open(namespace)) {
      assertThat(netlink.routes().stream().filter(route -> route.table() == Route.MAIN_TABLE))
          .filteredOn(route -> !route.destination().address().v6())
          .hasSize(3000)
          .doesNotHaveDuplicates();
    }
  }

  @Test
  void counters_are_the_interfaces(NetworkNamespace namespace) {
    try (Netlink netlink = Netlink.open(namespace)) {
      int index = upPair(netlink);
      netlink.addAddress(InterfaceAddress.of(prefix("10.9.0.1/24")).on(index));
      netlink.addNeighbour(Neighbour.of(address("10.9.0.2"), MAC).on(index));
      long before = netlink.link(index).orElseThrow().counters().txPackets();
      Program.runIn(namespace, "ping", "-c", "1", "-W", "1", "10.9.0.2");
      Link after = netlink.link(index).orElseThrow();
      assertThat(after.counters().txPackets()).isGreaterThan(before);
      assertThat(after.counters().txBytes()).isPositive();
      assertThat(netlink.link(after.peer()).orElseThrow().counters().rxPackets()).isPositive();
    }
  }

  @Test
  void nothing_is_left_open_and_a_closed_one_says_so(NetworkNamespace namespace) {
    Netlink.open(namespace).close();
    Descriptors before = Descriptors.now();
    Netlink netlink = Netlink.open(namespace);
    assertThat(netlink.links()).hasSize(1);
    netlink.close();
    netlink.close();
    assertThat(Descriptors.now().since(before)).isEmpty();
    assertThatThrownBy(netlink::links)
        .isInstanceOfSatisfying(
            VnetException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EBADF));
  }

  @Test
  void it_stays_in_its_namespace_whatever_thread_calls(
      NetworkNamespace here, NetworkNamespace there) {
    try (Netlink netlink = Netlink.open(here)) {
      netlink.createBridge("br0");
      Optional<Link> seen = there.call(() -> netlink.link("br0"));
      assertThat(seen).isPresent();
      assertThat(ip(there, "link")).doesNotContain("br0");
    }
  }
}
