/**
 * The control plane: who creates, opens, destroys, and in which order.
 *
 * <pre>
 *   HostActor                     one per host
 *   ├─ GracePeriodActor           says when the readers have drained
 *   ├─ DeferredDestroyActor       unbinds the names nobody may wait for
 *   ├─ DriverActor tun|tap|vmnet  units and nodes, shared by all vnets
 *   │   └─ DeviceActor node-5     a node: its names and its pointer; then another one's
 *   └─ VnetActor vnet0            interfaces of one network-stack instance
 *       └─ SoftcActor tun3-17     the tunnel: feeds SoftcCore, carries out what it says
 * </pre>
 *
 * <p><b>Messages:</b> a facade thread tells the VnetActor (create), the DriverActor (destroy) and,
 * having found the node's pointer inside an epoch section, the softc itself (open, close). Nobody
 * asks and waits: an actor posts and moves on. A softc outlives every message that was told to it:
 * it stops when the driver says so, after a grace period that began when the sentinel was in its
 * place.
 *
 * <p><b>Crashes:</b> that of a softc is a forced destroy of its device. Every other actor is
 * shared: its crash stops them all, and {@link io.vnet.actors.device.HostFailure} ends the host.
 *
 * <p><b>Threads:</b> actors run on {@code vnet.control-dispatcher}, which has one thread, {@link
 * io.vnet.actors.device.ControlThread}, and never block; what blocks (opening and closing
 * descriptors) runs in a {@link io.vnet.actors.device.BlockingLane}. Packets never come here.
 */
@NullMarked
package io.vnet.actors.device;

import org.jspecify.annotations.NullMarked;
