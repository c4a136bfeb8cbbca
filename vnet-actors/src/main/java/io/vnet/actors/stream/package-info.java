/**
 * Packet streams: {@link io.vnet.actors.stream.PacketStreams} over any packet port, and {@link
 * io.vnet.actors.stream.PacketStages} to put between them. What they do with packets is in vnet-api
 * ({@code io.vnet.api.offload}, {@code io.vnet.api.mtu}); here are demand, ownership and ends.
 *
 * <p><b>Threads:</b> a stage runs where its stream runs. {@link
 * io.vnet.actors.stream.PacketStreams#onIsland} puts a stream on the port's own I/O thread, through
 * {@link io.vnet.actors.stream.IslandDispatchers}: then a packet changes no thread between the
 * poller and the sink. Elsewhere a wake-up costs a hop, a packet does not.
 *
 * <p><b>Ownership:</b> a batch belongs to the stage that holds it; pushing it hands it over. A
 * stage that ends releases what it holds and counts the packets in it as {@code STREAM_ENDED}. The
 * port closes when the last stage over it has ended.
 */
@NullMarked
package io.vnet.actors.stream;

import org.jspecify.annotations.NullMarked;
