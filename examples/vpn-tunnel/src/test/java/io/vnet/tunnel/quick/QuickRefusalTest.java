package io.vnet.tunnel.quick;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.tunnel.config.ConfigurationFile;
import io.vnet.tunnel.config.QuickConfiguration;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What cannot be carried out is refused before anything is done, with the line that says it. */
class QuickRefusalTest {
  private static final RoutingTableNames NAMES =
      RoutingTableNames.read(Path.of("/nowhere/rt_tables"));

  private static QuickConfiguration file(String lines) {
    String text =
        "[Interface]\nPrivateKey = AAIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eH2A=\n" + lines;
    return ConfigurationFile.parse("wg0.conf", text.getBytes(StandardCharsets.UTF_8));
  }

  private static QuickRequest request(String lines) {
    return QuickRequest.of("wg0", file(lines), Map.of(), NAMES);
  }

  @ParameterizedTest
  @CsvSource({"PreUp, 3", "PostUp, 3", "PreDown, 3", "PostDown, 3"})
  void hooks_need_permission(String key, int line) {
    QuickRequest request = request(key + " = rm -rf /tmp/secret");
    assertThatThrownBy(() -> Quick.check(request, new RecordedPrograms(), false))
        .hasMessage(
            "use wg0.conf:"
                + line
                + ": EPERM, "
                + key
                + " would run a command; read it, then allow it with --allow-hooks, or leave it"
                + " out");
    assertThatCode(() -> Quick.check(request, new RecordedPrograms(), true))
        .doesNotThrowAnyException();
  }

  @Test
  void dns_needs_resolvconf() {
    RecordedPrograms without = new RecordedPrograms().without("resolvconf");
    assertThatThrownBy(() -> Quick.check(request("DNS = 10.0.0.53"), without, true))
        .hasMessage(
            "set DNS of wg0: ENOENT, there is no program resolvconf; install openresolv, or leave"
                + " DNS out");
    assertThatThrownBy(() -> Quick.check(request("DNS = example.net"), without, true))
        .hasMessageContaining("resolvconf");
    assertThatCode(() -> Quick.check(request("DNS = 10.0.0.53"), new RecordedPrograms(), false))
        .doesNotThrowAnyException();
    assertThatCode(() -> Quick.check(request(""), without, false)).doesNotThrowAnyException();
    assertThat(without.runs()).isEmpty();
  }

  @Test
  void a_table_that_nobody_knows_is_refused_with_the_files_name() {
    assertThatThrownBy(() -> request("Table = nosuch"))
        .hasMessage(
            "configure wg0.conf: EINVAL, Table: nobody knows the table 'nosuch'; name it in"
                + " /etc/iproute2/rt_tables, or use its number");
  }

  @Test
  void allowed_ips_are_those_that_are_left() {
    QuickRequest request =
        request(
            """
            [Peer]
            PublicKey = ZLEBsdC+WocEvQePmJUAH8A+jp+VIvGI3RKNmEbUhGY=
            AllowedIPs = +10.0.0.0/24, +10.1.0.0/24, -10.0.0.0/24
            """);
    assertThat(request.allowedIps()).hasToString("[10.1.0.0/24]");
  }

  @Test
  void tables_have_the_names_of_the_file_and_the_kernels(@TempDir Path directory)
      throws IOException {
    Path file = directory.resolve("rt_tables");
    Files.writeString(
        file,
        """
        # comment
        255\tlocal
        100 blue # not green
        0x200 hex
        99999999999 large
        word
        0 unspec
        """);
    RoutingTableNames names = RoutingTableNames.read(file);
    assertThat(names.find("blue")).hasValue(100);
    assertThat(names.find("hex")).hasValue(512);
    assertThat(names.find("main")).hasValue(254);
    assertThat(names.find("77")).hasValue(77);
    assertThat(names.find("0x10")).hasValue(16);
    assertThat(names.find("4294967295")).hasValue(4294967295L);
    for (String none : List.of("large", "word", "unspec", "0", "4294967296", "-1", "", "green")) {
      assertThat(names.find(none)).as(none).isEmpty();
    }
  }
}
