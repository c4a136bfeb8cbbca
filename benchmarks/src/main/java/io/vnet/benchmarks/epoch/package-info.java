/**
 * What {@code io.vnet.api.epoch} costs: a reader's section against a read lock, and a reclaimer's
 * grace period against the number of readers.
 */
@NullMarked
package io.vnet.benchmarks.epoch;

import org.jspecify.annotations.NullMarked;
