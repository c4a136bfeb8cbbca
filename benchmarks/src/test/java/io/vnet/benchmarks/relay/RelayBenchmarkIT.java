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
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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

  private int run(String name, List<String> vnet, String... arguments) throws InterruptedException {
    return new RelayBenchmark(
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            false,
            benchmarks,
            name,
            vnet)
        .run(List.of(arguments));
  }

  private String errors() {
    return err.toString(StandardCharsets.UTF_8);
  }

  private static List<ProcessHandle> children() {
    return ProcessHandle.current().children().toList();
  }

  @ParameterizedTest
  @CsvSource({
    "relay, 'netty_tun,vnet_offload'",
    "io, 'packets_offload'",
    "io, 'direct_2_queues'",
    "tunnel, 'vnet,vnet_10000_peers'"
  })
  void variants_are_measured_and_end(String name, String only)
      throws IOException, InterruptedException {
    List<ProcessHandle> before = children();

    assertThat(run(name, VNET, "--quick", "--seed", "5", "--only", only)).as(this::errors).isZero();

    Comparison.Programs programs =
        new Comparison.Programs(Path.of("c"), List.of(), List.of(), List.of(), Optional.empty());
    Comparison comparison =
        switch (name) {
          case "io" -> Comparison.io(programs);
          case "tunnel" -> Comparison.tunnel(programs);
          default -> Comparison.relay(programs);
        };
    comparison = comparison.only(List.of(only.split(",", -1)));
    List<String> expected = new ArrayList<>();
    if (name.equals("tunnel")) {
      expected.addAll(List.of("flood_messages_per_s", "flooded_gbit_per_s", "flood_ratio"));
    }
    for (Variant variant : comparison.variants()) {
      for (Quantity quantity : Quantity.values()) {
        if (quantity != Quantity.ALLOCATED || variant.java()) {
          expected.add(name + "_" + variant.name() + "_" + quantity.key());
        }
      }
    }
    for (Variant variant : comparison.variants()) {
      for (Quantity quantity : Quantity.values()) {
        if (quantity != Quantity.ALLOCATED && !variant.isYardstick()) {
          expected.add(name + "_" + variant.name() + "_" + quantity.key() + "_ratio");
        }
      }
    }
    expected.addAll(List.of(name + "_measurements", name + "_disturbed_measurements"));
    comparison.promised().forEach(promise -> expected.add(promise.figure()));
    if (name.equals("tunnel")) {
      expected.addAll(List.of("gbps", "handshakes_per_s"));
    }
    List<String> lines = out.toString(StandardCharsets.UTF_8).lines().toList();
    assertThat(lines)
        .extracting(line -> line.replaceFirst("=-?[0-9]+\\.[0-9]{3}$", ""))
        .containsExactlyElementsOf(expected);
    int measurements = comparison.variants().size() * Measure.values().length;
    assertThat(lines)
        .contains(name + "_measurements=" + measurements + ".000")
        .filteredOn(line -> line.matches(name + "_.*(gbit_per_s|packets_per_s|_us|mebibytes)=.*"))
        .hasSize(comparison.variants().size() * 10)
        .noneMatch(line -> line.endsWith("=0.000"));
    assertThat(errors()).contains(name + ": order by seed 5").doesNotContain("\u001b");

    Path work = benchmarks.resolve("target").resolve(name);
    assertThat(work.resolve("RESULTS.md")).content().contains("## " + name, "seed 5");
    assertThat(work.resolve(name + ".svg")).content().startsWith("<svg").endsWith("</svg>\n");
    assertThat(work.resolve("samples.csv")).content().hasLineCount(measurements + 1);
    assertThat(benchmarks.resolve("RESULTS.md")).doesNotExist();
    assertThat(children()).isEqualTo(before);
  }

  @Test
  void a_relay_that_fails_ends_the_others_and_is_named() throws InterruptedException {
    List<ProcessHandle> before = children();

    assertThat(run("relay", List.of("sh", "-c", "echo it broke >&2; exit 3"), "--quick"))
        .isEqualTo(1);

    assertThat(errors()).contains("benchmarks/run: vnet: ended, or did not", "it broke");
    assertThat(out.size()).isZero();
    assertThat(children()).isEqualTo(before);
  }
}
