/**
 * A WireGuard-compatible tunnel that an application embeds: {@link io.vnet.tunnel.WireGuardTunnel}
 * joins two packet ports, an inside one with IP packets (a tun device of the host or in memory) and
 * an outside one with datagrams.
 *
 * <p>Rooms, from the inside out: {@code key} (keys and their text), {@code crypto} (primitives and
 * their providers), {@code noise} (the handshake as functions), {@code routing} (allowed IPs),
 * {@code settings} (what can be configured and shown), {@code core} (all protocol state, without
 * I/O, clock or threads), {@code path} (batches through the core), {@code actor} (the control plane
 * around it), {@code uapi} (the socket that the wg tool speaks to), {@code config} (files), {@code
 * quick} (addresses, routes and the rest of bringing an interface up), {@code example} (programs to
 * begin with).
 *
 * <p>Outside is whatever {@link io.vnet.tunnel.Outside} opens: UDP sockets of the host, or a place
 * in {@link io.vnet.tunnel.MemoryDatagrams}, a network within the process.
 */
@NullMarked
package io.vnet.tunnel;

import org.jspecify.annotations.NullMarked;
