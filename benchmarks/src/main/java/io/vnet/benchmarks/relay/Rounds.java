package io.vnet.benchmarks.relay;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Whose turn it is. A round does each measure with all variants before it does the next, in a new
 * random order each time, so that what is compared was measured within seconds and nobody is always
 * first. What other processes disturbed is done again at once.
 */
final class Rounds {
  private final List<Variant> variants;
  private final int count;
  private final boolean warmUp;
  private final int repeatsMax;
  private final Random random;

  /**
   * Rounds to come.
   *
   * @param count how many count
   * @param warmUp whether one that does not count comes first
   * @param repeatsMax how often a disturbed measurement is repeated; then it is kept as it is
   * @param random decides the order
   */
  Rounds(List<Variant> variants, int count, boolean warmUp, int repeatsMax, Random random) {
    this.variants = List.copyOf(variants);
    this.count = count;
    this.warmUp = warmUp;
    this.repeatsMax = repeatsMax;
    this.random = random;
  }

  /** Takes one measurement. */
  @FunctionalInterface
  interface Taker {
    Reading take(Variant variant, Measure measure) throws IOException, InterruptedException;
  }

  /** Is told what comes next. */
  @FunctionalInterface
  interface Listener {
    /**
     * A measurement begins.
     *
     * @param round 0: the warm-up
     * @param attempt from 1
     */
    void begins(int round, Variant variant, Measure measure, int attempt);
  }

  /** Takes all and returns those that count. */
  List<Sample> run(Taker taker, Listener listener) throws IOException, InterruptedException {
    List<Sample> samples = new ArrayList<>();
    for (int round = warmUp ? 0 : 1; round <= count; round++) {
      for (Measure measure : Measure.values()) {
        List<Variant> order = new ArrayList<>(variants);
        Collections.shuffle(order, random);
        for (Variant variant : order) {
          Sample sample = take(round, variant, measure, taker, listener);
          if (round > 0) {
            samples.add(sample);
          }
        }
      }
    }
    return samples;
  }

  private Sample take(int round, Variant variant, Measure measure, Taker taker, Listener listener)
      throws IOException, InterruptedException {
    int attempt = 1;
    listener.begins(round, variant, measure, attempt);
    Reading best = taker.take(variant, measure);
    while (round > 0 && best.disturbed() && attempt <= repeatsMax) {
      attempt++;
      listener.begins(round, variant, measure, attempt);
      Reading reading = taker.take(variant, measure);
      if (reading.otherCores() < best.otherCores()) {
        best = reading;
      }
    }
    return new Sample(round, variant.name(), measure, attempt, best);
  }
}
