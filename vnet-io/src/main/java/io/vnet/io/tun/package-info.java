/**
 * One TUN or TAP interface of the kernel: {@link io.vnet.io.tun.TunOpener} makes or attaches to it
 * step by step, or takes over descriptors, and undoes the steps if one fails; {@link
 * io.vnet.io.tun.TunBackend} moves the packets of one descriptor and ends it, several of them are
 * the queues of one interface.
 *
 * <p>Opening and releasing block (the kernel holds its configuration lock) and run on a thread for
 * that; receive and send run on the user's thread inside an epoch section; readiness comes from an
 * {@link io.vnet.io.loop.IslandLoop}.
 *
 * <p>Source: the kernel's Documentation/networking/tuntap.rst and include/uapi/linux/if_tun.h.
 */
@NullMarked
package io.vnet.io.tun;

import org.jspecify.annotations.NullMarked;
