package io.vnet.tunnel.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.tunnel.config.QuickSettings.Hook;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.PeerChange.AllowedIpChange;
import io.vnet.tunnel.settings.PeerStatus;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.settings.TunnelStatus;
import io.vnet.tunnel.testkit.Keys;
import io.vnet.tunnel.testkit.MemoryTunnel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files as chapter 16 has them: lexing (16.1, 16.2; case U10) and refusals (16.3; case U9). */
class ConfigurationFileTest {
  private static final String PRIVATE = Keys.PRIVATE.base64();
  private static final String PEER = Keys.PEER.base64();
  private static final String OTHER = Keys.peer(1).base64();
  private static final String INTERFACE = "[Interface]\nPrivateKey = " + PRIVATE + "\n";
  private static final String WITH_PEER = INTERFACE + "[Peer]\nPublicKey = " + PEER + "\n";

  private static QuickConfiguration parse(String text) {
    return ConfigurationFile.parse("wg0.conf", text.getBytes(StandardCharsets.UTF_8));
  }

  private static List<String> problems(String text) {
    return Objects.requireNonNull(
            catchThrowableOfType(ConfigurationException.class, () -> parse(text)), text)
        .problems()
        .stream()
        .map(ConfigurationProblem::toString)
        .toList();
  }

  private static List<String> warnings(String text) {
    return parse(text).warnings().stream().map(ConfigurationProblem::toString).toList();
  }

  @Test
  void a_whole_file() {
    QuickConfiguration configuration =
        parse(
            """
            [Interface]
            PrivateKey = %s
            ListenPort = 51820
            FwMark = 0xca6c
            Address = 10.0.0.1/24, fd00::1/64
            Address = 10.0.1.1
            DNS = 1.1.1.1, 2606:4700::1111, example.org
            DNS = lan
            MTU = 1420
            Table = 1234
            PreUp = echo %%i up # really
            PostUp = a
            PostUp = b
            PreDown = c
            PostDown = d
            SaveConfig = true

            [Peer]
            PublicKey = %s
            PresharedKey = %s
            AllowedIPs = 10.0.0.2/32, fd00::2
            AllowedIPs = 10.9.0.0/16
            Endpoint = vpn.example.org:51820
            PersistentKeepalive = 25
            """
                .formatted(PRIVATE, PEER, Keys.preshared(1).base64()));

    assertThat(configuration.warnings()).isEmpty();
    assertThat(configuration.privateKey()).contains(Keys.PRIVATE);
    assertThat(configuration.listenPort()).hasValue(51820);
    assertThat(configuration.mark()).hasValue(0xca6c);
    assertThat(configuration.quick())
        .isEqualTo(
            new QuickSettings(
                List.of(
                    IpPrefix.parse("10.0.0.1/24"),
                    IpPrefix.parse("fd00::1/64"),
                    IpPrefix.parse("10.0.1.1/32")),
                List.of(IpAddress.parse("1.1.1.1"), IpAddress.parse("2606:4700::1111")),
                List.of("example.org", "lan"),
                OptionalInt.of(1420),
                new RouteTable.Numbered(1234),
                true,
                List.of(new Hook(11, "echo %i up # really")),
                List.of(new Hook(12, "a"), new Hook(13, "b")),
                List.of(new Hook(14, "c")),
                List.of(new Hook(15, "d"))));
    assertThat(configuration.quick().preUp().getFirst().commandFor("wg0"))
        .isEqualTo("echo wg0 up # really");
    assertThat(configuration.peers())
        .containsExactly(
            new PeerSettings(
                18,
                Keys.PEER,
                Optional.of(Keys.preshared(1)),
                Optional.of(new EndpointName(23, "vpn.example.org", 51820)),
                OptionalInt.of(25),
                false,
                List.of(
                    new AllowedIpChange(IpPrefix.parse("10.0.0.2/32"), false),
                    new AllowedIpChange(IpPrefix.parse("fd00::2/128"), false),
                    new AllowedIpChange(IpPrefix.parse("10.9.0.0/16"), false))));
  }

