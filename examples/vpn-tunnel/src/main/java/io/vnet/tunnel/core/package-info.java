/**
 * All protocol state of one tunnel, {@link io.vnet.tunnel.core.TunnelCore}: peers, their
 * handshakes, keypairs, timers and staged packets. No I/O, no clock, no threads: time, datagrams
 * and results of {@link io.vnet.tunnel.core.HandshakeWork} go in; messages to send, work to do and
 * deadlines come out through {@link io.vnet.tunnel.core.CoreOutput}.
 *
 * <p><b>Threads:</b> everything is confined to one thread, that of the tunnel's island, except what
 * says otherwise: {@code HandshakeWork.run} and {@code Drops}.
 */
@NullMarked
package io.vnet.tunnel.core;

import org.jspecify.annotations.NullMarked;
