package io.vnet.tunnel.quick;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Programs are found, fed and their exit codes told; variables are read and set. */
class HostSeamsTest {
  @TempDir private Path directory;

  private Path script(String name, String body) throws IOException {
    Path script = Files.writeString(directory.resolve(name), "#!/bin/sh\n" + body);
    return Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
  }

  @Test
  void a_program_is_found_in_the_path_and_where_administrators_have_theirs() throws IOException {
    Path script = script("vnet-test-program", "");
    Files.createFile(directory.resolve("vnet-test-text"));
    HostPrograms programs = new HostPrograms("relative::" + directory);
    assertThat(programs.find("vnet-test-program")).contains(script);
    assertThat(programs.find("vnet-test-text")).isEmpty();
    assertThat(programs.find("vnet-test-none")).isEmpty();
    assertThat(new HostPrograms("").find("sh")).isEmpty();
  }

  @Test
  void a_program_gets_its_arguments_and_input_and_its_exit_code_is_told() throws IOException {
    Path out = directory.resolve("out");
    Path script = script("feed", "echo \"$1|$2\" > \"$3\"; cat >> \"$3\"; exit 7\n");
    HostPrograms programs = new HostPrograms("");
    int code =
        programs.run(
            List.of(script.toString(), "a b", "$c", out.toString()), "line one\nline two\n");
    assertThat(code).isEqualTo(7);
    assertThat(Files.readString(out)).isEqualTo("a b|$c\nline one\nline two\n");
  }

  @Test
  void a_program_need_not_read_its_input() {
    HostPrograms programs = new HostPrograms("");
    assertThat(programs.run(List.of("true"), "x".repeat(1 << 20))).isZero();
    assertThat(programs.run(List.of("/nowhere/program"), "")).isEqualTo(127);
  }

  @Test
  void a_variable_is_read_without_its_line_end_and_set() throws IOException {
    Files.createDirectories(directory.resolve("net/ipv4"));
    Files.writeString(directory.resolve("net/ipv4/some"), "1\n");
    Sysctl sysctl = new ProcSysctl(directory);
    assertThat(sysctl.get("net/ipv4/some")).contains("1");
    sysctl.set("net/ipv4/some", "2");
    assertThat(sysctl.get("net/ipv4/some")).contains("2");
    assertThat(sysctl.get("net/ipv4/none")).isEmpty();
    assertThatThrownBy(() -> sysctl.set("net/none/some", "2"))
        .hasMessageStartingWith("set sysctl net.none.some: EACCES, ")
        .hasMessageEndingWith("run as root where /proc/sys can be written, or set it before");
  }
}
