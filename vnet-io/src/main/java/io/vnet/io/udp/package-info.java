/**
 * UDP sockets of the kernel as a packet port: {@link io.vnet.io.udp.UdpPort}, opened as {@link
 * io.vnet.io.udp.UdpSettings} say. A train of datagrams is one packet of a batch, on the way in
 * (UDP_GRO) and out (UDP_SEGMENT); docs/udp.md has the model, the options and what becomes of each
 * error.
 *
 * <p>Read in this order: {@code UdpSocket} (one descriptor and its options), {@code Receiver} and
 * {@code EndpointTable} (messages into a batch), {@code SendPlan} (which datagrams share a
 * message), {@code Sender} and {@code SendOutcome} (messages out of a batch, and their errors).
 *
 * <p><b>Threads:</b> opening may block for a moment and starts a thread if a network namespace is
 * entered; receive and send run on the user's thread inside an epoch section; readiness comes from
 * an {@link io.vnet.io.loop.IslandLoop}; the descriptors are closed on the loop's thread or, if
 * somebody is still inside, on one of the common pool's.
 *
 * <p>Source: the kernel's include/uapi/linux/udp.h, in.h, in6.h and socket.h; udp(7), ip(7),
 * ipv6(7).
 */
@NullMarked
package io.vnet.io.udp;

import org.jspecify.annotations.NullMarked;
