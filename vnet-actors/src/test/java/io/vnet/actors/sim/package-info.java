/**
 * Deterministic simulation: the real actors of a host on one thread, in an order that a seed
 * chooses, in virtual time, with clients that collide on purpose and backends that fail.
 *
 * <pre>
 *   SimulationTest      how many schedules, and what they must have reached
 *   └─ Simulation       one schedule a seed, on an actor system that is reused until one fails
 *      ├─ SimulatedSystem   actor system whose dispatcher, executor and clock are the simulator's
 *      ├─ Simulator     lanes (one an actor, a client, a blocking task), timers, trace
 *      │   └─ Chooser   which ready lane runs next: random priorities (PCT) or uniform
 *      └─ World         one host, its clients, who owes whom a reply
 *          ├─ Client, Operation   scripts; an open or a use of a pointer is two steps
 *          ├─ SimulatedNetwork    host backends that fail, stall, get lost, throw
 *          └─ Witness             sees each life-cycle event as it happens; holds the invariants
 * Stage, Scene        scripts that choose the order themselves: the race matrix
 * </pre>
 *
 * <p><b>To add an operation:</b> a record in {@code Operation} and a line in its draw. <b>To replay
 * a seed:</b> {@code -Dvnet.sim.seed=N}, which prints the trace; {@code -Dvnet.sim.schedules=N}
 * runs another number of schedules (10^8 for a long search), {@code -Dvnet.sim.first=N} begins at
 * another seed.
 *
 * <p><b>A schedule fails</b> by a broken invariant, a dead letter, a reply owed when nothing is
 * ready and no timer runs (deadlock), or by not coming to rest. <b>Threads:</b> each simulation
 * belongs to one thread; a task that another thread hands in is a failure. Only futures that the
 * handles complete for their users leave for the common pool, and nothing comes back from there.
 */
@NullMarked
package io.vnet.actors.sim;

import org.jspecify.annotations.NullMarked;
