/**
 * What {@code io.vnet.api.epoch} costs: a reader's section against locks and counts, a reclaimer's
 * grace period against the number of readers, and what a host's grace period takes among busy ones.
 */
@NullMarked
package io.vnet.benchmarks.epoch;

import org.jspecify.annotations.NullMarked;
