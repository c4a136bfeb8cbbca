package io.vnet.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.epoch.Epoch;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** That every benchmark runs and which lines come out; the numbers are not looked at. */
class BenchmarksTest {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private int run(String... arguments) {
    return Benchmarks.run(
        new PrintStream(out, true, StandardCharsets.UTF_8),
        new PrintStream(err, true, StandardCharsets.UTF_8),
        arguments);
  }

  private String errors() {
    return err.toString(StandardCharsets.UTF_8);
  }

  private static List<String> epochNames() {
    boolean membarrier = Epoch.create().barrier() == Epoch.Barrier.MEMBARRIER;
    List<String> barriers =
        membarrier ? List.of("full_fence", "membarrier") : List.of("full_fence");
    List<String> ways = new ArrayList<>(barriers);
    List<String> others =
        List.of(
            "read_lock",
            "stamped_lock",
            "optimistic_validated_unprotected",
            "count_unless_zero",
            "count");
    ways.addAll(others);
    ways.add("unprotected");
    List<String> names = new ArrayList<>();
    for (String threads : List.of("1_thread", "2_threads")) {
      ways.forEach(way -> names.add("epoch_" + way + "_ns_per_section_" + threads));
      ways.forEach(way -> names.add("epoch_" + way + "_" + threads + "_bytes_per_op"));
      for (String way : barriers) {
        others.forEach(other -> names.add("epoch_" + way + "_over_" + other + "_ratio_" + threads));
      }
    }
    for (String readers : List.of("1_reader", "64_readers", "1024_readers")) {
      barriers.forEach(way -> names.add("epoch_" + way + "_ns_per_grace_period_" + readers));
    }
    for (String readers : List.of("0_readers", "1_reader", "2_readers", "8_readers")) {
      for (String rank : List.of("p50", "p99")) {
        names.add("grace_" + rank + "_us_" + readers);
        names.add("grace_call_" + rank + "_us_" + readers);
        names.add("grace_destroy_" + rank + "_us_" + readers);
      }
    }
    names.add("grace_batched_per_s_8_readers");
    names.add("grace_p99_us");
    if (membarrier) {
      names.add("epoch_enter_exit_net_of_unprotected_ns");
      names.add("epoch_enter_exit_ns");
    }
    return names;
  }

  private static List<String> lifecycleNames() {
    List<String> names = new ArrayList<>();
    for (String devices : List.of("1_device", "1000_devices")) {
      names.add("lifecycle_cycles_per_second_" + devices);
      names.add("lifecycle_cycle_" + devices + "_bytes_per_op");
      names.add("lifecycle_us_per_open_close_" + devices);
      names.add("lifecycle_forced_destroy_p50_us_" + devices);
      names.add("lifecycle_forced_destroy_p99_us_" + devices);
    }
    for (String way : List.of("device", "array_blocking_queue", "pipe")) {
      names.add("lifecycle_" + way + "_ns_per_packet");
      names.add("lifecycle_" + way + "_packet_bytes_per_op");
    }
    names.add("lifecycle_device_over_array_blocking_queue_ratio");
    names.add("lifecycle_device_over_pipe_ratio");
    names.addAll(
        List.of(
            "cycles_per_s",
            "blocking_cycles_per_s",
            "raced_destroy_p50_us",
            "raced_destroy_p99_us",
            "create_us_per_device",
            "bytes_per_device",
            "mebibytes_for_all_devices",
            "list_ms",
            "life_among_many_over_life_among_100_ratio",
            "terminate_us_per_device"));
    return names;
  }

  private static List<String> udpNames() {
    List<String> names = new ArrayList<>();
    for (String way : List.of("vnet", "netty")) {
      for (String which : List.of("", "_min", "_max")) {
        names.add("udp_" + way + "_gbit_per_s" + which);
      }
    }
    names.add("udp_netty_bytes_per_packet");
    names.add("udp_ratio");
    names.add("udp_bytes_per_packet");
    return names;
  }

