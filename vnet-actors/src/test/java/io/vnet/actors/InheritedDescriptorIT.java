package io.vnet.actors;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.ChildJvm;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * A program that is not vnet's opens an interface and starts a JVM that has nothing but the
 * descriptor: no capability, and the environment of sd_listen_fds(3). Needs a C compiler.
 */
@ExtendWith(NetworkNamespaces.class)
class InheritedDescriptorIT {
  private static final int GUARD_SECONDS = 60;
  private static final int PINGS = 20;
  private static final String INTERFACE = "wan0";
  private static final String NAME = "wan";
  private static final String MTU = "1420";

  @TempDir private Path directory;

  private String compiled() {
    Path program = directory.resolve("handover");
    Path source = Path.of("src", "test", "resources", "handover.c");
    Program compiler =
        Program.run(List.of("cc", "-Wall", "-Werror", "-o", program.toString(), source.toString()));
    assertThat(compiler.exitCode()).as(compiler.output()).isZero();
    return program.toString();
  }

  private static @Nullable String line(BufferedReader output) {
    return CompletableFuture.supplyAsync(
            () -> {
              try {
                return output.readLine();
              } catch (IOException e) {
                return e.toString();
              }
            },
            task -> Thread.ofPlatform().daemon().start(task))
        .orTimeout(GUARD_SECONDS, TimeUnit.SECONDS)
        .join();
  }

  @Test
  void packets_flow_through_a_descriptor_that_another_program_opened(NetworkNamespace namespace)
      throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(
                "nsenter",
                "--net=" + namespace.path(),
                "--",
                compiled(),
                INTERFACE,
                MTU,
                NAME,
                "setpriv",
                "--bounding-set=-all",
                "--inh-caps=-all"));
    command.addAll(
        ChildJvm.command(
            List.of("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"),
            AdoptingProcess.class,
            NAME,
            MTU));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    try (BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
      assertThat(line(output)).isEqualTo("adopted " + INTERFACE);
      Program.outputIn(namespace, "ip", "address", "add", "10.77.0.1/24", "dev", INTERFACE);

      Program.ping(namespace, "10.77.0.2", PINGS, "0.002");

      process.outputWriter().close();
      assertThat(line(output)).startsWith("answered ");
      assertThat(process.waitFor(GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isZero();
      assertThat(Program.outputIn(namespace, "ip", "-o", "link")).doesNotContain(INTERFACE);
    } finally {
      process.destroyForcibly();
    }
  }
}
