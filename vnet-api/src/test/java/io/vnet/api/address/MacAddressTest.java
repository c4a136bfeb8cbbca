package io.vnet.api.address;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.HashSet;
import java.util.HexFormat;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Hardware addresses: text to bits and back, and what is refused. */
class MacAddressTest {
  private static final long SEED = 0x6d6163;

  @Test
  void text_and_bits_are_two_forms_of_one_address() {
    MacAddress address = MacAddress.parse("02:00:5e:10:0a:ff");

    assertThat(address.bits()).isEqualTo(0x0200_5e10_0affL);
    assertThat(address).hasToString("02:00:5e:10:0a:ff");
    assertThat(MacAddress.parse("02:00:5E:10:0A:FF")).isEqualTo(address);
  }

  @Test
  void random_addresses_survive_the_way_to_text_and_back() {
    Random random = new Random(SEED);
    for (int round = 0; round < 5_000; round++) {
      long bits = random.nextLong() >>> 16;
      MacAddress address = new MacAddress(bits);
      byte[] bytes = new byte[6];
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = (byte) (bits >>> (40 - 8 * i));
      }

      assertThat(address.toString())
          .as("seed %d, round %d", SEED, round)
          .isEqualTo(HexFormat.ofDelimiter(":").formatHex(bytes));
      assertThat(MacAddress.parse(address.toString()))
          .as("seed %d, round %d", SEED, round)
          .isEqualTo(address);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ":",
        ":::::",
        "02:00:00:00:00",
        "02:00:00:00:00:00:00",
        "02:00:00:00:00:0",
        "02:00:00:00:00:000",
        "02:00:00:00:00:00:",
        ":02:00:00:00:00:00",
        "02-00-00-00-00-00",
        "020000000000",
        "0200.0000.0000",
        "02:00:00:00:00:0g",
        "02:00:00:00:00:+1",
        "02:00:00:00:00: 1",
        " 02:00:00:00:00:01",
        "02:00:00:00:00:01\n"
      })
  void malformed_text_is_refused_by_name(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MacAddress.parse(text))
        .withMessageContaining("'" + text + "' is no MAC address");
  }

  @ParameterizedTest
  @ValueSource(strings = {"\uff10\uff12:00:00:00:00:01", "\u0660\u0662:00:00:00:00:01"})
  void digits_of_other_scripts_are_no_hexadecimal_digits(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MacAddress.parse(text))
        .withMessageContaining(text);
  }

  @ParameterizedTest
  @ValueSource(longs = {1L << 48, -1L, Long.MIN_VALUE, 0x1_ffff_ffff_ffffL})
  void more_than_48_bits_are_refused(long bits) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new MacAddress(bits))
        .withMessageContaining("48 bits");
  }

  @Test
  void the_two_low_bits_of_the_first_byte_say_group_and_local() {
    assertThat(MacAddress.BROADCAST.isMulticast()).isTrue();
    assertThat(MacAddress.BROADCAST.isLocallyAdministered()).isTrue();
    assertThat(MacAddress.parse("01:00:5e:00:00:01").isMulticast()).isTrue();
    assertThat(MacAddress.parse("01:00:5e:00:00:01").isLocallyAdministered()).isFalse();
    assertThat(MacAddress.parse("fe:ff:ff:ff:ff:ff").isMulticast()).isFalse();
    assertThat(MacAddress.parse("fd:ff:ff:ff:ff:ff").isLocallyAdministered()).isFalse();
    assertThat(MacAddress.parse("02:00:00:00:00:00").isLocallyAdministered()).isTrue();
  }

  @Test
  void a_derived_address_is_local_unicast_and_depends_on_the_seed_alone() {
    Set<MacAddress> seen = new HashSet<>();
    for (int unit = 0; unit < 1_000; unit++) {
      MacAddress address = MacAddress.derivedFrom("host/tap" + unit);
      seen.add(address);
      assertThat(address).isEqualTo(MacAddress.derivedFrom("host/tap" + unit));
      assertThat(address.isLocallyAdministered()).isTrue();
      assertThat(address.isMulticast()).isFalse();
    }
    assertThat(seen).hasSize(1_000);
  }
}