  @Test
  void datagrams_cross_both_ways_and_the_last_lines_compare_them() {
    assertThat(run("udp", "--quick")).as(this::errors).isZero();

    List<String> lines = out.toString(StandardCharsets.UTF_8).lines().toList();
    assertThat(lines)
        .extracting(line -> line.replaceFirst("=[0-9]+\\.[0-9]{3}$", ""))
        .containsExactlyElementsOf(udpNames());
    assertThat(lines.get(lines.size() - 2)).startsWith("udp_ratio=");
    assertThat(lines.getLast()).startsWith("udp_bytes_per_packet=");
  }

  @Test
  void every_benchmark_runs_and_gives_its_figures() {
    assertThat(run("all", "--quick")).as(this::errors).isZero();

    List<String> lines = out.toString(StandardCharsets.UTF_8).lines().toList();
    List<String> expected = new ArrayList<>(epochNames());
    expected.addAll(lifecycleNames());
    expected.addAll(udpNames());
    assertThat(lines)
        .extracting(line -> line.replaceFirst("=-?[0-9]+\\.[0-9]{3}$", ""))
        .containsExactlyInAnyOrderElementsOf(expected);
  }

  @Test
  void wrong_arguments_are_answered_with_the_names() {
    assertThat(run("epoch", "lifecycle")).isEqualTo(2);
    assertThat(run("epochs")).isEqualTo(2);
    assertThat(run()).isEqualTo(2);

    assertThat(errors().lines())
        .hasSize(3)
        .allMatch(line -> line.contains("epoch, lifecycle, udp, all"));
    assertThat(out.size()).isZero();
  }

  @Test
  void the_launcher_knows_the_same_names() throws IOException, InterruptedException {
    Process launcher =
        new ProcessBuilder("bash", "run", "epochs").redirectErrorStream(true).start();
    String said = new String(launcher.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

    assertThat(launcher.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(launcher.exitValue()).isEqualTo(2);
    assertThat(said)
        .contains(
            "One of: "
                + String.join(" ", Benchmarks.suites().keySet())
                + " all relay io tunnel stress")
        .contains("no benchmark is called 'epochs'");
  }

  @Test
  void the_launcher_names_all_that_a_relay_needs_before_it_builds(@TempDir Path programs)
      throws IOException, InterruptedException {
    for (String program : List.of("dirname", "readlink", "id")) {
      Path file = programs.resolve(program);
      Files.writeString(file, "#!/bin/sh\nexec /usr/bin/" + program + " \"$@\"\n");
      assertThat(file.toFile().setExecutable(true)).isTrue();
    }
    ProcessBuilder builder = new ProcessBuilder("/bin/bash", "run", "relay", "--quick");
    builder.environment().put("PATH", programs.toString());
    Process launcher = builder.redirectErrorStream(true).start();
    String said = new String(launcher.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

    assertThat(launcher.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(launcher.exitValue()).isEqualTo(69);
    assertThat(said.lines())
        .contains(
            "benchmarks/run: relay needs iperf3 (install package iperf3)",
            "benchmarks/run: relay needs ip (install package iproute2)",
            "benchmarks/run: relay needs ping (install package iputils-ping)",
            "benchmarks/run: relay needs nsenter (install package util-linux)",
            "benchmarks/run: relay needs cc (install package build-essential)")
        .allMatch(line -> line.startsWith("benchmarks/run: relay needs "));
  }

  @Test
  void a_figure_is_one_line_and_its_name_a_word() {
    assertThat(new Figure("cycles_per_second", 12345.6789))
        .hasToString("cycles_per_second=12345.679");
    assertThat(new Figure("a_ns", 3).over(new Figure("b_ns", 4), "a_over_b"))
        .isEqualTo(new Figure("a_over_b", 0.75));
    assertThatThrownBy(() -> new Figure("two words", 1)).hasMessage("two words=1.0");
    assertThatThrownBy(() -> new Figure("nothing", Double.NaN)).hasMessage("nothing=NaN");
  }
}
