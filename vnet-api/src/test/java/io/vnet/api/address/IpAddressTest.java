package io.vnet.api.address;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.StringJoiner;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** IP addresses: text to bits and back, also against java.net, and what is refused. */
class IpAddressTest {
  private static final long SEED = 0x697061;
  private static final int ROUNDS = 5_000;

  @Test
  void an_ipv4_address_keeps_its_bits_unsigned() {
    IpAddress address = IpAddress.parse("192.0.2.255");

    assertThat(address).isEqualTo(IpAddress.v4(0xC00002FF)).hasToString("192.0.2.255");
    assertThat(address.v6()).isFalse();
    assertThat(address.bits()).isEqualTo(32);
    assertThat(address.low()).isEqualTo(0xC00002FFL);
    assertThat(address.toV4Bits()).isEqualTo(0xC00002FF);
    assertThat(address.toByteArray()).containsExactly(192, 0, 2, 255);
    assertThat(IpAddress.parse("0.0.0.0")).hasToString("0.0.0.0");
    assertThat(IpAddress.parse("255.255.255.255")).hasToString("255.255.255.255");
  }

  @Test
  void an_ipv6_address_has_two_halves() {
    IpAddress address = IpAddress.parse("2001:db8:0:1:8000:2:3:4");

    assertThat(address).isEqualTo(IpAddress.v6(0x20010db800000001L, 0x8000000200030004L));
    assertThat(address.v6()).isTrue();
    assertThat(address.bits()).isEqualTo(128);
    assertThat(address.toByteArray())
        .containsExactly(0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0x80, 0, 0, 2, 0, 3, 0, 4);
    assertThatIllegalStateException()
        .isThrownBy(address::toV4Bits)
        .withMessageContaining("2001:db8:0:1:8000:2:3:4 is IPv6");
  }

  @ParameterizedTest
  @CsvSource({
    "0:0:0:0:0:0:0:0, ::",
    "0:0:0:0:0:0:0:1, ::1",
    "1:0:0:0:0:0:0:0, 1::",
    "2001:0db8:0:0:0:0:0:0001, 2001:db8::1",
    "2001:DB8::AbCd, 2001:db8::abcd",
    "2001:db8:0:1:1:1:1:1, 2001:db8:0:1:1:1:1:1",
    "2001:db8::1:1:1:1:1, 2001:db8:0:1:1:1:1:1",
    "2001:0:0:1:0:0:0:1, 2001:0:0:1::1",
    "2001:db8:0:0:1:0:0:1, 2001:db8::1:0:0:1",
    "0:0:1:0:0:0:0:0, 0:0:1::",
    "::1:0:0:0:2, ::1:0:0:0:2",
    "1:2:3:4:5:6:0:0, 1:2:3:4:5:6::",
    "0:0:3:4:5:6:7:8, ::3:4:5:6:7:8",
    "1:2:3:4:5:6:7::, 1:2:3:4:5:6:7:0",
    "::2:3:4:5:6:7:8, 0:2:3:4:5:6:7:8",
    "fe80::1.2.3.4, fe80::102:304",
    "1:2:3:4:5:6:255.254.253.252, 1:2:3:4:5:6:fffe:fdfc",
  })
  void text_is_canonical_as_rfc_5952_has_it(String given, String canonical) {
    assertThat(IpAddress.parse(given)).hasToString(canonical);
    assertThat(IpAddress.parse(canonical)).isEqualTo(IpAddress.parse(given));
  }

