/**
 * The race matrix of the if_tuntap specification, section 10: two deeds on one device, in each
 * order, each stopped in its middle while the other is done, and in many seeded orders.
 *
 * <pre>
 *   RaceMatrixTest    plays each pair, holds the answers and the invariants, keeps docs/races.md
 *   ├─ Races          the pairs, and what each has to answer
 *   ├─ Deeds, Deed    what one side does, and where it can be stopped
 *   └─ Cast, Role     the device, its holder, its network; an answer that may still be owed
 * </pre>
 *
 * <p>The actors are the real ones, on {@link io.vnet.actors.sim.Stage}: one thread, no sleep.
 */
@NullMarked
package io.vnet.actors.race;

import org.jspecify.annotations.NullMarked;
