package io.vnet.api.address;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.math.BigInteger;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Prefixes: text, host bits, and what lies within. */
class IpPrefixTest {
  private static final long SEED = 0x707265;

  @ParameterizedTest
  @CsvSource({
    "10.0.0.1/24, 10.0.0.1/24, 10.0.0.0/24",
    "10.1.2.3/0, 10.1.2.3/0, 0.0.0.0/0",
    "255.255.255.255/1, 255.255.255.255/1, 128.0.0.0/1",
    "10.0.0.1/31, 10.0.0.1/31, 10.0.0.0/31",
    "10.0.0.1, 10.0.0.1/32, 10.0.0.1/32",
    "2001:db8::1/64, 2001:db8::1/64, 2001:db8::/64",
    "2001:db8::ffff/120, 2001:db8::ffff/120, 2001:db8::ff00/120",
    "2001:db8:ffff::1/33, 2001:db8:ffff::1/33, 2001:db8:8000::/33",
    "1:2:3:4:8000::/65, 1:2:3:4:8000::/65, 1:2:3:4:8000::/65",
    "1:2:3:4:7fff::/65, 1:2:3:4:7fff::/65, 1:2:3:4::/65",
    "ffff::1/0, ffff::1/0, ::/0",
    "::1, ::1/128, ::1/128"
  })
  void the_text_keeps_host_bits_and_the_network_has_none(
      String given, String text, String network) {
    IpPrefix prefix = IpPrefix.parse(given);

    assertThat(prefix).hasToString(text);
    assertThat(IpPrefix.parse(prefix.toString())).isEqualTo(prefix);
    assertThat(prefix.network()).hasToString(network);
    assertThat(prefix.network().network()).isEqualTo(prefix.network());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "10.0.0.1/",
        "10.0.0.1/-1",
        "10.0.0.1/+8",
        "10.0.0.1/ 8",
        "10.0.0.1/8/8",
        "10.0.0.1/0x8",
        "10.0.0.1/1000",
        "10.0.0.1/\u0668",
        "::1/12a"
      })
  void a_length_that_is_no_number_is_refused_by_name(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> IpPrefix.parse(text))
        .withMessageContaining("'" + text + "' is no prefix");
  }

  @ParameterizedTest
  @ValueSource(strings = {"10.0.0.1/33", "10.0.0.1/999", "::1/129"})
  void a_length_beyond_the_family_is_refused(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> IpPrefix.parse(text))
        .withMessageContaining("is not within 0..");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "/24", "10.0.0/24", "eth0/24", "1::2::3/64"})
  void an_address_that_is_none_is_refused(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> IpPrefix.parse(text))
        .withMessageContaining("is no IP address");
  }

  @Test
  void a_negative_length_is_refused() {
    assertThatIllegalArgumentException().isThrownBy(() -> new IpPrefix(IpAddress.v4(0), -1));
  }

  @ParameterizedTest
  @CsvSource({
    "10.0.0.1/24, 10.0.0.255, true",
    "10.0.0.1/24, 10.0.1.0, false",
    "10.0.0.1/32, 10.0.0.1, true",
    "10.0.0.1/32, 10.0.0.0, false",
    "128.0.0.0/1, 255.255.255.255, true",
    "128.0.0.0/1, 127.255.255.255, false",
    "0.0.0.0/0, 255.255.255.255, true",
    "0.0.0.0/0, ::, false",
    "::/0, 0.0.0.0, false",
    "::/0, ffff::, true",
    "2001:db8::/64, 2001:db8::ffff:ffff:ffff:ffff, true",
    "2001:db8::/64, 2001:db8:0:1::, false",
    "2001:db8::/65, 2001:db8::8000:0:0:0, false",
    "::1/128, ::1, true",
    "::1/128, ::2, false"
  })
  void an_address_of_the_same_family_lies_within_or_not(
      String prefix, String address, boolean within) {
    assertThat(IpPrefix.parse(prefix).contains(IpAddress.parse(address))).isEqualTo(within);
  }

  @Test
  void random_prefixes_contain_what_a_shift_of_the_whole_number_says() {
    Random random = new Random(SEED);
    int within = 0;
    for (int round = 0; round < 5_000; round++) {
      boolean v6 = random.nextBoolean();
      int bits = v6 ? 128 : 32;
      IpPrefix prefix = new IpPrefix(randomAddress(random, v6), random.nextInt(bits + 1));
      IpAddress other = flipped(prefix.address(), random.nextInt(bits));

      boolean expected =
          number(prefix.address())
              .shiftRight(bits - prefix.length())
              .equals(number(other).shiftRight(bits - prefix.length()));

      assertThat(prefix.contains(other))
          .as("seed %d, round %d: %s in %s", SEED, round, other, prefix)
          .isEqualTo(expected);
      assertThat(prefix.contains(prefix.network().address()))
          .as("seed %d, round %d: %s", SEED, round, prefix)
          .isTrue();
      within += expected ? 1 : 0;
    }
    assertThat(within).as("addresses within, of 5000").isBetween(1_000, 4_000);
  }

  private static IpAddress randomAddress(Random random, boolean v6) {
    return v6 ? IpAddress.v6(random.nextLong(), random.nextLong()) : IpAddress.v4(random.nextInt());
  }

  private static IpAddress flipped(IpAddress address, int bit) {
    return bit < 64
        ? new IpAddress(address.v6(), address.high(), address.low() ^ (1L << bit))
        : new IpAddress(address.v6(), address.high() ^ (1L << (bit - 64)), address.low());
  }

  private static BigInteger number(IpAddress address) {
    return new BigInteger(1, address.toByteArray());
  }
}