  @ParameterizedTest
  @CsvSource({
    "::ffff:c000:0201, ::ffff:192.0.2.1",
    "0:0:0:0:0:ffff:0:0, ::ffff:0.0.0.0",
    "::fffe:c000:201, ::fffe:c000:201",
    "::1:ffff:c000:201, ::1:ffff:c000:201",
    "1::ffff:c000:201, 1::ffff:c000:201"
  })
  void the_last_half_of_a_mapped_ipv4_address_is_a_dotted_quad(String given, String canonical) {
    assertThat(IpAddress.parse(given)).hasToString(canonical);
    assertThat(IpAddress.parse(canonical)).isEqualTo(IpAddress.parse(given));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        ".",
        "...",
        "localhost",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.",
        ".1.2.3",
        "1..2.3",
        "1.2.3.256",
        "1.2.3.1000",
        "1.2.3.4294967297",
        "01.2.3.4",
        "1.2.3.00",
        "1.2.3.-4",
        "1.2.3.+4",
        "1.2.3.4 ",
        "0x1.2.3.4",
        "1.2.3.\u0664",
        "1.2.3.4/24"
      })
  void malformed_ipv4_text_is_refused_by_name(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> IpAddress.parse(text))
        .withMessageContaining("'" + text + "' is no IP address");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        ":",
        ":::",
        "::::",
        "1::2::3",
        ":1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4::5:6:7:8",
        "::1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7:8::",
        ":1::",
        "::1:",
        "12345::",
        "g::",
        "-1::",
        "::+1",
        "fe80::1%eth0",
        "[::1]",
        "::1/128",
        "::1.2.3",
        "::1.2.3.256",
        "::01.2.3.4",
        "1.2.3.4::",
        "1.2.3.4::1",
        "::1.2.3.4:5",
        "1:2:3:4:5:6:7:1.2.3.4",
        "1:2:3:4:5:1.2.3.4",
        "::\uff11",
        "::1 "
      })
  void malformed_ipv6_text_is_refused_by_name(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> IpAddress.parse(text))
        .withMessageContaining("'" + text + "' is no IP address");
  }

  @Test
  void an_ipv4_address_of_more_than_32_bits_is_refused() {
    assertThatIllegalArgumentException().isThrownBy(() -> new IpAddress(false, 1, 0));
    assertThatIllegalArgumentException().isThrownBy(() -> new IpAddress(false, 0, 1L << 32));
    assertThatIllegalArgumentException().isThrownBy(() -> new IpAddress(false, 0, -1));
  }

  @Test
  void equal_bits_of_different_families_are_different_addresses() {
    assertThat(IpAddress.v4(1)).isNotEqualTo(IpAddress.v6(0, 1));
  }

  @Test
  void random_ipv4_addresses_read_as_java_net_reads_them() throws Exception {
    Random random = new Random(SEED);
    for (int round = 0; round < ROUNDS; round++) {
      byte[] bytes = new byte[4];
      random.nextBytes(bytes);
      InetAddress twin = InetAddress.getByAddress(bytes);

      IpAddress address = IpAddress.parse(twin.getHostAddress());

      assertThat(address.toByteArray()).as("seed %d, round %d", SEED, round).isEqualTo(bytes);
      assertThat(address)
          .as("seed %d, round %d", SEED, round)
          .hasToString(twin.getHostAddress())
          .extracting(IpAddress::toInetAddress)
          .isEqualTo(twin);
    }
  }

  @Test
  void random_ipv6_addresses_read_as_java_net_reads_them() throws Exception {
    Random random = new Random(SEED);
    for (int round = 0; round < ROUNDS; round++) {
      byte[] bytes = randomV6(random);
      Inet6Address twin = Inet6Address.getByAddress(null, bytes, -1);

      IpAddress address = IpAddress.parse(twin.getHostAddress());

      assertThat(address.toByteArray()).as("seed %d, round %d", SEED, round).isEqualTo(bytes);
      assertThat(address.toInetAddress()).as("seed %d, round %d", SEED, round).isEqualTo(twin);
      assertThat(InetAddress.ofLiteral(address.toString()))
          .as("seed %d, round %d", SEED, round)
          .isEqualTo(twin);
      assertThat(address).as("seed %d, round %d", SEED, round).hasToString(slowText(bytes));
      assertThat(IpAddress.parse(address.toString()))
          .as("seed %d, round %d", SEED, round)
          .isEqualTo(address);
    }
  }

  /** Half the groups are zero, so that gaps of all lengths and places come up. */
  private static byte[] randomV6(Random random) {
    ByteBuffer groups = ByteBuffer.allocate(16);
    for (int i = 0; i < 8; i++) {
      int shift = random.nextInt(16);
      groups.putShort((short) (random.nextBoolean() ? 0 : random.nextInt(0x10000) >>> shift));
    }
    // A first byte other than zero keeps it from being a mapped IPv4 address.
    return groups.put(0, (byte) 0x20).array();
  }

  /** RFC 5952, section 4, the long way: tries each gap, longest and leftmost first. */
  private static String slowText(byte[] bytes) {
    String[] groups = new String[8];
    for (int i = 0; i < 8; i++) {
      groups[i] = Integer.toHexString(ByteBuffer.wrap(bytes).getShort(2 * i) & 0xFFFF);
    }
    for (int length = 8; length >= 2; length--) {
      for (int start = 0; start + length <= 8; start++) {
        if (String.join("", Arrays.copyOfRange(groups, start, start + length))
            .equals("0".repeat(length))) {
          return join(groups, 0, start) + "::" + join(groups, start + length, 8);
        }
      }
    }
    return join(groups, 0, 8);
  }

  private static String join(String[] groups, int from, int to) {
    StringJoiner text = new StringJoiner(":");
    for (int i = from; i < to; i++) {
      text.add(groups[i]);
    }
    return text.toString();
  }
}
