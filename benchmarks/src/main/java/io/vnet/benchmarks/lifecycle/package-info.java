/**
 * What a device's life costs through the public facade, in memory, and what a packet costs that
 * crosses a device.
 */
@NullMarked
package io.vnet.benchmarks.lifecycle;

import org.jspecify.annotations.NullMarked;
