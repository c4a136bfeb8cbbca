/**
 * Measurements of vnet's own promises, one package for each subject. {@link
 * io.vnet.benchmarks.Benchmarks} is the entry: it runs the benchmarks of a {@link
 * io.vnet.benchmarks.Suite} through JMH and prints {@link io.vnet.benchmarks.Figure}s.
 *
 * <p>{@code relay} measures processes from outside and so has an entry of its own, {@link
 * io.vnet.benchmarks.relay.RelayBenchmark}.
 *
 * <p>Standard output ends with lines {@code name=value}, the unit in the name; standard error has
 * JMH's report as it grows.
 */
@NullMarked
package io.vnet.benchmarks;

import org.jspecify.annotations.NullMarked;
