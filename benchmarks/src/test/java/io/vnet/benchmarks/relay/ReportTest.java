package io.vnet.benchmarks.relay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.vnet.benchmarks.Figure;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Medians, ratios and marks of made-up samples, and the section of the document. */
class ReportTest {
  private static final Comparison.Programs PROGRAMS =
      new Comparison.Programs(
          Path.of("relay"),
          List.of("java", "NettyTunRelay"),
          List.of("java", "PortRelay"),
          List.of("vnet"),
          Optional.empty());

  private static final Comparison ALL = Comparison.relay(PROGRAMS);

  /** What a variant has of every quantity in the first round. */
  private static final Map<String, Double> BASES =
      Map.of(
          Comparison.C_PLAIN, 2.0,
          Comparison.C_OFFLOAD, 16.0,
          Comparison.NETTY_TUN, 0.5,
          Comparison.VNET_PLAIN, 3.0,
          Comparison.VNET_OFFLOAD, 20.0);

  private static final List<Variant> VARIANTS =
      ALL.variants().stream().filter(variant -> BASES.containsKey(variant.name())).toList();

  private static final Circumstances WHERE =
      new Circumstances(
          "benchmarks/run relay",
          LocalDate.of(2026, 11, 30),
          "Linux 6.18",
          "some processor",
          2,
          "25",
          "iperf 3.12",
          42,
          3,
          true,
          new Course.Lengths(3, 1000));

  /** Three rounds in which every number is its base, a tenth less, and a tenth more. */
  private static Results results(double otherCores) {
    List<Sample> samples = new ArrayList<>();
    double[] factors = {1, 0.9, 1.1};
    for (int round = 1; round <= factors.length; round++) {
      for (Variant variant : VARIANTS) {
        Map<Quantity, Double> values = new EnumMap<>(Quantity.class);
        for (Quantity quantity : Quantity.values()) {
          if (quantity == Quantity.ALLOCATED && !variant.java()) {
            continue;
          }
          values.put(quantity, BASES.getOrDefault(variant.name(), Double.NaN) * factors[round - 1]);
        }
        boolean last = round == 3 && variant.name().equals(Comparison.VNET_PLAIN);
        samples.add(
            new Sample(
                round,
                variant.name(),
                Measure.TCP_1,
                last ? 3 : 1,
                new Reading(values, last ? otherCores : 0.05)));
      }
    }
    return new Results(
        new Comparison(
            ALL.name(),
            ALL.title(),
            ALL.yardstick(),
            ALL.yardsticks(),
            ALL.chartEnd(),
            VARIANTS,
            ALL.promised()),
        samples);
  }

  @Test
  void a_variant_says_what_is_started_and_what_it_is_compared_with() {
    assertThat(ALL.variants())
        .extracting(Variant::name, Variant::yardstick, Variant::command)
        .containsExactly(
            tuple("c_plain", "c_plain", List.of("relay", "tunA", "tunB")),
            tuple("c_offload", "c_offload", List.of("relay", "tunA", "tunB", "--offload")),
            tuple("netty_tun", "c_plain", List.of("java", "NettyTunRelay", "tunA", "tunB")),
            tuple("vnet_plain", "c_plain", List.of("vnet", "relay", "tunA", "tunB")),
            tuple(
                "vnet_epoll", "c_plain", List.of("vnet", "relay", "tunA", "tunB", "--io", "epoll")),
            tuple(
                "vnet_offload", "c_offload", List.of("vnet", "relay", "tunA", "tunB", "--offload")),
            tuple(
                "vnet_offload_epoll",
                "c_offload",
                List.of("vnet", "relay", "tunA", "tunB", "--offload", "--io", "epoll")));
  }

