package io.vnet.benchmarks.relay;

import java.util.Formatter;
import java.util.List;
import java.util.Locale;

/**
 * Ratios as horizontal bars in groups, with a line at 1, as a picture (SVG) that reads well on
 * light and on dark ground.
 *
 * @param title over the picture
 * @param unit what a bar of length 1 stands for
 * @param endMax bars beyond end there; the number beside them is the true one
 * @param series the names of the bars of each group, in order; at most as many as there are colours
 * @param groups from top to bottom
 */
record BarChart(String title, String unit, double endMax, List<String> series, List<Group> groups) {
  /** Colours in the middle between black and white, which colour-blind people tell apart. */
  private static final List<String> COLOURS =
      List.of(
          "#c2703d", "#3f8fc9", "#2f9e77", "#9a6fb8", "#b08a1f", "#c25b86", "#7a828c", "#4fa3a5",
          "#8a6248", "#6f7fd1", "#7d9440", "#b5524f", "#5b8a72");

  private static final int WIDTH = 760;
  private static final int LEFT = 190;
  private static final int RIGHT = 60;
  private static final int HEAD = 76;
  private static final int BAR = 16;
  private static final int GAP = 18;
  private static final int FOOT = 34;

  /** An axis that is longer has a line at each whole number only. */
  private static final double SHORT = 4;

  private static final double TICK = 0.5;

  /** Refuses what cannot be drawn. */
  BarChart {
    series = List.copyOf(series);
    groups = List.copyOf(groups);
    if (series.isEmpty() || series.size() > COLOURS.size() || groups.isEmpty()) {
      throw new IllegalArgumentException(series.size() + " series, " + groups.size() + " groups");
    }
    for (Group group : groups) {
      if (group.values().size() != series.size()) {
        throw new IllegalArgumentException(group + " has not a value for each of " + series);
      }
    }
  }

  /**
   * Bars that belong together.
   *
   * @param label beside them
   * @param note below the label
   * @param values one for each series, none negative
   */
  record Group(String label, String note, List<Double> values) {
    /** Refuses what has no length. */
    Group {
      values = List.copyOf(values);
      if (values.stream().anyMatch(value -> !(value >= 0) || value.isInfinite())) {
        throw new IllegalArgumentException(label + ": " + values);
      }
    }
  }

  /** The picture. */
  String svg() {
    int groupHeight = series.size() * BAR + GAP;
    int bottom = HEAD + groups.size() * groupHeight;
    int height = bottom + FOOT;
    Formatter svg = new Formatter(Locale.ROOT);
    svg.format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\"", WIDTH, height);
    svg.format(" font-family=\"system-ui, sans-serif\" font-size=\"13\" role=\"img\">\n");
    svg.format("<title>%s</title>\n", escaped(title));
    svg.format("<style>text { fill: #24292f } .quiet { fill: #57606a } line { stroke: #8c959f }\n");
    svg.format("@media (prefers-color-scheme: dark) { text { fill: #e6edf3 }");
    svg.format(" .quiet { fill: #9da7b3 } line { stroke: #6e7681 } }</style>\n");
    svg.format("<text x=\"16\" y=\"26\" font-size=\"16\">%s</text>\n", escaped(title));
    legend(svg);
    axis(svg, bottom);
    for (int i = 0; i < groups.size(); i++) {
      group(svg, groups.get(i), HEAD + i * groupHeight);
    }
    return svg.format("</svg>\n").toString();
  }

  private void legend(Formatter svg) {
    int x = 16;
    for (int i = 0; i < series.size(); i++) {
      String name = series.get(i);
      svg.format(
          "<rect x=\"%d\" y=\"42\" width=\"12\" height=\"12\" fill=\"%s\"/>\n", x, COLOURS.get(i));
      svg.format("<text x=\"%d\" y=\"53\">%s</text>\n", x + 18, escaped(name));
      x += 18 + 8 * name.length() + 24;
    }
  }

  private void axis(Formatter svg, int bottom) {
    for (double at = 0; at <= end(); at += tick()) {
      double x = x(at);
      svg.format(
          "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke-width=\"%s\"/>\n",
          x, HEAD - 8, x, bottom, at == 1 ? "2" : "0.5");
      svg.format(
          "<text class=\"quiet\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
          x, bottom + 18, at == 1 ? "1 = " + escaped(unit) : number(at, 1));
    }
  }

  private void group(Formatter svg, Group group, int top) {
    int middle = top + series.size() * BAR / 2;
    svg.format(
        "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n",
        LEFT - 12, middle - 2, escaped(group.label()));
    svg.format(
        "<text class=\"quiet\" x=\"%d\" y=\"%d\" font-size=\"11\" text-anchor=\"end\">%s</text>\n",
        LEFT - 12, middle + 13, escaped(group.note()));
    for (int i = 0; i < group.values().size(); i++) {
      double value = group.values().get(i);
      double shown = Math.min(value, end());
      int y = top + i * BAR;
      svg.format(
          "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n",
          LEFT, y + 1, x(shown) - LEFT, BAR - 2, COLOURS.get(i));
      svg.format(
          "<text x=\"%.1f\" y=\"%d\" font-size=\"12\">%s%s</text>\n",
          x(shown) + 5, y + 12, number(value, 2), value > shown ? " →" : "");
    }
  }

  /** The greatest value, up to the next tick, but not beyond where the small bars vanish. */
  private double end() {
    double greatest =
        groups.stream()
            .flatMap(group -> group.values().stream())
            .mapToDouble(Double::doubleValue)
            .max()
            .orElse(1);
    return Math.min(endMax, Math.max(1, Math.ceil(greatest / TICK) * TICK));
  }

  private double tick() {
    return end() > SHORT ? 1 : TICK;
  }

  private double x(double value) {
    return LEFT + value / end() * (WIDTH - LEFT - RIGHT);
  }

  private static String number(double value, int decimals) {
    return String.format(Locale.ROOT, "%." + decimals + "f", value);
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }
}
