/**
 * Grace periods for what no garbage collector protects: descriptor numbers and off-heap memory.
 *
 * <p>A reader wraps each use in {@link io.vnet.api.epoch.EpochReader#enter} and {@code exit}; a
 * reclaimer unlinks, calls {@link io.vnet.api.epoch.Epoch#begin}, waits until {@link
 * io.vnet.api.epoch.Epoch#elapsed}, and frees. Readers run on any thread, one at a time per reader;
 * the reclaiming side may be one actor or many threads. Nothing here blocks.
 */
@NullMarked
package io.vnet.api.epoch;

import org.jspecify.annotations.NullMarked;
