/**
 * The rules, without actors: {@link io.vnet.actors.core.SoftcCore} is the softc's transition
 * function, {@link io.vnet.actors.core.UnitSet} the driver's unit allocator.
 *
 * <p>Everything here is a value or a total function of values: no thread, no clock, no Akka, no
 * I/O. That is what lets a search walk through all of it. The actors in {@code
 * io.vnet.actors.device} feed events in and carry effects out, and decide nothing.
 */
@NullMarked
package io.vnet.actors.core;

import org.jspecify.annotations.NullMarked;
