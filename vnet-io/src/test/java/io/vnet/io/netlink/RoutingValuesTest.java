package io.vnet.io.netlink;

import static io.vnet.io.testkit.RecordChanges.between;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** Each change of a route or a rule changes what it says, and nothing else. */
class RoutingValuesTest {
  private static final IpAddress HOP = IpAddress.parse("10.0.0.1");
  private static final IpPrefix V4 = IpPrefix.parse("10.1.0.0/16");
  private static final IpPrefix V6 = IpPrefix.parse("fd00::/8");

  private final Route route =
      new Route(
          V4,
          Route.Type.BLACKHOLE,
          Optional.of(IpAddress.parse("10.0.0.2")),
          1,
          2,
          3,
          Scope.SITE,
          4,
          Optional.of(IpAddress.parse("10.0.0.3")),
          5,
          true,
          false,
          true);

  private final Rule rule =
      new Rule(
          false,
          OptionalLong.of(1),
          2,
          Optional.of(new Rule.Mark(3, 4)),
          true,
          OptionalInt.of(5),
          Optional.empty(),
          Optional.empty(),
          "in",
          "out",
          6);

  @Test
  void each_change_of_a_route_changes_its_own_components_only() {
    assertThat(between(route, route.via(HOP)))
        .isEqualTo(Map.of("gateway", Optional.of(HOP), "scope", Scope.UNIVERSE));
    assertThat(between(route, route.on(9))).isEqualTo(Map.of("interfaceIndex", 9));
    assertThat(between(route, route.withType(Route.Type.LOCAL)))
        .isEqualTo(Map.of("type", Route.Type.LOCAL, "scope", Scope.HOST));
    assertThat(between(route, route.withType(Route.Type.UNICAST)))
        .isEqualTo(Map.of("type", Route.Type.UNICAST, "scope", Scope.UNIVERSE));
    assertThat(between(route, route.withMetric(9))).isEqualTo(Map.of("metric", 9L));
    assertThat(between(route, route.withTable(9))).isEqualTo(Map.of("table", 9L));
    assertThat(between(route, route.withScope(Scope.LINK))).isEqualTo(Map.of("scope", Scope.LINK));
    assertThat(between(route, route.withProtocol(9))).isEqualTo(Map.of("protocol", 9));
    assertThat(between(route, route.withPreferredSource(HOP)))
        .isEqualTo(Map.of("preferredSource", Optional.of(HOP)));
    assertThat(between(route, route.withMtu(9, false)))
        .isEqualTo(Map.of("mtu", 9, "mtuLocked", false));
    assertThat(between(route, route.withOnLink())).isEqualTo(Map.of("onLink", true));
  }

  @Test
  void each_change_of_a_rule_changes_its_own_components_only() {
    assertThat(between(rule, rule.forV6())).isEqualTo(Map.of("v6", true));
    assertThat(between(rule, rule.withPriority(9)))
        .isEqualTo(Map.of("priority", OptionalLong.of(9)));
    assertThat(between(rule, rule.withMark(9)))
        .isEqualTo(Map.of("mark", Optional.of(new Rule.Mark(9, -1))));
    assertThat(between(rule, rule.withMark(9, 10)))
        .isEqualTo(Map.of("mark", Optional.of(new Rule.Mark(9, 10))));
    assertThat(between(rule, rule.not())).isEqualTo(Map.of("inverted", false));
    assertThat(between(rule, rule.withSuppressPrefixLength(9)))
        .isEqualTo(Map.of("suppressPrefixLength", OptionalInt.of(9)));
    assertThat(between(rule, rule.from(V6)))
        .isEqualTo(Map.of("v6", true, "source", Optional.of(V6)));
    assertThat(between(rule, rule.to(V4))).isEqualTo(Map.of("destination", Optional.of(V4)));
  }

  @Test
  void a_change_is_checked_as_the_whole_is() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> route.withTable(0))
        .withMessage("table 0 is not within 1..4294967295");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> rule.from(V4).forV6())
        .withMessage("10.1.0.0/16 is not of the rule's family");
  }
}
