/**
 * What the packet ports of this module share: {@link io.vnet.actors.port.GuardedPort} lets one
 * receiving and one sending thread in at a time, each inside an epoch section, and keeps them out
 * once the port is closed or revoked. {@link io.vnet.actors.port.PortWaiter} makes a thread wait at
 * a port, {@link io.vnet.actors.port.SinglePackets} makes packets of what it gives.
 *
 * <p>Called by users on any thread, and by the softc's actor to revoke. Uses vnet-api only: no
 * Akka.
 */
@NullMarked
package io.vnet.actors.port;

import org.jspecify.annotations.NullMarked;
