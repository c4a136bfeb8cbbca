package io.vnet.actors.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.IpPrefix;
import io.vnet.api.address.MacAddress;
import io.vnet.api.device.DeviceName;
import io.vnet.api.device.DeviceOption;
import io.vnet.api.device.DriverKind;
import io.vnet.api.device.Framing;
import io.vnet.api.device.InterfaceChange;
import io.vnet.api.device.InterfaceMode;
import io.vnet.api.device.InterfaceState;
import io.vnet.api.device.LinkState;
import io.vnet.api.error.Errno;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The interface's rules: sections 1.1, 4.1, 4.2, 4.8, 4.9, 6.3 and 7.4 of the specification. */
class InterfaceRulesTest {
  private static final IpPrefix FIRST = IpPrefix.parse("192.0.2.2/24");
  private static final IpPrefix SECOND = IpPrefix.parse("2001:db8::2/64");
  private static final MacAddress MAC = MacAddress.parse("02:00:00:00:00:07");
  private static final long PID = 4121;

  private static InterfaceState fresh(DriverKind driver, boolean up) {
    return InterfaceRules.created(
        DeviceName.match(driver.driverName() + 3).orElseThrow(), 1500, up);
  }

  private static InterfaceState with(
      InterfaceState state, DriverKind driver, InterfaceChange change) {
    return state(InterfaceRules.configure(state, driver, change));
  }

  private static InterfaceState state(InterfaceRules.Outcome outcome) {
    assertThat(outcome).isInstanceOf(InterfaceRules.Outcome.Changed.class);
    return ((InterfaceRules.Outcome.Changed) outcome).state();
  }

  private static Errno errno(InterfaceRules.Outcome outcome) {
    assertThat(outcome).isInstanceOf(InterfaceRules.Outcome.Refused.class);
    return ((InterfaceRules.Outcome.Refused) outcome).errno();
  }

