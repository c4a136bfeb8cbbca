package io.vnet.benchmarks.relay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.vnet.io.testkit.NetworkNamespaces;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** All relays run, are measured and are gone afterwards; the numbers are not looked at. */
class RelayBenchmarkIT {
  private static final List<String> VNET =
      List.of(
          Path.of(Circumstances.property("java.home"), "bin", "java").toString(),
          "--enable-native-access=ALL-UNNAMED",
          "--sun-misc-unsafe-memory-access=allow",
          "-cp",
          Circumstances.property("java.class.path"),
          "io.vnet.examples.cli.VnetCommand");

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @TempDir private Path tree;

  private Path benchmarks = Path.of("");

  @BeforeEach
  void copy_what_is_compiled() throws IOException {
    assumeThat(NetworkNamespaces.obstacle()).isEmpty();
    benchmarks = tree.resolve("benchmarks");
    Files.createDirectories(benchmarks.resolve("relay"));
    Files.copy(Path.of("relay", "relay.c"), benchmarks.resolve("relay").resolve("relay.c"));
  }

  private int run(List<String> vnet, String... arguments) throws InterruptedException {
    return new RelayBenchmark(
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            false,
            benchmarks,
            vnet)
        .run(List.of(arguments));
  }

  private String errors() {
    return err.toString(StandardCharsets.UTF_8);
  }

  private static List<ProcessHandle> children() {
    return ProcessHandle.current().children().toList();
  }

  @Test
  void all_variants_are_measured_and_end() throws IOException, InterruptedException {
    List<ProcessHandle> before = children();

    assertThat(run(VNET, "--quick", "--seed", "5")).as(this::errors).isZero();

    List<String> expected = new ArrayList<>();
    List<String> quantities = Arrays.stream(Quantity.values()).map(Quantity::key).toList();
    for (String variant :
        List.of(
            "c_plain",
            "c_offload",
            "netty_tun",
            "vnet_plain",
            "vnet_epoll",
            "vnet_offload",
            "vnet_offload_io_uring")) {
      quantities.forEach(quantity -> expected.add("relay_" + variant + "_" + quantity));
    }
    for (String variant :
        List.of("netty_tun", "vnet_plain", "vnet_epoll", "vnet_offload", "vnet_offload_io_uring")) {
      quantities.forEach(quantity -> expected.add("relay_" + variant + "_" + quantity + "_ratio"));
    }
    expected.addAll(
        List.of(
            "relay_measurements",
            "relay_disturbed_measurements",
            "ratio_plain",
            "ratio_offload",
            "ratio_netty_tun"));
    List<String> lines = out.toString(StandardCharsets.UTF_8).lines().toList();
    assertThat(lines)
        .extracting(line -> line.replaceFirst("=[0-9]+\\.[0-9]{3}$", ""))
        .containsExactlyElementsOf(expected);
    assertThat(lines)
        .contains("relay_measurements=28.000")
        .filteredOn(line -> line.matches(".*(gbit_per_s|packets_per_s|_us|mebibytes)=.*"))
        .hasSize(42)
        .noneMatch(line -> line.endsWith("=0.000"));
    assertThat(errors()).contains("relay: order by seed 5").doesNotContain("\u001b");

    Path work = benchmarks.resolve("target").resolve("relay");
    assertThat(work.resolve("RESULTS.md")).content().contains("## relay", "seed 5");
    assertThat(work.resolve("relay.svg")).content().startsWith("<svg").endsWith("</svg>\n");
    assertThat(work.resolve("samples.csv")).content().hasLineCount(29);
    assertThat(benchmarks.resolve("RESULTS.md")).doesNotExist();
    assertThat(children()).isEqualTo(before);
  }

  @Test
  void a_relay_that_fails_ends_the_others_and_is_named() throws InterruptedException {
    List<ProcessHandle> before = children();

    assertThat(run(List.of("sh", "-c", "echo it broke >&2; exit 3"), "--quick")).isEqualTo(1);

    assertThat(errors()).contains("benchmarks/run: vnet: ended, or did not", "it broke");
    assertThat(out.size()).isZero();
    assertThat(children()).isEqualTo(before);
  }
}
