package io.vnet.tunnel.quick;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vnet.api.address.IpPrefix;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.netlink.InterfaceAddress;
import io.vnet.io.netlink.Link;
import io.vnet.io.testkit.InjectingLibc;
import io.vnet.tunnel.config.ConfigurationFile;
import io.vnet.tunnel.config.QuickConfiguration;
import io.vnet.tunnel.config.RouteTable;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Specification, sections 16.4 and 16.5: an interface is brought up as wg-quick does it, whole or
 * not at all, and nothing is left of it.
 */
@ExtendWith(QuickLab.PerTest.class)
class QuickIT {
  private static final String SRC_VALID_MARK = "net/ipv4/conf/all/src_valid_mark";
  private static final String RP_FILTER = "net/ipv4/conf/all/rp_filter";

  private static QuickConfiguration file(String quickLines, String allowedIps) {
    String text =
        """
        [Interface]
        PrivateKey = AAIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eH2A=
        %s
        [Peer]
        PublicKey = ZLEBsdC+WocEvQePmJUAH8A+jp+VIvGI3RKNmEbUhGY=
        AllowedIPs = %s
        """
            .formatted(quickLines, allowedIps);
    return ConfigurationFile.parse("wg0.conf", text.getBytes(StandardCharsets.UTF_8));
  }

  private static Quick up(QuickLab lab, String quickLines, String allowedIps) {
    return lab.up(QuickLab.request(file(quickLines, allowedIps)));
  }

  private static Link wg0(QuickLab lab) {
    return lab.netlink.link("wg0").orElseThrow();
  }

  @Test
  void addresses_mtu_up_and_routes_that_the_interface_has_not(QuickLab lab) {
    Quick quick =
        up(
            lab,
            "Address = 10.7.0.1/24, fd07::1/64\nAddress = 10.8.0.1",
            "10.7.0.2/32, 10.0.0.0/8, 10.9.0.0/16, fd07::2/128, fd08::/16, 10.8.0.1/32");
    assertThat(wg0(lab).up()).isTrue();
    assertThat(wg0(lab).mtu()).isEqualTo(1420);
    assertThat(addresses(lab))
        .extracting(InterfaceAddress::prefix)
        .containsExactlyInAnyOrder(
            IpPrefix.parse("10.7.0.1/24"),
            IpPrefix.parse("10.8.0.1/32"),
            IpPrefix.parse("fd07::1/64"));
    assertThat(lab.routes())
        .containsExactlyInAnyOrder("10.8.0.1/32", "10.0.0.0/8", "10.9.0.0/16", "fd08::/16");
    assertThat(lab.rules()).isEmpty();
    assertThat(lab.marks).containsExactly(OptionalInt.empty());
    lab.down(quick);
    lab.assertUntouched();
  }

  @Test
  void a_table_gets_all_routes_and_no_rules(QuickLab lab) {
    Quick quick = up(lab, "Address = 10.7.0.1/24\nTable = 77", "0.0.0.0/0, ::/0, 10.7.0.0/24");
    assertThat(lab.routes()).containsExactlyInAnyOrder("10.7.0.0/24 77", "0.0.0.0/0 77", "::/0 77");
    assertThat(lab.rules()).isEmpty();
    assertThat(lab.marks).containsExactly(OptionalInt.empty());
    lab.down(quick);
    lab.assertUntouched();
  }

  @Test
  void a_table_by_its_name_is_that_table(QuickLab lab) {
    Quick quick = up(lab, "Table = default", "10.9.0.0/16");
    assertThat(lab.routes()).containsExactly("10.9.0.0/16 253");
    lab.down(quick);
  }

  @Test
  void table_off_makes_no_routes(QuickLab lab) {
    Quick quick = up(lab, "Table = off", "0.0.0.0/0, 10.9.0.0/16");
    assertThat(lab.routes()).isEmpty();
    assertThat(lab.rules()).isEmpty();
    assertThat(wg0(lab).up()).isTrue();
    lab.down(quick);
  }

