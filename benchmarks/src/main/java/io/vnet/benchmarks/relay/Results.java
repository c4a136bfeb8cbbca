package io.vnet.benchmarks.relay;

import io.vnet.benchmarks.Figure;
import java.util.ArrayList;
import java.util.List;

/** What all samples of a run say together. */
final class Results {
  private final List<Variant> variants;
  private final List<Sample> samples;

  /** Needs at least one sample of each measure for each variant. */
  Results(List<Variant> variants, List<Sample> samples) {
    this.variants = List.copyOf(variants);
    this.samples = List.copyOf(samples);
  }

  List<Variant> variants() {
    return variants;
  }

  List<Sample> samples() {
    return samples;
  }

  private List<Sample> samples(String variant, Quantity quantity) {
    return samples.stream()
        .filter(sample -> sample.variant().equals(variant))
        .filter(sample -> sample.reading().value(quantity).isPresent())
        .toList();
  }

  /** Over the rounds. */
  Summary summary(String variant, Quantity quantity) {
    return Summary.of(
        samples(variant, quantity).stream()
            .flatMap(sample -> sample.reading().value(quantity).stream())
            .toList());
  }

  /** Whether others disturbed a measurement that is in the summary. */
  boolean disturbed(String variant, Quantity quantity) {
    return samples(variant, quantity).stream().anyMatch(sample -> sample.reading().disturbed());
  }

  /** How many measurements were disturbed. */
  long disturbed() {
    return samples.stream().filter(sample -> sample.reading().disturbed()).count();
  }

  /** What others had of the cores, over the measurements. */
  Summary otherCores() {
    return Summary.of(samples.stream().map(sample -> sample.reading().otherCores()).toList());
  }

  /** The median over that of another variant in the same rounds. */
  double ratio(String variant, String other, Quantity quantity) {
    return summary(variant, quantity).median() / summary(other, quantity).median();
  }

  /** Medians, ratios to the yardsticks, and at the end those that were promised. */
  List<Figure> figures() {
    List<Figure> figures = new ArrayList<>();
    for (Variant variant : variants) {
      for (Quantity quantity : Quantity.values()) {
        figures.add(
            new Figure(
                "relay_" + variant.name() + "_" + quantity.key(),
                summary(variant.name(), quantity).median()));
      }
    }
    for (Variant variant : variants) {
      if (!variant.isYardstick()) {
        for (Quantity quantity : Quantity.values()) {
          figures.add(
              new Figure(
                  "relay_" + variant.name() + "_" + quantity.key() + "_ratio",
                  ratio(variant.name(), variant.yardstick(), quantity)));
        }
      }
    }
    figures.add(new Figure("relay_measurements", samples.size()));
    figures.add(new Figure("relay_disturbed_measurements", disturbed()));
    figures.add(
        new Figure("ratio_plain", ratio(Variant.VNET_PLAIN, Variant.C_PLAIN, Quantity.TCP_1)));
    figures.add(
        new Figure(
            "ratio_offload", ratio(Variant.VNET_OFFLOAD, Variant.C_OFFLOAD, Quantity.TCP_1)));
    figures.add(
        new Figure(
            "ratio_netty_tun", ratio(Variant.VNET_OFFLOAD, Variant.NETTY_TUN, Quantity.TCP_1)));
    return figures;
  }
}
