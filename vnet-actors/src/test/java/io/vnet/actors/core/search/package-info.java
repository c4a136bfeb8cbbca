/**
 * Exhaustive search of the life of one unit: every order in which a few clients, the driver, the
 * node, the vnets and the grace period can act on the softc, with the production function deciding.
 *
 * <ul>
 *   <li>{@link io.vnet.actors.core.search.CoreSteps}: {@code SoftcCore.step}, remembered by number.
 *   <li>{@link io.vnet.actors.core.search.World}: one state of everything, in some 60 bytes.
 *   <li>{@link io.vnet.actors.core.search.Mail}: a message in flight, in an int.
 *   <li>{@link io.vnet.actors.core.search.Soup}: what can happen next, and the rules ({@link
 *       io.vnet.actors.core.search.Rule}) that must hold.
 *   <li>{@link io.vnet.actors.core.search.Search}: breadth first, so a counterexample is a shortest
 *       one.
 *   <li>{@link io.vnet.actors.core.search.Safeguard}, {@link
 *       io.vnet.actors.core.search.CoreMutant}: what can be taken out of the environment and of the
 *       core, to see that the search misses it.
 * </ul>
 *
 * <p><b>Order of messages.</b> FIFO for each pair of sender and receiver, else any: more orders
 * than a mailbox allows, which matters because an actor's step tells several others one after the
 * other. Two things are as in a mailbox: a node has one queue, and a softc's {@code Stop} comes
 * after all that it was told before. What is told after it is a dead letter, and a finding.
 *
 * <p><b>Bounds.</b> One unit, two lives of it at a time (a third creation is taken up when the
 * oldest softc has stopped), one request a client, one rename and one move at a time, two vnets,
 * two names. Process numbers, addresses and the like are one constant.
 *
 * <p><b>What is left out</b> because it changes nothing that a rule can see: the use of a handle
 * that has ended, a message about a device that its receiver does not know any more, and the delay
 * with which a softc that was told to stop reads what it was told before (its answers do take their
 * time). A grace period begins with the wish for it, a backend is released as soon as that is asked
 * for: the earliest moment is the one that can do harm.
 */
@NullMarked
package io.vnet.actors.core.search;

import org.jspecify.annotations.NullMarked;
