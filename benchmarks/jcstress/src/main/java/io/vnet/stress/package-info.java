/**
 * What the epoch's fences promise, tried on the processor: each test runs a few lines on two
 * threads, millions of times, and counts what they saw. {@code benchmarks/run stress} runs them.
 */
@NullMarked
package io.vnet.stress;

import org.jspecify.annotations.NullMarked;
