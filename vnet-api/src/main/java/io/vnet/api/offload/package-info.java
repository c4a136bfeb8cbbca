/**
 * Offloads in software: what a virtio-net header says of a packet, and doing it where no kernel
 * does.
 *
 * <p>{@link io.vnet.api.offload.Offload} is the codec of the offload word that travels beside each
 * packet of a {@link io.vnet.api.packet.PacketBatch}, and of the virtio-net header it comes from.
 * Out of a kernel that offloads: {@link io.vnet.api.offload.ChecksumCompletion} finishes a single
 * packet, {@link io.vnet.api.offload.Segmenter} splits a super-packet. Into one: {@link
 * io.vnet.api.offload.JoinPlan} decides which packets of a batch become one super-packet, under
 * {@link io.vnet.api.offload.JoinRules}; {@link io.vnet.api.offload.Coalescer} writes them so into
 * another batch.
 *
 * <p>At a port, most will want no more than {@link io.vnet.api.offload.Finisher}, which makes of a
 * batch what the port takes, or {@link io.vnet.api.offload.FinishedPackets}, which hands out the
 * packets of a batch one by one. Packets without offloads cost both a look at the words.
 *
 * <p>Bytes that are not what they should be are an {@link io.vnet.api.offload.OffloadStatus}, never
 * an exception.
 *
 * <p><b>Threads:</b> an object here belongs to one thread at a time, as the batches do, and
 * allocates nothing once it has met its largest batch.
 *
 * <p><b>Counting:</b> a super-packet is one packet where it is whole, as many as it has segments
 * where it is split; drops are counted in the packets that would have been passed on.
 *
 * <p>Uses {@code io.vnet.api.packet}, {@code io.vnet.api.header} and the names of features and drop
 * reasons in {@code io.vnet.api.port}; knows no device and no system call.
 */
@NullMarked
package io.vnet.api.offload;

import org.jspecify.annotations.NullMarked;