  @ParameterizedTest
  @EnumSource
  void a_new_interface_is_down_and_not_running_and_its_link_unknown(DriverKind driver) {
    InterfaceState state = fresh(driver, false);
    boolean tun = driver == DriverKind.TUN;
    assertThat(state.up()).isFalse();
    assertThat(state.running()).isFalse();
    assertThat(state.link()).isEqualTo(LinkState.UNKNOWN);
    assertThat(state.mtu()).isEqualTo(1500);
    assertThat(state.mode())
        .isEqualTo(
            new InterfaceMode(
                tun ? InterfaceMode.Kind.POINT_TO_POINT : InterfaceMode.Kind.BROADCAST, true));
    assertThat(state.mac().isEmpty()).isEqualTo(tun);
    assertThat(state.mac()).isEqualTo(fresh(driver, true).mac());
    assertThat(state.statusText()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void an_open_gives_it_an_owner_and_a_link_and_makes_an_ethernet_run(DriverKind driver) {
    InterfaceState before = with(fresh(driver, false), driver, new InterfaceChange.Up(false));
    boolean ethernet = driver != DriverKind.TUN;
    if (ethernet) {
      before = with(before, driver, new InterfaceChange.Mac(MAC));
    }
    InterfaceState open = InterfaceRules.opened(before, driver, PID, false);
    assertThat(open.link()).isEqualTo(LinkState.UP);
    assertThat(open.statusText()).isEqualTo("\tOpened by PID 4121\n");
    assertThat(open.running()).isEqualTo(ethernet);
    assertThat(open.remoteMac()).isEqualTo(ethernet ? Optional.of(MAC) : Optional.empty());
    assertThat(open.up()).isFalse();
    assertThat(InterfaceRules.opened(before, driver, PID, true).up()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({"TUN, false, false", "TAP, false, false", "TAP, true, true", "VMNET, false, true"})
  void a_close_takes_it_down_without_addresses_but_for_a_vmnet_and_a_tap_with_link0(
      DriverKind driver, boolean link0, boolean keeps) {
    InterfaceState open = InterfaceRules.opened(fresh(driver, true), driver, PID, true);
    open = with(open, driver, new InterfaceChange.AddAddress(FIRST));
    open = with(open, driver, new InterfaceChange.AddAddress(SECOND));
    open = with(open, driver, new InterfaceChange.Link0(link0));
    InterfaceState closed = InterfaceRules.closed(open, driver);
    assertThat(closed.link()).isEqualTo(LinkState.DOWN);
    assertThat(closed.statusText()).isEmpty();
    assertThat(closed.up()).isEqualTo(keeps);
    assertThat(closed.running()).isEqualTo(keeps);
    assertThat(closed.addresses()).hasSize(keeps ? 2 : 0);
    assertThat(closed.mtu()).isEqualTo(open.mtu());
    assertThat(closed.mode()).isEqualTo(open.mode());
  }

  @Test
  void framing_and_mode_are_the_next_openers_too() {
    InterfaceState state = fresh(DriverKind.TUN, false);
    InterfaceMode broadcast = new InterfaceMode(InterfaceMode.Kind.BROADCAST, false);
    for (Map.Entry<DeviceOption<?>, Object> option :
        Map.<DeviceOption<?>, Object>of(
                DeviceOption.FRAMING, Framing.FAMILY, DeviceOption.INTERFACE_MODE, broadcast)
            .entrySet()) {
      state = state(InterfaceRules.set(state, DriverKind.TUN, option.getKey(), option.getValue()));
    }
    state =
        InterfaceRules.closed(
            InterfaceRules.opened(state, DriverKind.TUN, PID, false), DriverKind.TUN);
    assertThat(state.framing()).isEqualTo(Framing.FAMILY);
    assertThat(state.mode()).isEqualTo(broadcast);
  }

  @ParameterizedTest
  @EnumSource
  void the_first_address_brings_it_up_and_no_other_does(DriverKind driver) {
    InterfaceState state =
        with(fresh(driver, false), driver, new InterfaceChange.AddAddress(FIRST));
    assertThat(state.up()).isTrue();
    assertThat(state.running()).isTrue();
    state = with(state, driver, new InterfaceChange.Up(false));
    state = with(state, driver, new InterfaceChange.AddAddress(SECOND));
    assertThat(state.addresses()).containsExactly(FIRST, SECOND);
    assertThat(state.up()).isFalse();
    state = with(state, driver, new InterfaceChange.RemoveAddress(FIRST));
    state = with(state, driver, new InterfaceChange.RemoveAddress(SECOND));
    assertThat(state.up()).isFalse();
    assertThat(with(state, driver, new InterfaceChange.AddAddress(SECOND)).up()).isTrue();
  }

  @Test
  void addresses_are_there_once_and_gone_once() {
    InterfaceState state =
        with(fresh(DriverKind.TAP, true), DriverKind.TAP, new InterfaceChange.AddAddress(FIRST));
    assertThat(
            errno(
                InterfaceRules.configure(
                    state, DriverKind.TAP, new InterfaceChange.AddAddress(FIRST))))
        .isEqualTo(Errno.EEXIST);
    assertThat(
            errno(
                InterfaceRules.configure(
                    state, DriverKind.TAP, new InterfaceChange.RemoveAddress(SECOND))))
        .isEqualTo(Errno.EADDRNOTAVAIL);
  }

  @ParameterizedTest
  @ValueSource(ints = {Integer.MIN_VALUE, 0, 71, 65536, Integer.MAX_VALUE})
  void an_mtu_out_of_range_is_EINVAL_for_either_end(int mtu) {
    InterfaceState state = fresh(DriverKind.TUN, true);
    assertThat(errno(InterfaceRules.configure(state, DriverKind.TUN, new InterfaceChange.Mtu(mtu))))
        .isEqualTo(Errno.EINVAL);
    assertThat(errno(InterfaceRules.set(state, DriverKind.TUN, DeviceOption.MTU, mtu)))
        .isEqualTo(Errno.EINVAL);
  }

  @ParameterizedTest
  @ValueSource(ints = {72, 65535})
  void an_mtu_at_either_end_of_the_range_is_taken(int mtu) {
    InterfaceState state = fresh(DriverKind.TUN, true);
    assertThat(with(state, DriverKind.TUN, new InterfaceChange.Mtu(mtu)).mtu()).isEqualTo(mtu);
    assertThat(state(InterfaceRules.set(state, DriverKind.TUN, DeviceOption.MTU, mtu)).mtu())
        .isEqualTo(mtu);
  }

  @Test
  void the_mode_is_EBUSY_while_it_is_up() {
    InterfaceMode mode = new InterfaceMode(InterfaceMode.Kind.BROADCAST, true);
    InterfaceState up = fresh(DriverKind.TUN, true);
    assertThat(errno(InterfaceRules.set(up, DriverKind.TUN, DeviceOption.INTERFACE_MODE, mode)))
        .isEqualTo(Errno.EBUSY);
    InterfaceState down = with(up, DriverKind.TUN, new InterfaceChange.Up(false));
    assertThat(
            state(InterfaceRules.set(down, DriverKind.TUN, DeviceOption.INTERFACE_MODE, mode))
                .mode())
        .isEqualTo(mode);
  }

  @Test
  void options_of_the_other_layer_are_ENOTTY() {
    InterfaceState tun = fresh(DriverKind.TUN, true);
    assertThat(errno(InterfaceRules.set(tun, DriverKind.TUN, DeviceOption.REMOTE_MAC, MAC)))
        .isEqualTo(Errno.ENOTTY);
    assertThat(InterfaceRules.get(tun, DriverKind.TUN, DeviceOption.REMOTE_MAC)).isEmpty();
    Map<DeviceOption<?>, Object> values =
        Map.of(
            DeviceOption.FRAMING,
            Framing.FAMILY,
            DeviceOption.INTERFACE_MODE,
            new InterfaceMode(InterfaceMode.Kind.BROADCAST, true),
            DeviceOption.OWNER_PID,
            PID);
    for (DriverKind driver : new DriverKind[] {DriverKind.TAP, DriverKind.VMNET}) {
      InterfaceState state = fresh(driver, false);
      values.forEach((option, value) -> {
        assertThat(errno(InterfaceRules.set(state, driver, option, value)))
            .as("%s of a %s", option, driver)
            .isEqualTo(Errno.ENOTTY);
        assertThat(InterfaceRules.get(state, driver, option)).isEmpty();
      });
    }
  }

  @Test
  void what_was_set_is_what_is_got() {
    InterfaceState tun = fresh(DriverKind.TUN, false);
    Map<DeviceOption<?>, Object> values =
        Map.of(
            DeviceOption.FRAMING,
            Framing.DESTINATION,
            DeviceOption.INTERFACE_MODE,
            new InterfaceMode(InterfaceMode.Kind.BROADCAST, false),
            DeviceOption.OWNER_PID,
            77L,
            DeviceOption.MTU,
            1280,
            DeviceOption.BAUDRATE,
            9600L);
    values.forEach((option, value) ->
        assertThat(
                InterfaceRules.get(
                    state(InterfaceRules.set(tun, DriverKind.TUN, option, value)),
                    DriverKind.TUN,
                    option))
            .contains(value));
    InterfaceState tap = fresh(DriverKind.TAP, false);
    InterfaceState set =
        state(InterfaceRules.set(tap, DriverKind.TAP, DeviceOption.REMOTE_MAC, MAC));
    assertThat(InterfaceRules.get(set, DriverKind.TAP, DeviceOption.REMOTE_MAC)).contains(MAC);
    assertThat(set.mac()).as("filters nothing").isEqualTo(tap.mac());
  }

  @Test
  void a_mac_is_an_ethernets_and_no_groups() {
    assertThat(
            errno(
                InterfaceRules.configure(
                    fresh(DriverKind.TUN, true), DriverKind.TUN, new InterfaceChange.Mac(MAC))))
        .isEqualTo(Errno.EINVAL);
    assertThat(
            errno(
                InterfaceRules.configure(
                    fresh(DriverKind.TAP, true),
                    DriverKind.TAP,
                    new InterfaceChange.Mac(MacAddress.parse("01:00:5e:00:00:01")))))
        .isEqualTo(Errno.EINVAL);
  }

  @ParameterizedTest
  @EnumSource
  void a_move_takes_it_down_without_addresses_and_keeps_the_rest(DriverKind driver) {
    InterfaceState open = InterfaceRules.opened(fresh(driver, true), driver, PID, true);
    open = with(open, driver, new InterfaceChange.AddAddress(FIRST));
    open = with(open, driver, new InterfaceChange.Mtu(1280));
    InterfaceState moved = InterfaceRules.moved(open, false);
    assertThat(moved.up()).isFalse();
    assertThat(moved.addresses()).isEmpty();
    assertThat(moved.link()).isEqualTo(LinkState.UP);
    assertThat(moved.ownerPid()).isEqualTo(open.ownerPid());
    assertThat(moved.mtu()).isEqualTo(1280);
    assertThat(InterfaceRules.moved(open, true).up()).isTrue();
  }
}
