package io.vnet.benchmarks.relay;

import java.util.Arrays;
import java.util.Collection;

/**
 * The middle of some numbers and how far they are apart.
 *
 * @param median the middle one; the mean of the two in the middle if their count is even
 * @param min the least
 * @param max the greatest
 */
record Summary(double median, double min, double max) {
  /** Refuses to sum up nothing. */
  static Summary of(Collection<Double> numbers) {
    if (numbers.isEmpty()) {
      throw new IllegalArgumentException("no numbers");
    }
    double[] sorted = numbers.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    int middle = sorted.length / 2;
    double median =
        sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    return new Summary(median, sorted[0], sorted[sorted.length - 1]);
  }

  /**
   * The least of the numbers that so many percent of them do not exceed.
   *
   * @param rank above 0, at most 100
   */
  static double percentile(double[] numbers, double rank) {
    if (numbers.length == 0 || !(rank > 0 && rank <= 100)) {
      throw new IllegalArgumentException("percentile " + rank + " of " + numbers.length);
    }
    double[] sorted = numbers.clone();
    Arrays.sort(sorted);
    return sorted[(int) Math.ceil(rank / 100 * sorted.length) - 1];
  }
}