  @Test
  void U10_case_comments_tabs_ends_of_lines_and_spaces() {
    QuickConfiguration plain =
        parse(WITH_PEER + "AllowedIPs = 10.0.0.0/24, 10.1.0.0/24\nEndpoint = 1.2.3.4:5\n");
    String odd =
        "\uFEFF# a comment\r\n [ INTERFACE ]\t# another\r\n\r\n"
            + "\tprivatekey=\t"
            + PRIVATE
            + " # no secret\r\n"
            + "   [peer]\r\n"
            + "PUBLICKEY  =  "
            + PEER.substring(0, 9)
            + " \t"
            + PEER.substring(9)
            + "\r\nallowedIPs=10.0. 0.0/ 24\t,10.1.0.0/24#,10.2.0.0/24\r\n"
            + "EndPoint = 1.2.3.4 : 5\u000b\f\r\n#[Peer]";

    assertThat(parse(odd).peers().getFirst().allowedIps())
        .isEqualTo(plain.peers().getFirst().allowedIps());
    assertThat(parse(odd).toChange(Map.of(Keys.PEER, Endpoint.parse("1.2.3.4:5"))))
        .isEqualTo(plain.toChange(Map.of(Keys.PEER, Endpoint.parse("1.2.3.4:5"))));
  }

  @Test
  void U10_sections_in_any_order_and_an_interface_in_two_parts() {
    QuickConfiguration configuration =
        parse(
            "[Peer]\nPublicKey = "
                + PEER
                + "\n[Interface]\nListenPort = 1\nMTU=1400\n[Peer]\nPublicKey = "
                + OTHER
                + "\n[Interface]\nPrivateKey = "
                + PRIVATE
                + "\nListenPort = 2\n");

    assertThat(configuration.listenPort()).hasValue(2);
    assertThat(configuration.quick().mtu()).hasValue(1400);
    assertThat(configuration.peers()).extracting(PeerSettings::line).containsExactly(1, 6);
  }

  @Test
  void U10_the_last_scalar_counts_and_lists_grow() {
    QuickConfiguration configuration =
        parse(
            WITH_PEER
                + "PersistentKeepalive = 1\nPersistentKeepalive = off\n"
                + "AllowedIPs = 10.0.0.0/8\nAllowedIPs = ::/0\n");

    assertThat(configuration.peers().getFirst().persistentKeepalive()).hasValue(0);
    assertThat(configuration.peers().getFirst().allowedIps()).hasSize(2);
  }

  @Test
  void allowed_ips_with_signs_are_changes() {
    PeerSettings peer =
        parse(WITH_PEER + "AllowedIPs = +10.0.0.0/8, -10.1.0.0/16\n").peers().getFirst();

    assertThat(peer.incremental()).isTrue();
    assertThat(peer.allowedIps())
        .containsExactly(
            new AllowedIpChange(IpPrefix.parse("10.0.0.0/8"), false),
            new AllowedIpChange(IpPrefix.parse("10.1.0.0/16"), true));
  }

  @Test
  void values_of_keys_of_wg_quick_keep_their_inner_white_space() {
    QuickSettings quick =
        parse(INTERFACE + "PostUp =  ip  rule \t add  \nAddress = 10.0.0.1/24 10.0.0.2/24,\n")
            .quick();

    assertThat(quick.postUp()).containsExactly(new Hook(3, "ip  rule \t add"));
    assertThat(quick.addresses())
        .containsExactly(IpPrefix.parse("10.0.0.1/24"), IpPrefix.parse("10.0.0.2/24"));
  }

  @ParameterizedTest
  @CsvSource({
    "off, 0",
    "OFF, 0",
    "0, 0",
    "0x0, 0",
    "51820, 51820",
    "0xFFFFffff, -1",
    "4294967295, -1"
  })
  void fw_mark(String text, int mark) {
    assertThat(parse(INTERFACE + "FwMark = " + text).mark()).hasValue(mark);
  }

  @ParameterizedTest
  @ValueSource(strings = {"auto", "off", "1", "4294967295", "main", "vpn_1.x"})
  void table(String text) {
    assertThat(parse(INTERFACE + "Table = " + text).quick().table()).hasToString(text);
  }

  @Test
  void a_table_may_be_written_in_other_ways() {
    assertThat(parse(INTERFACE + "Table = AUTO").quick().table()).isEqualTo(new RouteTable.Auto());
    assertThat(parse(INTERFACE + "Table = Off").quick().table()).isEqualTo(new RouteTable.Off());
    assertThat(parse(INTERFACE + "Table = 0x10").quick().table())
        .isEqualTo(new RouteTable.Numbered(16));
  }

