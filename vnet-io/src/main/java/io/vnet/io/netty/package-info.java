/**
 * Packet ports for users of Netty: {@link io.vnet.io.netty.PacketPortChannel} is a channel over any
 * {@link io.vnet.api.port.PacketPort}, with packets as {@code ByteBuf} in both directions, and
 * {@link io.vnet.io.netty.OffloadedPacket} where one carries an offload word.
 *
 * <p><b>Threads:</b> Netty's rules. Everything of a channel runs on its event loop; the port's
 * signals come on any thread and only queue a task there. On the loop of the port's own island
 * ({@link io.vnet.io.netty.PacketPortChannel#islandLoop}) a packet changes no thread.
 *
 * <p>Called by applications; nothing else of vnet calls here. Uses {@code io.vnet.io.loop} for the
 * island's loop, and otherwise vnet-api alone.
 */
@NullMarked
package io.vnet.io.netty;

import org.jspecify.annotations.NullMarked;
