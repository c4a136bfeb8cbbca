package io.vnet.benchmarks.relay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.StringReader;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;

/** The picture is well-formed XML, and its bars are as long as the numbers say. */
class BarChartTest {
  private static final double BAR_HEIGHT = 14;

  private static BarChart.Group group(String label, Double... values) {
    return new BarChart.Group(label, "more is better", List.of(values));
  }

  private static Document parsed(BarChart chart)
      throws ParserConfigurationException, SAXException, IOException {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new InputSource(new StringReader(chart.svg())));
  }

  private static List<Element> elements(Document svg, String name) {
    NodeList nodes = svg.getElementsByTagName(name);
    return IntStream.range(0, nodes.getLength())
        .mapToObj(i -> (Element) Objects.requireNonNull(nodes.item(i)))
        .toList();
  }

  private static double number(Element element, String attribute) {
    return Double.parseDouble(element.getAttribute(attribute));
  }

  /** Lengths of the bars, without the squares of the legend. */
  private static List<Double> bars(Document svg) {
    return elements(svg, "rect").stream()
        .filter(rect -> number(rect, "height") == BAR_HEIGHT)
        .map(rect -> number(rect, "width"))
        .toList();
  }

  private static String text(Element element) {
    return Objects.requireNonNull(element.getTextContent());
  }

  private static List<String> texts(Document svg) {
    return elements(svg, "text").stream().map(BarChartTest::text).toList();
  }

  @Test
  void bars_are_proportional_and_end_at_the_line_of_1_for_1()
      throws ParserConfigurationException, SAXException, IOException {
    Document svg =
        parsed(
            new BarChart(
                "ratios",
                "C",
                3,
                List.of("x", "y"),
                List.of(group("up", 0.5, 1.0), group("down", 0.0, 1.25))));

    List<Double> bars = bars(svg);
    assertThat(bars).hasSize(4);
    double one = bars.get(1);
    assertThat(bars.get(0)).isEqualTo(one / 2, within(0.1));
    assertThat(bars.get(2)).isZero();
    assertThat(bars.get(3)).isEqualTo(one * 1.25, within(0.1));
    Element reference =
        elements(svg, "line").stream()
            .filter(line -> line.getAttribute("stroke-width").equals("2"))
            .findFirst()
            .orElseThrow();
    double left =
        elements(svg, "rect").stream()
            .filter(rect -> number(rect, "height") == BAR_HEIGHT)
            .mapToDouble(rect -> number(rect, "x"))
            .findFirst()
            .orElseThrow();
    assertThat(number(reference, "x1")).isEqualTo(left + one, within(0.1));
    assertThat(texts(svg))
        .contains("ratios", "x", "y", "up", "down", "more is better", "1 = C")
        .contains("0.50", "1.00", "0.00", "1.25");
  }

  @Test
  void a_bar_that_is_too_long_ends_at_the_end_and_says_so()
      throws ParserConfigurationException, SAXException, IOException {
    Document svg =
        parsed(new BarChart("ratios", "C", 3, List.of("x", "y"), List.of(group("up", 40.0, 3.0))));

    assertThat(bars(svg).get(0)).isEqualTo(bars(svg).get(1));
    assertThat(texts(svg)).contains("40.00 →", "3.00");
    double width =
        Double.parseDouble(svg.getDocumentElement().getAttribute("viewBox").split(" ", -1)[2]);
    assertThat(elements(svg, "rect"))
        .allMatch(rect -> number(rect, "x") + number(rect, "width") < width);
  }

  @Test
  void text_is_escaped_and_has_a_colour_for_light_and_for_dark()
      throws ParserConfigurationException, SAXException, IOException {
    Document svg =
        parsed(new BarChart("a < b & c", "C", 3, List.of("<x>"), List.of(group("&up", 1.0))));

    assertThat(texts(svg)).contains("a < b & c", "<x>", "&up");
    assertThat(elements(svg, "style"))
        .singleElement()
        .extracting(BarChartTest::text)
        .asString()
        .contains("text { fill:", "prefers-color-scheme: dark");
  }

  @Test
  void what_cannot_be_drawn_is_refused() {
    assertThatThrownBy(() -> group("up", -1.0)).hasMessage("up: [-1.0]");
    assertThatThrownBy(() -> group("up", Double.NaN)).hasMessage("up: [NaN]");
    assertThatThrownBy(() -> group("up", Double.POSITIVE_INFINITY)).hasMessage("up: [Infinity]");
    assertThatThrownBy(
            () -> new BarChart("t", "C", 3, List.of("x", "y"), List.of(group("up", 1.0))))
        .hasMessageContaining("has not a value for each of [x, y]");
    assertThatThrownBy(() -> new BarChart("t", "C", 3, List.of(), List.of(group("up"))))
        .hasMessage("0 series, 1 groups");
  }
}
