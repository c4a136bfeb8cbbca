/**
 * What a path's MTU asks of packets: {@link io.vnet.api.mtu.MssClamp} makes TCP connections agree
 * on segments that fit, {@link io.vnet.api.mtu.TooBig} answers what does not fit, or fragments it,
 * as a router does, under {@link io.vnet.api.mtu.TooBigRules}.
 *
 * <p>An MTU is bytes of an IP packet, without a link-layer header. Bytes that are not what they
 * claim to be are left as they are, never an exception: whoever they are for will judge them.
 *
 * <p><b>Threads:</b> an object here belongs to one thread at a time, as the batches do, and
 * allocates nothing after construction.
 *
 * <p>Uses {@code io.vnet.api.packet}, {@code io.vnet.api.header}, {@code io.vnet.api.offload} and
 * the drop counter of {@code io.vnet.api.port}; knows no device and no clock but the one it is
 * given.
 */
@NullMarked
package io.vnet.api.mtu;

import org.jspecify.annotations.NullMarked;
