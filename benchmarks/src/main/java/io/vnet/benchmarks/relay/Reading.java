package io.vnet.benchmarks.relay;

import java.util.Map;
import java.util.Optional;

/**
 * What one measurement gave.
 *
 * @param values what was measured
 * @param otherCores how many cores other processes had meanwhile, on average
 */
record Reading(Map<Quantity, Double> values, double otherCores) {
  /** As much of a core may others have had. */
  static final double TOLERATED_CORES = 0.15;

  /** The map is not shared. */
  Reading {
    values = Map.copyOf(values);
  }

  /** Empty if another measure gives this. */
  Optional<Double> value(Quantity quantity) {
    return Optional.ofNullable(values.get(quantity));
  }

  /** Whether it may be wrong because of others. */
  boolean disturbed() {
    return otherCores > TOLERATED_CORES;
  }
}