  @ParameterizedTest
  @CsvSource({
    "vpn.example.org:51820, vpn.example.org, 51820",
    "localhost:0, localhost, 0",
    "1.2.3.4:5, 1.2.3.4, 5",
    "[2001:db8::1]:5, 2001:db8::1, 5",
    "2001:db8::1:5, 2001:db8::1, 5",
    "[fe80::1%eth0]:5, fe80::1%eth0, 5"
  })
  void endpoint(String text, String host, int port) {
    assertThat(parse(WITH_PEER + "Endpoint = " + text).peers().getFirst().endpoint())
        .contains(new EndpointName(5, host, port));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "FwMark = 0x1ffffffff | neither off nor a number of 32 bits, decimal or hexadecimal after 0x",
        "FwMark = x | neither off nor a number of 32 bits, decimal or hexadecimal after 0x",
        "FwMark = 0x | neither off nor a number of 32 bits, decimal or hexadecimal after 0x",
        "ListenPort = 65536 | not a port: 0–65535",
        "ListenPort = http | not a port: 0–65535",
        "Table = x/y | neither auto, off, a number nor a name",
        "Table = 0 | neither auto, off, a number nor a name",
        "Table = 4294967296 | neither auto, off, a number nor a name",
        "Table = 12a | neither auto, off, a number nor a name",
        "MTU = 100 | below 576",
        "MTU = 65504 | above 65503",
        "MTU = big | not a number",
        "SaveConfig = yes | neither true nor false",
        "Address = 10.0.0.0/33 | prefix length 33 is beyond 32",
        "Address = 10.0.0.0/x | 'x' is not a prefix length",
        "Address = ::/129 | prefix length 129 is beyond 128",
        "Address = , | empty list",
        "DNS = 1.1.1 | '1.1.1' is no IP address: four decimal bytes with dots are needed",
        "DNS = a;b | neither an address nor a domain"
      })
  void U9_values_of_the_interface(String line, String reason) {
    String key = line.substring(0, line.indexOf(' '));
    String value = line.substring(line.indexOf("= ") + 2);
    assertThat(problems(INTERFACE + line))
        .containsExactly(
            "wg0.conf:3: "
                + key
                + ": "
                + reason
                + (reason.contains(value) ? "" : " ('" + value + "')"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "AllowedIPs = 10.0.0.0/33 | prefix length 33 is beyond 32 ('10.0.0.0/33')",
        "AllowedIPs = 10.0.0.0/ | '' is not a prefix length ('10.0.0.0/')",
        "AllowedIPs = 10.0.0.0/8, | empty item in the list ('10.0.0.0/8,')",
        "AllowedIPs = here | 'here' is no IP address: four decimal bytes with dots are needed",
        "Endpoint = 1.2.3.4 | no port ('1.2.3.4')",
        "Endpoint = 1.2.3.4: | no port ('1.2.3.4:')",
        "Endpoint = [::1] | no port ('[::1]')",
        "Endpoint = [::1:5 | missing \"]\" ('[::1:5')",
        "Endpoint = [::1]5 | no \":\" behind \"]\" ('[::1]5')",
        "Endpoint = :5 | no host (':5')",
        "Endpoint = [1.2.3.4]:5 | only an IPv6 address stands in brackets ('[1.2.3.4]:5')",
        "Endpoint = [fe80::1%]:5 | no interface behind \"%\" ('[fe80::1%]:5')",
        "Endpoint = 10.1:5 | '10.1' is no IP address: four decimal bytes with dots are needed ('10.1:5')",
        "Endpoint = a/b:5 | not a host name ('a/b:5')",
        "Endpoint = a:http | 'http' is not a port: 0–65535 ('a:http')",
        "Endpoint = a:65536 | '65536' is not a port: 0–65535 ('a:65536')",
        "PersistentKeepalive = 70000 | neither off nor 0–65535 ('70000')",
        "PersistentKeepalive = -1 | neither off nor 0–65535 ('-1')"
      })
  void U9_values_of_a_peer(String line, String reason) {
    String key = line.substring(0, line.indexOf(' '));
    assertThat(problems(WITH_PEER + line)).containsExactly("wg0.conf:5: " + key + ": " + reason);
  }

  @Test
  void U9_keys_that_are_none_are_not_repeated() {
    assertThat(problems("[Interface]\nPrivateKey = abc\n"))
        .containsExactly("wg0.conf:2: PrivateKey: not a key: 44 base64 characters wanted, 3 given");
    assertThat(problems(WITH_PEER + "PresharedKey = xyz\n"))
        .containsExactly(
            "wg0.conf:5: PresharedKey: not a key: 44 base64 characters wanted, 3 given");
    assertThat(problems(INTERFACE + "[Peer]\nPublicKey = abcd\n"))
        .containsExactly("wg0.conf:4: PublicKey: not a key: 44 base64 characters wanted, 4 given");
    assertThat(problems("[Interface]\nPrivateKey = " + PRIVATE.replace('A', '_') + "\n"))
        .containsExactly("wg0.conf:2: PrivateKey: not a key: not the base64 text of 32 bytes");
  }

  @Test
  void U9_a_secret_in_the_wrong_place_is_not_repeated() {
    for (String line :
        List.of(
            PRIVATE,
            PRIVATE.substring(0, 43),
            "PrivatKey = " + PRIVATE,
            "[" + PRIVATE + "]",
            PRIVATE + " = x",
            "PublicKey " + PRIVATE)) {
      for (String text : List.of(INTERFACE + line, line, WITH_PEER + line)) {
        assertThat(problems(text)).isNotEmpty().noneMatch(problem -> problem.contains("BAUGBwgJ"));
      }
    }
  }

  @Test
  void U9_all_zero_keys() {
    String zeros = "A".repeat(43) + "=";
    assertThat(problems(INTERFACE + "[Peer]\nPublicKey = " + zeros))
        .containsExactly("wg0.conf:4: PublicKey: all-zero public key");
    assertThat(problems("[Interface]\nPrivateKey = " + zeros))
        .containsExactly("wg0.conf:2: PrivateKey: all-zero private key");
  }

  @Test
  void U9_peers_that_lack_a_key_or_share_one() {
    assertThat(problems(INTERFACE + "[Peer]\nAllowedIPs = 10.0.0.0/8\n"))
        .containsExactly("wg0.conf:3: PublicKey: [Peer] at line 3 has no PublicKey");
    assertThat(problems(WITH_PEER + "[Peer]\nPublicKey = " + PEER))
        .containsExactly("wg0.conf:6: PublicKey: duplicate peer, first at line 3 ('" + PEER + "')");
    assertThat(problems(INTERFACE + "[Peer]\nPublicKey = " + Keys.OWN.base64()))
        .containsExactly(
            "wg0.conf:4: PublicKey: peer is this interface itself ('" + Keys.OWN.base64() + "')");
  }

  @Test
  void U9_an_address_that_comes_twice() {
    assertThat(problems(INTERFACE + "Address = 10.0.0.1/24, 10.0.0.1/16\nAddress = 10.0.0.1/24"))
        .containsExactly("wg0.conf:4: Address: duplicate address ('10.0.0.1/24')");
  }

  @Test
  void U9_a_prefix_at_two_peers() {
    assertThat(
            problems(
                WITH_PEER
                    + "AllowedIPs = 10.0.0.0/24, 10.0.0.0/24\n[Peer]\nPublicKey = "
                    + OTHER
                    + "\nAllowedIPs = 10.1.0.0/24, 10.0.0.0/24\n"))
        .containsExactly(
            "wg0.conf:8: AllowedIPs: 10.0.0.0/24 already belongs to the peer at line 3");
  }

  @Test
  void U9_host_bits_are_a_warning() {
    String text = WITH_PEER + "AllowedIPs = 10.0.0.5/24, fd00::/64\n";

    assertThat(warnings(text))
        .containsExactly(
            "wg0.conf:5: AllowedIPs: host bits set, used as 10.0.0.0/24 ('10.0.0.5/24')");
    assertThat(parse(text).peers().getFirst().allowedIps().getFirst().prefix())
        .hasToString("10.0.0.0/24");
  }

  @Test
  void U9_an_mtu_needs_1280_with_ipv6() {
    assertThat(parse(INTERFACE + "MTU = 576").quick().mtu()).hasValue(576);
    assertThat(problems(INTERFACE + "MTU = 1279\nAddress = fd00::1/64"))
        .containsExactly("wg0.conf:3: MTU: below 1280 with IPv6 addresses ('1279')");
    assertThat(parse(INTERFACE + "MTU = 1280\nAddress = fd00::1/64").quick().mtu()).hasValue(1280);
    assertThat(parse(INTERFACE + "MTU = 65503").quick().mtu()).hasValue(65503);
  }

  @Test
  void U9_keys_that_are_unknown_or_outside() {
    assertThat(problems(INTERFACE + "Foo = 1"))
        .containsExactly("wg0.conf:3: Foo: unknown key in [Interface]");
    assertThat(problems(WITH_PEER + "Address = 10.0.0.1"))
        .containsExactly("wg0.conf:5: Address: unknown key in [Peer]");
    assertThat(problems("ListenPort = 51820\n" + INTERFACE))
        .containsExactly("wg0.conf:1: ListenPort: key outside a section");
    assertThat(problems(INTERFACE + "ListenPort =\n"))
        .containsExactly("wg0.conf:3: ListenPort: empty value");
    assertThat(problems(INTERFACE + "PostUp = \n"))
        .containsExactly("wg0.conf:3: PostUp: empty value");
    assertThat(problems(INTERFACE + "ListenPort\n"))
        .containsExactly("wg0.conf:3: neither a section nor KEY = VALUE");
    assertThat(problems(INTERFACE + "[Peers]\nPublicKey = x\nFoo = 1\n"))
        .containsExactly("wg0.conf:3: unknown section [Peers]");
  }

  @Test
  void U9_no_private_key() {
    assertThat(problems("[Interface]\nListenPort = 1\n"))
        .containsExactly("wg0.conf:1: [Interface]: no PrivateKey");
    assertThat(problems("")).containsExactly("wg0.conf: [Interface]: no PrivateKey");
    assertThat(warnings("[Interface]\nPostUp = wg set %i private-key /run/key\n"))
        .containsExactly("wg0.conf:1: [Interface]: no PrivateKey: a hook has to set it");
  }

  @Test
  void U9_all_errors_of_a_file_come_together_in_order() {
    assertThat(
            problems(
                "Foo = 1\n[Interface]\nListenPort = x\nMTU = 1\nAddress = 1, 2\n[Peer]\nEndpoint = a\n"))
        .containsExactly(
            "wg0.conf:1: Foo: key outside a section",
            "wg0.conf:2: [Interface]: no PrivateKey",
            "wg0.conf:3: ListenPort: not a port: 0–65535 ('x')",
            "wg0.conf:4: MTU: below 576 ('1')",
            "wg0.conf:5: Address: '1' is no IP address: four decimal bytes with dots are needed",
            "wg0.conf:5: Address: '2' is no IP address: four decimal bytes with dots are needed",
            "wg0.conf:6: PublicKey: [Peer] at line 6 has no PublicKey",
            "wg0.conf:7: Endpoint: no port ('a')");
  }

  @Test
  void the_number_of_errors_is_bounded_and_values_are_fit_to_print() {
    assertThat(problems("x = 1\n".repeat(1_000)))
        .hasSize(101)
        .last()
        .isEqualTo("wg0.conf: and 901 errors more");
    assertThat(problems(INTERFACE + "ListenPort = \u001b[31m" + "y".repeat(1000)))
        .singleElement()
        .satisfies(problem ->
            assertThat(problem).hasSizeLessThan(200).doesNotContain("\u001b").endsWith("y...')"));
  }

  @Test
  void a_file_that_is_not_utf_8_may_be_so_in_comments_only() {
    byte[] comment =
        (INTERFACE + "ListenPort = 1 # caf\u00e9").getBytes(StandardCharsets.ISO_8859_1);
    byte[] value = (INTERFACE + "PostUp = caf\u00e9").getBytes(StandardCharsets.ISO_8859_1);

    assertThat(ConfigurationFile.parse("wg0.conf", comment).listenPort()).hasValue(1);
    assertThatThrownBy(() -> ConfigurationFile.parse("wg0.conf", value))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("wg0.conf:3: not UTF-8");
    assertThat(parse(INTERFACE + "PostUp = café").quick().postUp())
        .containsExactly(new Hook(3, "café"));
  }

  @Test
  void a_change_leaves_what_the_file_has_not() {
    assertThat(parse(WITH_PEER + "AllowedIPs = 10.0.0.0/8\n").toChange(Map.of()))
        .isEqualTo(
            TunnelChange.NONE
                .withPrivateKey(Keys.PRIVATE)
                .withPeers(
                    List.of(
                        PeerChange.of(Keys.PEER)
                            .withAllowedIps(List.of(IpPrefix.parse("10.0.0.0/8"))))));
    assertThat(parse("[Interface]\nPreUp = x").toChange(Map.of())).isEqualTo(TunnelChange.NONE);
    QuickConfiguration named = parse(WITH_PEER + "Endpoint = a:1\n");
    assertThatThrownBy(() -> named.toChange(Map.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(PEER);
  }

  /** As with wg addconf, which wg-quick calls (16.2). */
  @Test
  void what_a_hook_has_set_before_stays() {
    MemoryTunnel tunnel = MemoryTunnel.withKey(Keys.PRIVATE);
    tunnel
        .change(
            TunnelChange.NONE
                .withListenPort(7)
                .withMark(8)
                .withPeers(
                    List.of(
                        PeerChange.of(Keys.peer(1)),
                        PeerChange.of(Keys.PEER)
                            .withPersistentKeepalive(9)
                            .withAllowedIps(List.of(IpPrefix.parse("10.1.0.0/16"))))))
        .toCompletableFuture()
        .join();
    tunnel
        .change(
            parse(
                    "[Interface]\nPreUp = x\n[Peer]\nPublicKey = "
                        + PEER
                        + "\nAllowedIPs = 10.2.0.0/16")
                .toChange(Map.of()))
        .toCompletableFuture()
        .join();

    TunnelStatus now = tunnel.now();
    assertThat(now.privateKey()).contains(Keys.PRIVATE);
    assertThat(now.listenPort()).isEqualTo(7);
    assertThat(now.mark()).isEqualTo(8);
    assertThat(now.peers())
        .extracting(PeerStatus::publicKey)
        .containsExactlyInAnyOrder(Keys.peer(1), Keys.PEER);
    PeerStatus peer =
        now.peers().stream()
            .filter(one -> one.publicKey().equals(Keys.PEER))
            .findFirst()
            .orElseThrow();
    assertThat(peer.persistentKeepalive()).isEqualTo(9);
    assertThat(peer.allowedIps()).containsExactly(IpPrefix.parse("10.2.0.0/16"));
  }

  @ParameterizedTest
  @CsvSource({
    "wg0, /etc/wireguard/wg0.conf, wg0",
    "a_b=+.-, /etc/wireguard/a_b=+.-.conf, a_b=+.-",
    "./wg0.conf, ./wg0.conf, wg0",
    "/tmp/fifteen-letters.conf, /tmp/fifteen-letters.conf, fifteen-letters"
  })
  void a_name_or_a_path(String given, String path, String name) {
    assertThat(ConfigurationFile.locate(given)).isEqualTo(Path.of(path));
    assertThat(ConfigurationFile.interfaceName(Path.of(path))).isEqualTo(name);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ".",
        "..",
        "a b",
        "sixteen--letters",
        "fifteen-letters.conf",
        "/tmp/wg0",
        "/tmp/a b.conf",
        "/tmp/.conf",
        "/",
        "x/..conf",
        "x/sixteen--letters.conf",
        "a\0b"
      })
  void what_is_no_name_and_no_path_is_refused(String given) {
    assertThatThrownBy(() -> ConfigurationFile.locate(given))
        .isInstanceOfSatisfying(
            VnetException.class, refused -> assertThat(refused.errno()).isEqualTo(Errno.EINVAL));
  }

  @Test
  void a_file_is_loaded_and_one_that_others_read_is_a_warning(@TempDir Path directory)
      throws IOException {
    Path path = Files.writeString(directory.resolve("wg0.conf"), WITH_PEER);
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-r-----"));
    assertThat(ConfigurationFile.load(path).warnings())
        .extracting(ConfigurationProblem::toString)
        .containsExactly(path + ": others may read it: chmod 600");
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
    assertThat(ConfigurationFile.load(path).warnings()).isEmpty();
    assertThat(ConfigurationFile.load(path).peers()).hasSize(1);
    assertThatThrownBy(() -> ConfigurationFile.load(directory.resolve("no.conf")))
        .isInstanceOfSatisfying(
            VnetException.class, refused -> assertThat(refused.errno()).isEqualTo(Errno.ENOENT));
    assertThatThrownBy(() -> ConfigurationFile.load(directory))
        .isInstanceOfSatisfying(
            VnetException.class, refused -> assertThat(refused.errno()).isEqualTo(Errno.EIO));
  }

  @Test
  void a_file_is_saved_as_a_whole_for_its_owner_alone(@TempDir Path directory) throws IOException {
    Path path = directory.resolve("wg0.conf");
    Path victim = Files.writeString(directory.resolve("victim"), "untouched");
    // What is left of a save that was interrupted, or laid out for us.
    Files.createSymbolicLink(directory.resolve("wg0.conf.tmp"), victim);
    Files.writeString(path, "old");
    ConfigurationFile.save(path, "new\n");

    assertThat(path).hasContent("new\n");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
        .isEqualTo("rw-------");
    assertThat(victim).hasContent("untouched");
    assertThat(directory.resolve("wg0.conf.tmp")).doesNotExist();
  }

  @Test
  void a_link_to_a_file_stays_one_when_the_file_is_saved(@TempDir Path directory)
      throws IOException {
    Path kept = Files.createDirectory(directory.resolve("kept"));
    Path file = Files.writeString(kept.resolve("home.conf"), "old");
    Path link = Files.createSymbolicLink(directory.resolve("wg0.conf"), Path.of("kept/home.conf"));
    ConfigurationFile.save(link, "new\n");

    assertThat(link).isSymbolicLink();
    assertThat(file).isRegularFile().hasContent("new\n");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    assertThat(kept.resolve("home.conf.tmp")).doesNotExist();
    Files.delete(file);
    assertThatThrownBy(() -> ConfigurationFile.save(link, "new"))
        .isInstanceOfSatisfying(
            VnetException.class, refused -> assertThat(refused.errno()).isEqualTo(Errno.ENOENT));
    assertThat(link).isSymbolicLink();
    Files.delete(link);
    ConfigurationFile.save(link, "again");
    assertThat(link).isRegularFile().hasContent("again");
  }

  @Test
  void a_save_that_fails_leaves_the_old_file_and_nothing_else(@TempDir Path directory)
      throws IOException {
    Path path = Files.createDirectory(directory.resolve("wg0.conf"));
    Files.createFile(path.resolve("in it"));

    assertThatThrownBy(() -> ConfigurationFile.save(path, "new"))
        .isInstanceOf(VnetException.class)
        .hasMessageNotContaining("new");
    assertThat(directory.resolve("wg0.conf.tmp")).doesNotExist();
    assertThatThrownBy(() -> ConfigurationFile.save(directory.resolve("no/wg0.conf"), "new"))
        .isInstanceOfSatisfying(
            VnetException.class, refused -> assertThat(refused.errno()).isEqualTo(Errno.ENOENT));
  }

  /** Lines of random parts of the language, and random bytes: refused, read, and nothing else. */
  @Test
  void random_files_are_read_or_refused() {
    long seed = 16;
    Random random = new Random(seed);
    String[] words = {
      "[Interface]",
      "[Peer]",
      "[",
      "]",
      "=",
      "=",
      "=",
      "#",
      ",",
      ":",
      "/",
      "%i",
      "\t",
      "\r",
      "\u00a0",
      "PrivateKey",
      "ListenPort",
      "FwMark",
      "Address",
      "DNS",
      "MTU",
      "Table",
      "PreUp",
      "SaveConfig",
      "PublicKey",
      "PresharedKey",
      "AllowedIPs",
      "Endpoint",
      "PersistentKeepalive",
      "auto",
      "off",
      "0x",
      "1",
      "65536",
      "99999999999",
      "10.0.0.1/24",
      "::/0",
      "[::1]:5",
      "a.b:1",
      PRIVATE,
      PEER,
      "true",
      "é"
    };
    int refused = 0;
    for (int i = 0; i < 20_000; i++) {
      StringBuilder text = new StringBuilder(random.nextBoolean() ? INTERFACE : "");
      for (int lines = random.nextInt(8); lines > 0; lines--) {
        for (int parts = random.nextInt(6); parts > 0; parts--) {
          text.append(words[random.nextInt(words.length)]);
        }
        text.append('\n');
      }
      byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
      for (int flips = random.nextInt(3); flips > 0 && bytes.length > 0; flips--) {
        bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
      }
      try {
        ConfigurationFile.parse("wg0.conf", bytes).warnings();
      } catch (ConfigurationException e) {
        assertThat(e.problems()).as("seed %d, file %d", seed, i).isNotEmpty();
        refused++;
      }
    }
    assertThat(refused).isBetween(10_000, 19_900);
  }
}
