package io.vnet.benchmarks.relay;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.List;
import java.util.Objects;

/**
 * Where and how a run was made.
 *
 * @param command that runs it again
 * @param seed of the order
 * @param rounds that count
 * @param warmUp whether one came before that does not
 * @param lengths of the measurements
 * @param tools versions of what takes part
 */
record Circumstances(
    String command,
    LocalDate date,
    String kernel,
    String processor,
    int cores,
    String jdk,
    String tools,
    long seed,
    int rounds,
    boolean warmUp,
    Course.Lengths lengths) {

  /** Of this machine, today. */
  static Circumstances here(
      String command,
      long seed,
      int rounds,
      boolean warmUp,
      Course.Lengths lengths,
      Processes processes)
      throws IOException, InterruptedException {
    String processor =
        Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
            .filter(line -> line.startsWith("model name"))
            .map(line -> line.replaceFirst(".*?: *", ""))
            .findFirst()
            .orElse(property("os.arch"));
    String iperf3 =
        processes
            .run(Duration.ofSeconds(10), List.of("iperf3", "--version"))
            .lines()
            .toList()
            .getFirst();
    return new Circumstances(
        command,
        LocalDate.now(ZoneId.systemDefault()),
        property("os.name") + " " + property("os.version"),
        processor,
        Runtime.getRuntime().availableProcessors(),
        property("java.vm.vendor") + " " + property("java.runtime.version"),
        iperf3,
        seed,
        rounds,
        warmUp,
        lengths);
  }

  /** A property that every virtual machine has. */
  static String property(String name) {
    return Objects.requireNonNull(System.getProperty(name), name);
  }
}