  @Test
  void a_default_route_has_a_table_a_mark_and_two_rules_a_family(QuickLab lab) {
    Quick quick = up(lab, "Address = 10.7.0.1/24", "0.0.0.0/0, ::/0, 10.9.0.0/16");
    assertThat(lab.marks).containsExactly(OptionalInt.of(51820));
    assertThat(lab.routes())
        .containsExactlyInAnyOrder("10.9.0.0/16", "0.0.0.0/0 51820", "::/0 51820");
    assertThat(lab.rules())
        .containsExactly(
            "priority 32764 from all lookup 254 suppress_prefixlength 0",
            "priority 32765 not from all fwmark 0xca6c lookup 51820",
            "-6 priority 32764 from all lookup 254 suppress_prefixlength 0",
            "-6 priority 32765 not from all fwmark 0xca6c lookup 51820");
    assertThat(lab.sysctl(SRC_VALID_MARK)).isEqualTo("1");
    assertThat(lab.sysctl(RP_FILTER)).isEqualTo("0");
    lab.down(quick);
    lab.assertUntouched();
  }

  @Test
  void ipv6_alone_changes_nothing_for_ipv4(QuickLab lab) {
    Quick quick = lab.up(QuickLab.request(QuickLab.PLAIN, "::/0"));
    assertThat(lab.rules()).hasSize(2).allMatch(rule -> rule.startsWith("-6 "));
    assertThat(lab.sysctl(SRC_VALID_MARK)).isEqualTo("0");
    lab.down(quick);
    assertThat(lab.rules()).isEmpty();
  }

  @Test
  void the_table_is_the_mark_or_the_next_empty_one(QuickLab lab) {
    QuickRequest request = QuickLab.request(QuickLab.PLAIN, "0.0.0.0/0");
    Quick marked = lab.up(request.withMark(0x1234));
    assertThat(lab.marks).containsExactly(OptionalInt.of(0x1234));
    assertThat(lab.routes()).containsExactly("0.0.0.0/0 4660");
    lab.down(marked);

    lab.ip("route add 203.0.113.0/24 dev out0 table 51820");
    lab.ip("-6 route add 2001:db8:1::/48 dev out0 table 51821");
    Quick next = lab.up(request);
    assertThat(lab.routes()).containsExactly("0.0.0.0/0 51822");
    lab.down(next);
    assertThat(lab.rules()).isEmpty();
  }

  @Test
  void a_strict_reverse_path_check_is_loose_meanwhile(QuickLab lab) {
    lab.sysctl("net/ipv4/conf/out0/rp_filter", "1");
    Quick quick = lab.up(QuickLab.request(QuickLab.PLAIN, "0.0.0.0/0"));
    assertThat(lab.sysctl(RP_FILTER)).isEqualTo("2");
    lab.down(quick);
    assertThat(lab.sysctl(RP_FILTER)).isEqualTo("0");
    assertThat(lab.sysctl("net/ipv4/conf/out0/rp_filter")).isEqualTo("1");
  }

  @Test
  void two_tunnels_take_turns_and_the_first_to_go_leaves_the_other_what_it_needs(QuickLab lab) {
    lab.ip("tuntap add name wg1 mode tun");
    List<String> before = lab.state();
    QuickRequest request = QuickLab.request(QuickLab.PLAIN, "0.0.0.0/0");
    Quick first = lab.up(request);
    Quick second =
        lab.up(QuickRequest.of("wg1", QuickLab.PLAIN).withPeers(request.allowedIps(), List.of()));
    assertThat(lab.marks).containsExactly(OptionalInt.of(51820), OptionalInt.of(51821));
    assertThat(lab.rules())
        .containsExactly(
            "priority 32762 from all lookup 254 suppress_prefixlength 0",
            "priority 32763 not from all fwmark 0xca6d lookup 51821",
            "priority 32764 from all lookup 254 suppress_prefixlength 0",
            "priority 32765 not from all fwmark 0xca6c lookup 51820");
    lab.down(first);
    assertThat(lab.rules()).hasSize(2);
    assertThat(lab.sysctl(SRC_VALID_MARK)).isEqualTo("1");
    lab.down(second);
    // The second found the variable set: whoever finds it so leaves it so.
    assertThat(lab.rules()).isEmpty();
    assertThat(lab.state()).hasSameSizeAs(before);
  }

