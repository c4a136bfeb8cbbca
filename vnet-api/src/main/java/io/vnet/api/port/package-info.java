/**
 * The one contract of everything that moves packets: {@link io.vnet.api.port.PacketPort}. Streams,
 * links, tunnels and Netty handlers are adapters over it.
 *
 * <p>No call blocks. {@link io.vnet.api.port.PortListener} says when to call again, on whatever
 * thread noticed it. {@link io.vnet.api.port.PortLedger} counts what went in, out and nowhere.
 * {@link io.vnet.api.port.DropCounter} is the part of a port that stages before it count drops in.
 *
 * <p>For those who implement a port over something that has to be released: {@link
 * io.vnet.api.port.Direction} lets one user at a time in, inside an epoch section, and nobody after
 * the end. For those who change one answer of a port: {@link io.vnet.api.port.ForwardingPort}.
 */
@NullMarked
package io.vnet.api.port;

import org.jspecify.annotations.NullMarked;
