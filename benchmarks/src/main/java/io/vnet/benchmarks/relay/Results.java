package io.vnet.benchmarks.relay;

import io.vnet.benchmarks.Figure;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What all samples of a run say together. */
final class Results {
  private final Comparison comparison;
  private final List<Sample> samples;

  /** Needs at least one sample of each measure for each variant. */
  Results(Comparison comparison, List<Sample> samples) {
    this.comparison = comparison;
    this.samples = List.copyOf(samples);
  }

  Comparison comparison() {
    return comparison;
  }

  List<Variant> variants() {
    return comparison.variants();
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

  /** Over the rounds; empty if the variant has no such quantity. */
  Optional<Summary> summary(String variant, Quantity quantity) {
    List<Double> values =
        samples(variant, quantity).stream()
            .flatMap(sample -> sample.reading().value(quantity).stream())
            .toList();
    return values.isEmpty() ? Optional.empty() : Optional.of(Summary.of(values));
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

  /** The median over that of another variant in the same rounds; empty if one has none. */
  Optional<Double> ratio(String variant, String other, Quantity quantity) {
    return summary(variant, quantity)
        .flatMap(above -> summary(other, quantity).map(below -> above.median() / below.median()));
  }

  /** Medians, ratios to the yardsticks, and at the end those that were promised. */
  List<Figure> figures() {
    List<Figure> figures = new ArrayList<>();
    for (Variant variant : variants()) {
      for (Quantity quantity : Quantity.values()) {
        summary(variant.name(), quantity)
            .ifPresent(
                summary -> figures.add(new Figure(named(variant, quantity), summary.median())));
      }
    }
    for (Variant variant : variants()) {
      if (!variant.isYardstick()) {
        for (Quantity quantity : Quantity.values()) {
          ratio(variant.name(), variant.yardstick(), quantity)
              .ifPresent(
                  ratio -> figures.add(new Figure(named(variant, quantity) + "_ratio", ratio)));
        }
      }
    }
    String name = comparison.name();
    figures.add(new Figure(name + "_measurements", samples.size()));
    figures.add(new Figure(name + "_disturbed_measurements", disturbed()));
    for (Comparison.Promise promise : comparison.promised()) {
      figures.add(
          new Figure(
              promise.figure(),
              ratio(promise.variant(), promise.over(), Quantity.TCP_1).orElseThrow()));
    }
    return figures;
  }

  private String named(Variant variant, Quantity quantity) {
    return comparison.name() + "_" + variant.name() + "_" + quantity.key();
  }
}