  @Test
  void rules_that_a_killed_process_left_go_with_the_own_ones(QuickLab lab) {
    lab.ip("rule add not fwmark 51820 table 51820");
    lab.ip("rule add table main suppress_prefixlength 0");
    lab.ip("rule add not fwmark 51820 table 51820");
    lab.ip("rule add table main suppress_prefixlength 0");
    lab.ip("rule add fwmark 7 table 7");
    Quick quick = lab.up(QuickLab.request(QuickLab.PLAIN, "0.0.0.0/0"));
    assertThat(lab.rules()).hasSize(7);
    lab.down(quick);
    assertThat(lab.rules()).containsExactly("priority 32761 from all fwmark 0x7 lookup 7");
    assertThat(lab.sysctl(SRC_VALID_MARK)).isEqualTo("0");
  }

  @Test
  void the_mtu_is_that_of_the_narrowest_way_to_an_endpoint(QuickLab lab) {
    lab.ip("link set out0 mtu 9000");
    lab.ip("route add 198.51.100.0/25 via 192.0.2.1 dev out0 mtu 4000");
    lab.ip("route add 198.51.100.128/25 via 192.0.2.1 dev out0 mtu 1300");
    assertThat(mtu(lab, "10.9.0.0/16", "192.0.2.7")).isEqualTo(8920);
    assertThat(mtu(lab, "10.9.0.0/16", "192.0.2.7", "198.51.100.7")).isEqualTo(3920);
    assertThat(mtu(lab, "10.9.0.0/16", "198.51.100.130", "192.0.2.7")).isEqualTo(1220);
    assertThat(mtu(lab, "fd09::/16", "198.51.100.130")).isEqualTo(1280);
    assertThat(mtu(lab, "10.9.0.0/16", "127.0.0.1")).isEqualTo(65456);
    // Nobody knows the way there, so it is that of the default route.
    assertThat(mtu(lab, "10.9.0.0/16", "2001:db8:9::1")).isEqualTo(8920);
    assertThat(mtu(lab, "10.9.0.0/16")).isEqualTo(8920);
    lab.ip("route delete default");
    assertThat(mtu(lab, "10.9.0.0/16")).isEqualTo(1420);
    assertThat(mtu(lab, "10.9.0.0/16", "203.0.113.1")).isEqualTo(1420);
    Quick quick = lab.up(QuickLab.request(file("MTU = 1333", "10.9.0.0/16"), "192.0.2.7"));
    assertThat(wg0(lab).mtu()).isEqualTo(1333);
    lab.down(quick);
  }

  @Test
  void the_mtu_does_not_fall_when_rules_of_a_killed_process_lead_to_the_tunnel(QuickLab lab) {
    lab.ip("route add 198.51.100.0/25 via 192.0.2.1 dev out0 mtu 1400");
    QuickRequest request =
        QuickLab.request(file("Address = 10.7.0.1/24", "0.0.0.0/0"), "203.0.113.7");
    Quick killed = lab.up(request);
    assertThat(wg0(lab).mtu()).isEqualTo(1420);
    Quick next = lab.up(request);
    assertThat(wg0(lab).mtu()).isEqualTo(1420);
    lab.down(next);
    lab.down(killed);
    lab.ip("link set wg0 up");
    lab.ip("route add default dev wg0 table 77");
    lab.ip("rule add table 77");
    assertThat(mtu(lab, "10.9.0.0/16", "198.51.100.7")).isEqualTo(1320);
  }

  @Test
  void a_mark_that_a_hook_has_set_is_that_of_the_default_route(QuickLab lab) {
    QuickRequest request = QuickLab.request(QuickLab.PLAIN, "0.0.0.0/0");
    Quick.Configuration marked =
        new Quick.Configuration() {
          @Override
          public int mark() {
            return 0x77;
          }

          @Override
          public void apply(OptionalInt mark) {
            lab.marks.add(mark);
          }
        };
    Quick quick = lab.up(request, marked);
    assertThat(lab.routes()).containsExactly("0.0.0.0/0 119");
    lab.down(quick);
    lab.down(lab.up(request.withMark(0x1234), marked));
    assertThat(lab.marks).containsExactly(OptionalInt.of(0x77), OptionalInt.of(0x1234));
  }

