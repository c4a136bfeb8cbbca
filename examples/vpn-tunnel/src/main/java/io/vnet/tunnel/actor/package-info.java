/**
 * The control plane: {@link io.vnet.tunnel.actor.TunnelActor} owns the tunnel's core, its data path
 * and its {@code OutsidePorts}; a {@code PeerActor} is a peer's alarm clock.
 *
 * <p><b>Threads:</b> the actors run on the tunnel's island, the thread that moves its packets, so
 * core and data path belong to one thread without a lock. What blocks or costs (opening sockets,
 * the curve computations of handshakes) is done elsewhere and comes back as a message. Packets are
 * never messages.
 */
@NullMarked
package io.vnet.tunnel.actor;

import org.jspecify.annotations.NullMarked;