  @Test
  void the_ways_of_a_program_are_compared_with_c_of_their_kind() {
    Comparison io = Comparison.io(PROGRAMS);
    assertThat(io.variants())
        .extracting(Variant::name, Variant::yardstick)
        .containsExactly(
            tuple("c_plain", "c_plain"),
            tuple("c_offload", "c_offload"),
            tuple("batches_io_uring", "c_plain"),
            tuple("batches_epoll", "c_plain"),
            tuple("batches_offload", "c_offload"),
            tuple("packets_io_uring", "c_plain"),
            tuple("packets_epoll", "c_plain"),
            tuple("packets_offload", "c_offload"),
            tuple("direct_io_uring", "c_plain"),
            tuple("direct_epoll", "c_plain"),
            tuple("direct_offload", "c_offload"),
            tuple("batches_2_queues", "c_plain"),
            tuple("batches_offload_2_queues", "c_offload"),
            tuple("direct_2_queues", "c_plain"),
            tuple("direct_offload_2_queues", "c_offload"));
    assertThat(io.variants())
        .extracting(variant -> String.join(" ", variant.command()))
        .endsWith(
            "java PortRelay tunA tunB direct --offload",
            "vnet relay tunA tunB --io io_uring --queues 2",
            "vnet relay tunA tunB --offload --queues 2",
            "java PortRelay tunA tunB direct --io io_uring --queues 2",
            "java PortRelay tunA tunB direct --offload --queues 2");
    for (Comparison comparison : List.of(ALL, io)) {
      assertThat(comparison.promised())
          .allSatisfy(promise ->
              assertThat(comparison.variants())
                  .extracting(Variant::name)
                  .contains(promise.variant(), promise.over()));
    }
  }

  @Test
  void tunnels_are_compared_with_wireguard_go_and_its_newest_if_somebody_has_it() {
    Comparison tunnel = Comparison.tunnel(PROGRAMS);
    assertThat(tunnel.variants())
        .extracting(Variant::name, Variant::yardstick, Variant::command)
        .containsExactly(
            tuple(
                "wireguard_go",
                "wireguard_go",
                List.of("env", "LOG_LEVEL=verbose", "wireguard-go", "-f")),
            tuple("vnet", "wireguard_go", List.of("vnet", "tunnel")),
            tuple(
                "vnet_portable_crypto",
                "wireguard_go",
                List.of("vnet", "tunnel", "--crypto", "portable")),
            tuple("vnet_epoll", "wireguard_go", List.of("vnet", "tunnel", "--io", "epoll")),
            tuple("vnet_10000_peers", "wireguard_go", List.of("vnet", "tunnel")));
    assertThat(tunnel.promised())
        .extracting(Comparison.Promise::figure)
        .containsExactly("ratio_10000_peers", "ratio_wireguard_go");

    Comparison withNewest =
        Comparison.tunnel(
            new Comparison.Programs(
                Path.of(""), List.of(), List.of(), List.of("vnet"), Optional.of(Path.of("/new"))));
    assertThat(withNewest.variants().get(1).command())
        .containsExactly("env", "LOG_LEVEL=verbose", "/new", "-f");
    assertThat(withNewest.promised())
        .extracting(Comparison.Promise::figure)
        .containsExactly("ratio_10000_peers", "ratio_wireguard_go_newest", "ratio_wireguard_go");
  }

  @Test
  void some_variants_bring_their_yardsticks_and_no_promise_that_needs_others() {
    Comparison some = ALL.only(List.of(Comparison.VNET_OFFLOAD));
    assertThat(some.variants())
        .extracting(Variant::name)
        .containsExactly(Comparison.C_OFFLOAD, Comparison.VNET_OFFLOAD);
    assertThat(some.promised())
        .extracting(Comparison.Promise::figure)
        .containsExactly("ratio_offload");
    assertThat(ALL.only(List.of())).isEqualTo(ALL);
    assertThatThrownBy(() -> ALL.only(List.of(Comparison.VNET_PLAIN, "vnet_fast")))
        .hasMessageContaining("--only needs names of c_plain, c_offload");
  }