  @Test
  void the_link_is_up_when_it_has_its_addresses(QuickLab lab) {
    AtomicInteger addressed = new AtomicInteger();
    InjectingLibc watching =
        new InjectingLibc(NativeLibc.load())
            .with((call, _, real) -> {
              if (call.equals("write") && addressed.get() == 0 && !addresses(lab).isEmpty()) {
                addressed.set(wg0(lab).up() ? 2 : 1);
              }
              return real.getAsLong();
            });
    Quick quick =
        lab.up(watching.libc(), QuickLab.request(file("Address = 10.7.0.2/24", "10.7.0.3/32")));
    watching.clear();
    assertThat(addressed).hasValue(1);
    assertThat(wg0(lab).up()).isTrue();
    lab.down(quick);
  }

  private static List<InterfaceAddress> addresses(QuickLab lab) {
    return lab.netlink.addresses().stream()
        .filter(address -> address.interfaceIndex() == wg0(lab).index())
        .filter(address -> !address.state().kernelMade())
        .toList();
  }

  private static int mtu(QuickLab lab, String allowedIp, String... endpoints) {
    Quick quick = lab.up(QuickLab.request(file("", allowedIp), endpoints));
    int mtu = wg0(lab).mtu();
    lab.down(quick);
    return mtu;
  }

  @Test
  void servers_and_domains_go_to_resolvconf_and_back(QuickLab lab) {
    Quick quick =
        up(lab, "DNS = 10.7.0.53, example.net\nDNS = fd07::53, example.org", "10.9.0.0/16");
    String up =
        "/bin/resolvconf -a wg0 -m 0 -x < nameserver 10.7.0.53;nameserver fd07::53;"
            + "search example.net example.org;";
    assertThat(lab.programs.runs()).containsExactly(up);
    lab.down(quick);
    assertThat(lab.programs.runs()).containsExactly(up, "/bin/resolvconf -d wg0 -f");
  }

  @Test
  void a_resolvconf_that_fails_undoes_all(QuickLab lab) {
    lab.programs.failing("/bin/resolvconf -a wg0 -m 0 -x", 3);
    QuickRequest request =
        QuickLab.request(file("Address = 10.7.0.1/24\nDNS = 10.7.0.53", "0.0.0.0/0"));
    assertThatThrownBy(() -> lab.up(request))
        .hasMessage(
            "run resolvconf -a wg0 -m 0 -x: EIO, it ended with 3; see what it says above, or"
                + " leave DNS out");
    lab.assertUntouched();
    assertThat(lab.programs.runs()).last().isEqualTo("/bin/resolvconf -d wg0 -f");
  }

  @Test
  void hooks_run_in_order_at_their_moments_with_the_interfaces_name(QuickLab lab) {
    QuickConfiguration configuration =
        file(
            """
            PostUp = echo after %i
            PreUp = echo one; echo %i/%i
            PreUp = echo two
            PostDown = echo gone
            PreDown = echo going
            """,
            "10.9.0.0/16");
    Quick quick = lab.up(QuickLab.request(configuration));
    assertThat(lab.programs.runs())
        .containsExactly(
            "/bin/bash -c echo one; echo wg0/wg0",
            "/bin/bash -c echo two",
            "/bin/bash -c echo after wg0");
    quick.goingDown(Moment.PRE_DOWN);
    lab.down(quick);
    quick.goingDown(Moment.POST_DOWN);
    assertThat(lab.programs.runs().subList(3, 5))
        .containsExactly("/bin/bash -c echo going", "/bin/bash -c echo gone");
  }

