package io.vnet.benchmarks;

import java.util.Locale;

/**
 * One measured number.
 *
 * @param name what it is, with its unit: {@code epoch_membarrier_ns_per_section_1_thread}
 * @param value in that unit
 */
public record Figure(String name, double value) {
  /** Refuses a name that would not survive as a variable of a shell, and a value that is none. */
  public Figure {
    if (!name.matches("[a-z0-9_]+") || !Double.isFinite(value)) {
      throw new IllegalArgumentException(name + "=" + value);
    }
  }

  /** How many times as much this is as the other: below 1, it is less. */
  public Figure over(Figure other, String ratioName) {
    return new Figure(ratioName, value / other.value);
  }

  /** {@code name=value}, three decimals. */
  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%s=%.3f", name, value);
  }
}
