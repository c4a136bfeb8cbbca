package io.vnet.benchmarks.relay;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Results for people: tables for a terminal and for a document, the data of the chart. */
final class Report {
  /** A star is the beginning of emphasis in Markdown. */
  private static final String ESCAPED_STAR = "\\*";

  /** Ratios to the yardstick that a reader compares; memory of a JVM over that of C is no news. */
  private static final List<Quantity> DRAWN =
      List.of(Quantity.TCP_1, Quantity.TCP_8, Quantity.UDP_64, Quantity.PING_P50, Quantity.CPU);

  /** In a cell, where there is no such quantity. */
  private static final String NONE = "–";

  private final Results results;

  Report(Results results) {
    this.results = results;
  }

  /** Columns of equal width, for a terminal. */
  String text() {
    List<List<String>> rows = new ArrayList<>(medians("*"));
    rows.add(List.of(""));
    rows.addAll(ratios());
    int columns = rows.stream().mapToInt(List::size).max().orElse(0);
    int[] widths =
        IntStream.range(0, columns)
            .map(column ->
                rows.stream()
                    .filter(row -> column < row.size())
                    .mapToInt(row -> row.get(column).length())
                    .max()
                    .orElse(0))
            .toArray();
    StringBuilder text = new StringBuilder();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int column = 0; column < row.size(); column++) {
        String cell = row.get(column);
        String gap = " ".repeat(widths[column] - cell.length());
        line.append(column == 0 ? cell + gap : "  " + gap + cell);
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.append('\n').append(disturbance("*")).append('\n').toString();
  }

  /** The section of {@code RESULTS.md}. */
  String markdown(Circumstances where, String chart) {
    return String.join(
        "\n",
        "## " + results.comparison().name(),
        "",
        "`" + where.command() + "`, " + where.date() + ".",
        where.kernel() + ", " + where.processor() + ", " + where.cores() + " cores;",
        "JDK " + where.jdk() + ", " + where.tools() + ", MTU " + Road.MTU + ".",
        "",
        "All variants were alive at once, each in network namespaces of its own. "
            + where.rounds()
            + (where.rounds() == 1 ? " round" : " rounds")
            + (where.warmUp() ? " after one to warm up" : "")
            + " in random order (seed "
            + where.seed()
            + "), "
            + where.lengths().seconds()
            + " s a run of iperf3, "
            + where.lengths().pings()
            + " pings. "
            + disturbance(ESCAPED_STAR),
        "",
        "Median (min – max):",
        "",
        markdownTable(medians(ESCAPED_STAR)),
        "Ratio of the medians, to "
            + results.comparison().yardsticks()
            + ". Of round trips, CPU and memory less is better:",
        "",
        markdownTable(ratios()),
        "![Ratio to " + results.comparison().yardstick() + " by variant](" + chart + ")",
        "");
  }

  /** A document with this section instead of the one that it has, or at its end. */
  static String replaceSection(String document, String section) {
    String heading = section.lines().findFirst().orElseThrow();
    Matcher old =
        Pattern.compile("(?ms)^" + Pattern.quote(heading) + "\\n.*?(?=^## |\\z)").matcher(document);
    if (old.find()) {
      String rest = document.substring(old.end());
      return document.substring(0, old.start())
          + section.stripTrailing()
          + (rest.isEmpty() ? "\n" : "\n\n" + rest);
    }
    return document.stripTrailing() + "\n\n" + section;
  }

  /** The same ratios, drawn. */
  BarChart chart() {
    List<Variant> compared = compared();
    return new BarChart(
        results.comparison().title(),
        results.comparison().yardstick(),
        results.comparison().chartEnd(),
        compared.stream().map(Variant::title).toList(),
        DRAWN.stream()
            .map(quantity ->
                new BarChart.Group(
                    quantity.title(),
                    quantity.moreIsBetter() ? "more is better" : "less is better",
                    compared.stream()
                        .map(variant ->
                            results
                                .ratio(variant.name(), variant.yardstick(), quantity)
                                .orElseThrow())
                        .toList()))
            .toList());
  }

  private List<Variant> compared() {
    return results.variants().stream().filter(variant -> !variant.isYardstick()).toList();
  }

  private List<List<String>> medians(String mark) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(row("", results.variants().stream().map(Variant::title).toList()));
    for (Quantity quantity : Quantity.values()) {
      rows.add(
          row(
              quantity.title() + ", " + quantity.unit(),
              results.variants().stream().map(variant -> cell(variant, quantity, mark)).toList()));
    }
    return rows;
  }

  private String cell(Variant variant, Quantity quantity, String mark) {
    Optional<Summary> found = results.summary(variant.name(), quantity);
    if (found.isEmpty()) {
      return NONE;
    }
    Summary summary = found.get();
    String number = "%." + quantity.decimals() + "f";
    return String.format(
        Locale.ROOT,
        number + " (" + number + " – " + number + ")%s",
        summary.median(),
        summary.min(),
        summary.max(),
        results.disturbed(variant.name(), quantity) ? " " + mark : "");
  }

  private List<List<String>> ratios() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(
        row(
            "over " + results.comparison().yardstick(),
            compared().stream().map(Variant::title).toList()));
    for (Quantity quantity : Quantity.values()) {
      List<Optional<Double>> found =
          compared().stream()
              .map(variant -> results.ratio(variant.name(), variant.yardstick(), quantity))
              .toList();
      if (found.stream().anyMatch(Optional::isPresent)) {
        rows.add(
            row(
                quantity.title(),
                found.stream()
                    .map(ratio ->
                        ratio
                            .map(number -> String.format(Locale.ROOT, "%.2f", number))
                            .orElse(NONE))
                    .toList()));
      }
    }
    return rows;
  }

  private static List<String> row(String head, List<String> cells) {
    List<String> row = new ArrayList<>(List.of(head));
    row.addAll(cells);
    return row;
  }

  private String disturbance(String mark) {
    Summary others = results.otherCores();
    return String.format(
        Locale.ROOT,
        "Other processes had %.2f cores (%.2f – %.2f). Of %d measurements %d were disturbed: others"
            + " had more than %.2f of a core, in repeats too. They are in the cells marked %s.",
        others.median(),
        others.min(),
        others.max(),
        results.samples().size(),
        results.disturbed(),
        Reading.TOLERATED_CORES,
        mark);
  }

  private static String markdownTable(List<List<String>> rows) {
    StringBuilder table = new StringBuilder();
    for (int i = 0; i < rows.size(); i++) {
      table.append("| ").append(String.join(" | ", rows.get(i))).append(" |\n");
      if (i == 0) {
        table.append("|---".repeat(rows.get(i).size())).append("|\n");
      }
    }
    return table.toString();
  }

  /** Each measurement, for who wants to look closer. */
  String csv() {
    String head =
        "round,variant,measure,attempts,other_cores,"
            + Arrays.stream(Quantity.values()).map(Quantity::key).collect(Collectors.joining(","));
    return results.samples().stream()
        .map(sample ->
            String.format(
                Locale.ROOT,
                "%d,%s,%s,%d,%.3f,%s",
                sample.round(),
                sample.variant(),
                sample.measure(),
                sample.attempts(),
                sample.reading().otherCores(),
                Arrays.stream(Quantity.values())
                    .map(quantity -> sample.reading().value(quantity))
                    .map(value ->
                        value.map(number -> String.format(Locale.ROOT, "%.3f", number)).orElse(""))
                    .collect(Collectors.joining(","))))
        .collect(Collectors.joining("\n", head + "\n", "\n"));
  }
}
