package io.vnet.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The script {@code vnet}, in a tree that is built and with a JDK that says how it is called; and
 * {@code vnet-wireguard}.
 */
class LauncherTest {
  @TempDir private Path directory;

  @BeforeEach
  void layOut() throws IOException {
    for (String made :
        List.of(
            "vnet-api/src/main",
            "examples/vpn-tunnel/src/main",
            "examples/cli/src/main",
            "examples/cli/target",
            "jdk/bin")) {
      Files.createDirectories(directory.resolve(made));
    }
    for (String empty :
        List.of(
            "pom.xml",
            "vnet-api/pom.xml",
            "examples/pom.xml",
            "examples/vpn-tunnel/pom.xml",
            "examples/cli/pom.xml",
            "examples/cli/target/vnet-cli.jar",
            "examples/cli/target/launcher.stamp")) {
      Files.createFile(directory.resolve(empty));
    }
    Files.writeString(directory.resolve("jdk/release"), "JAVA_VERSION=\"25.0.1\"\n");
    for (String program : List.of("java", "javac")) {
      Path script =
          Files.writeString(
              directory.resolve("jdk/bin").resolve(program), "#!/bin/sh\nprintf '%s\\n' \"$@\"\n");
      assertThat(script.toFile().setExecutable(true)).isTrue();
    }
    Files.copy(Path.of("..", "..", "vnet"), directory.resolve("vnet"));
    assertThat(directory.resolve("vnet").toFile().setExecutable(true)).isTrue();
  }

  @Test
  void who_gives_up_before_it_is_ready_leaves_no_daemon() throws Exception {
    Path pid = directory.resolve("pid");
    Path script = Files.copy(Path.of("..", "..", "vnet-wireguard"), directory.resolve("starter"));
    Files.writeString(
        directory.resolve("vnet"),
        "#!/bin/sh\numask > %1$s.umask\necho $$ > %1$s.new\nmv %1$s.new %1$s\nexec sleep 600\n"
            .formatted(pid));
    assertThat(script.toFile().setExecutable(true)).isTrue();
    ProcessBuilder builder = new ProcessBuilder(script.toString(), "wg0").redirectErrorStream(true);
    builder.environment().put("VNET_LOG_DIR", directory.resolve("log").toString());
    Process starter = builder.start();
    await().until(() -> Files.exists(pid) || !starter.isAlive());
    ProcessHandle daemon =
        ProcessHandle.of(Long.parseLong(Files.readString(pid).strip())).orElseThrow();
    assertThat(daemon.isAlive()).isTrue();
    starter.destroy();
    assertThat(starter.waitFor()).isEqualTo(143);
    assertThat(daemon.isAlive()).isFalse();
    assertThat(Files.readString(directory.resolve("pid.umask"))).doesNotContain("077");
    assertThat(Files.getPosixFilePermissions(directory.resolve("log/wg0.log")))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
  }

  private Outcome launch(String... arguments) {
    List<String> command =
        new ArrayList<>(
            List.of(
                "env",
                "JAVA_HOME=" + directory.resolve("jdk"),
                directory.resolve("vnet").toString()));
    command.addAll(List.of(arguments));
    return Child.run(command);
  }

  @Test
  void names_have_their_addresses_in_the_systems_order() {
    Outcome outcome = launch("tunnel", "wg0");
    assertThat(outcome.exitCode()).as(outcome.toString()).isZero();
    assertThat(outcome.err()).isEmpty();
    // An option of the virtual machine, so before the class.
    assertThat(outcome.outLines())
        .containsSubsequence(
            "-Djava.net.preferIPv6Addresses=system", VnetCommand.class.getName(), "tunnel", "wg0");
  }
}