  @Test
  void a_hook_that_fails_undoes_all_and_those_of_going_down_all_run(QuickLab lab) {
    lab.programs.failing("/bin/bash -c secret", 9);
    QuickRequest request =
        QuickLab.request(file("Address = 10.7.0.1/24\nPostUp = secret", "0.0.0.0/0, ::/0"));
    assertThatThrownBy(() -> lab.up(request))
        .hasMessage("run PostUp of wg0.conf:4: EIO, it ended with 9; see what it says above");
    lab.assertUntouched();

    Quick quick = up(lab, "PreDown = secret\nPreDown = other", "10.9.0.0/16");
    assertThatThrownBy(() -> quick.goingDown(Moment.PRE_DOWN))
        .hasMessageContaining("PreDown of wg0.conf:3");
    assertThat(lab.programs.runs()).last().isEqualTo("/bin/bash -c other");
    lab.down(quick);
  }

  @Test
  void whichever_step_fails_those_before_it_are_undone(QuickLab lab) {
    QuickRequest request =
        QuickLab.request(
            file(
                "Address = 10.7.0.1/24, fd07::1/64\nMTU = 1300\nDNS = 10.7.0.53",
                "0.0.0.0/0, ::/0, 10.9.0.0/16, fd09::/16"));
    int failures = 0;
    while (true) {
      AtomicInteger writes = new AtomicInteger();
      int failing = failures + 1;
      InjectingLibc faulty =
          new InjectingLibc(NativeLibc.load())
              .with((call, _, real) ->
                  call.equals("write") && writes.incrementAndGet() == failing
                      ? -Errno.ENOBUFS.number()
                      : real.getAsLong());
      Quick quick;
      try {
        quick = lab.up(faulty.libc(), request);
      } catch (VnetException e) {
        assertThat(e.errno()).as(e.getMessage()).isEqualTo(Errno.ENOBUFS);
        assertThat(e.getSuppressed()).isEmpty();
        assertThat(lab.state())
            .as("after failure %d: %s", failing, e.getMessage())
            .isEqualTo(lab.untouched);
        failures++;
        continue;
      }
      faulty.clear();
      lab.down(quick);
      break;
    }
    lab.assertUntouched();
    // At least one for each of 2 settings, 2 addresses, 4 routes, 4 rules, and their checks.
    assertThat(failures).isGreaterThan(24);
  }

  @Test
  void a_configuration_that_fails_undoes_what_was_before_it(QuickLab lab) {
    VnetException refusal = new VnetException("bind", "wg0", Errno.EADDRINUSE, "taken", "");
    assertThatThrownBy(() ->
            lab.namespace.call(() ->
                Quick.up(
                    lab.netlink,
                    Sysctl.ofHost(),
                    lab.programs,
                    QuickLab.request(QuickLab.PLAIN, "0.0.0.0/0"),
                    _ -> {
                      throw refusal;
                    })))
        .hasMessage(refusal.getMessage());
    lab.assertUntouched();
  }

  @Test
  void an_interface_that_went_away_meanwhile_leaves_nothing_to_undo(QuickLab lab) {
    Quick quick = up(lab, "Address = 10.7.0.1/24, fd07::1/64", "0.0.0.0/0, ::/0, 10.9.0.0/16");
    lab.ip("link delete wg0");
    lab.down(quick);
    assertThat(lab.rules()).isEmpty();
    assertThat(lab.sysctl(SRC_VALID_MARK)).isEqualTo("0");
  }

  @Test
  void no_interface_no_steps(QuickLab lab) {
    VnetException refused =
        catchThrowableOfType(
            VnetException.class, () -> lab.up(QuickRequest.of("wg7", QuickLab.PLAIN)));
    assertThat(refused).hasMessage("set link wg7: ENODEV, there is no link wg7; make it first");
    assertThat(lab.marks).isEmpty();
  }

  @Test
  void a_table_is_left_alone_by_a_tunnel_without_peers(QuickLab lab) {
    Quick quick = lab.up(QuickLab.request(QuickLab.with(new RouteTable.Numbered(7))));
    assertThat(lab.routes()).isEmpty();
    lab.down(quick);
    lab.down(quick);
    lab.assertUntouched();
  }
}
