/**
 * Linearizability: what many threads saw of one device is explained by some order of the pure
 * core's steps that respects who returned before whom began.
 *
 * <pre>
 *   LinearizabilityTest   records rounds of calls on real threads; plants wrong results
 *   ├─ Recorder, Call     one device's history: calls, results, and a shared clock
 *   └─ Checker            the search (Wing and Gong, with memory)
 *       └─ Explanation    one partial explanation: the softc's state, and how far each call is
 * </pre>
 */
@NullMarked
package io.vnet.actors.linear;

import org.jspecify.annotations.NullMarked;
