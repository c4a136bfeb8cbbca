/**
 * The data plane: batches of packets from the inside port through the core to the outside port, and
 * back. {@link io.vnet.tunnel.path.DataPath} is the room's door; {@code Outward} seals, {@code
 * Inward} opens, {@code Sending} and {@code Delivery} collect what goes to a port, {@code Joining}
 * says what is delivered as one super-packet.
 *
 * <p><b>Threads:</b> everything runs on the tunnel's island, in turns, one after the other; signals
 * of the ports come from any thread and only ask for a turn. Used by {@code actor} alone.
 *
 * <p><b>A packet costs</b> one pass of the cipher, which moves it from one port's batch into the
 * other's, and one pass for a checksum where a super-packet is split or joined. No allocation, no
 * queue between threads, no lock but those of the ports.
 */
@NullMarked
package io.vnet.tunnel.path;

import org.jspecify.annotations.NullMarked;
