package io.vnet.api.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.vnet.api.packet.Layer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Device names as the if_tuntap specification, section 1.2, has them. */
class DeviceNameTest {
  @ParameterizedTest
  @CsvSource({"tun, TUN", "tap, TAP", "vmnet, VMNET"})
  void a_drivers_name_alone_leaves_the_unit_open(String text, DriverKind driver) {
    DeviceName name = DeviceName.match(text).orElseThrow();

    assertThat(name).isEqualTo(new DeviceName(driver, DeviceName.WILDCARD)).hasToString(text);
    assertThat(name.isWildcard()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "tun0, TUN, 0",
    "tun9, TUN, 9",
    "tun10, TUN, 10",
    "tap3, TAP, 3",
    "vmnet7, VMNET, 7",
    "tun32767, TUN, 32767",
    "tun32768, TUN, 32768",
    "tun40000, TUN, 40000",
    "tap16777215, TAP, 16777215"
  })
  void a_drivers_name_and_a_number_are_that_unit(String text, DriverKind driver, int unit) {
    DeviceName name = DeviceName.match(text).orElseThrow();

    assertThat(name).isEqualTo(new DeviceName(driver, unit)).hasToString(text);
    assertThat(name.isWildcard()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "t",
        "tu",
        "eth0",
        "TUN0",
        "0tun",
        " tun0",
        "tun00",
        "tun01",
        "tun007",
        "tap00",
        "vmnet01",
        "tun1a",
        "tun1 ",
        "tuna",
        "tun-1",
        "tun+1",
        "tun 1",
        "tun1.0",
        "tun\u0661",
        "tuntap0",
        "tun16777216",
        "tun99999999",
        "tun100000000",
        "tun4294967296",
        "tun18446744073709551616"
      })
  void no_driver_accepts_anything_else(String text) {
    assertThat(DeviceName.match(text)).isEmpty();
  }

  @Test
  void each_name_is_matched_again_from_its_text() {
    for (DriverKind driver : DriverKind.values()) {
      for (int unit = DeviceName.WILDCARD; unit <= 0xFF_FFFF; unit += unit < 2_000 ? 1 : 99_991) {
        DeviceName name = new DeviceName(driver, unit);
        assertThat(DeviceName.match(name.toString())).contains(name);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {Integer.MIN_VALUE, -2, 0x100_0000, Integer.MAX_VALUE})
  void a_unit_that_no_text_can_name_is_refused(int unit) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new DeviceName(DriverKind.TUN, unit))
        .withMessageContaining("unit " + unit + " is not within");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new DeviceName(DriverKind.TUN, 0).withUnit(unit));
  }

  @Test
  void with_unit_keeps_the_driver() {
    assertThat(new DeviceName(DriverKind.TAP, DeviceName.WILDCARD).withUnit(4)).hasToString("tap4");
  }

  @Test
  void tun_carries_packets_and_the_others_carry_frames() {
    assertThat(DriverKind.TUN.layer()).isEqualTo(Layer.L3);
    assertThat(DriverKind.TAP.layer()).isEqualTo(Layer.L2);
    assertThat(DriverKind.VMNET.layer()).isEqualTo(Layer.L2);
  }

  @Test
  void an_id_needs_a_unit_and_differs_by_generation() {
    DeviceName tun3 = new DeviceName(DriverKind.TUN, 3);

    assertThat(new DeviceId(tun3, 1)).hasToString("tun3").isNotEqualTo(new DeviceId(tun3, 2));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new DeviceId(tun3.withUnit(DeviceName.WILDCARD), 1))
        .withMessageContaining("a device id needs a unit: tun");
  }
}
