package io.vnet.benchmarks.relay;

/**
 * A measurement that counts.
 *
 * @param round from 1
 * @param variant its name
 * @param measure what was done
 * @param attempts how often it was done before it was accepted
 * @param reading what came out: of several attempts the least disturbed
 */
record Sample(int round, String variant, Measure measure, int attempts, Reading reading) {}