  @Test
  void figures_are_medians_and_their_ratios_and_end_with_the_promised_ones() {
    List<Figure> figures = results(0.3).figures();

    assertThat(figures)
        .contains(
            new Figure("relay_c_plain_tcp_1_stream_gbit_per_s", 2),
            new Figure("relay_vnet_offload_ping_p50_us", 20),
            new Figure("relay_vnet_offload_ping_p50_us_ratio", 1.25),
            new Figure("relay_netty_tun_resident_mebibytes_ratio", 0.25))
        .noneMatch(figure -> figure.name().matches("relay_c_.*_ratio"))
        .noneMatch(figure -> figure.name().matches("relay_.*_allocated_.*_ratio"))
        .contains(new Figure("relay_vnet_plain_allocated_bytes_per_segment", 3));
    assertThat(figures.subList(figures.size() - 5, figures.size()))
        .containsExactly(
            new Figure("relay_measurements", 15),
            new Figure("relay_disturbed_measurements", 1),
            new Figure("ratio_plain", 1.5),
            new Figure("ratio_offload", 1.25),
            new Figure("ratio_netty_tun", 40));
    assertThat(figures).extracting(Figure::name).doesNotHaveDuplicates();
  }

  @Test
  void the_section_has_medians_with_their_range_ratios_and_circumstances() {
    String section = new Report(results(0.05)).markdown(WHERE, "../docs/relay.svg");

    assertThat(section.lines())
        .startsWith("## relay", "", "`benchmarks/run relay`, 2026-11-30.")
        .contains(
            "Linux 6.18, some processor, 2 cores;",
            "JDK 25, iperf 3.12, MTU 1420.",
            "|  | C | C, offload | netty-tun | vnet | vnet, offload |",
            "| TCP, 1 stream, Gb/s | 2.00 (1.80 – 2.20) | 16.00 (14.40 – 17.60)"
                + " | 0.50 (0.45 – 0.55) | 3.00 (2.70 – 3.30) | 20.00 (18.00 – 22.00) |",
            "| over C | netty-tun | vnet | vnet, offload |",
            "| round trip, p50 | 0.25 | 1.50 | 1.25 |",
            "| allocated a segment, B | – | – | 0.50 (0.45 – 0.55) | 3.00 (2.70 – 3.30)"
                + " | 20.00 (18.00 – 22.00) |",
            "![Ratio to C by variant](../docs/relay.svg)");
    assertThat(section)
        .contains("3 rounds after one to warm up in random order (seed 42)")
        .contains("Other processes had 0.05 cores (0.05 – 0.05). Of 15 measurements 0 were");
  }

  @Test
  void what_was_disturbed_is_marked_where_it_counts() {
    Report report = new Report(results(0.3));

    assertThat(report.markdown(WHERE, "x").lines())
        .filteredOn(line -> line.startsWith("| TCP, 1 stream, Gb/s"))
        .singleElement()
        .asString()
        .contains("| 3.00 (2.70 – 3.30) \\* |")
        .contains("| 2.00 (1.80 – 2.20) |");
    assertThat(report.text()).contains("Of 15 measurements 1 were");
    assertThat(report.csv().lines())
        .hasSize(16)
        .contains("3,vnet_plain,TCP_1,3,0.300" + ",3.300".repeat(Quantity.values().length));
  }

  @Test
  void the_chart_has_a_bar_for_each_variant_that_is_compared() {
    BarChart chart = new Report(results(0.3)).chart();

    assertThat(chart.series()).containsExactly("netty-tun", "vnet", "vnet, offload");
    assertThat(chart.groups())
        .allSatisfy(group -> assertThat(group.values()).containsExactly(0.25, 1.5, 1.25))
        .extracting(BarChart.Group::label, BarChart.Group::note)
        .contains(
            tuple("TCP, 1 stream", "more is better"), tuple("round trip, p50", "less is better"));
  }

  @Test
  void only_its_own_section_of_the_document_is_replaced() {
    String section = "## relay\n\nnew\n";

    assertThat(Report.replaceSection("# Results\n\nwords\n", section))
        .isEqualTo("# Results\n\nwords\n\n## relay\n\nnew\n");
    assertThat(
            Report.replaceSection(
                "# Results\n\n## io\n\nio\n\n## relay\n\nold\n### deeper\n\n## last\n\nlast\n",
                section))
        .isEqualTo("# Results\n\n## io\n\nio\n\n## relay\n\nnew\n\n## last\n\nlast\n");
    assertThat(Report.replaceSection("## relay\nold $1", "## relay\n\n\\1 $2\n"))
        .isEqualTo("## relay\n\n\\1 $2\n");
  }
}
