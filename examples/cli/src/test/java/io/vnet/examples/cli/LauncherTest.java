package io.vnet.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The script {@code vnet}, in a tree that is built and with a JDK that says how it is called. */
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
