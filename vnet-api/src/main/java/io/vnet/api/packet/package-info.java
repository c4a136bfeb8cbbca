/**
 * Packets in memory: {@link io.vnet.api.packet.PacketBatch} is what moves, {@link
 * io.vnet.api.packet.Packet} is a safe copy of one packet for those who look at packets one by one,
 * {@link io.vnet.api.packet.SlabPool} and {@link io.vnet.api.packet.BatchPool} own the memory.
 *
 * <p><b>Ownership:</b> a batch has one owner at a time, one thread at a time; handing it over ends
 * the right to touch it; the last owner releases it, once. Pools are safe on any thread.
 *
 * <p>Uses {@code io.vnet.api.error} and, for where a packet came from, {@code io.vnet.api.address};
 * nothing else of vnet.
 */
@NullMarked
package io.vnet.api.packet;

import org.jspecify.annotations.NullMarked;
