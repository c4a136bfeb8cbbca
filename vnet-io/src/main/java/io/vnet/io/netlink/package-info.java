/**
 * The network of a namespace over rtnetlink: what {@code ip(8)} lists and sets, without it.
 *
 * <p>Read in this order: {@link io.vnet.io.netlink.Netlink} lists, adds, changes and deletes {@link
 * io.vnet.io.netlink.Link}, {@link io.vnet.io.netlink.InterfaceAddress}, {@link
 * io.vnet.io.netlink.Route}, {@link io.vnet.io.netlink.Rule} and {@link
 * io.vnet.io.netlink.Neighbour}; {@link io.vnet.io.netlink.NetworkPlan} makes several such steps
 * one and undoes them; {@link io.vnet.io.netlink.NetworkMonitor} tells what changes.
 *
 * <p>Beneath, not public: {@code NetlinkSocket} (one exchange at a time, the only class with system
 * calls), {@code LinkMessages} and its like (an object as a message and back, pure), {@code
 * MessageWriter}, {@code Message} and {@code Attributes} (bytes, which may say anything).
 *
 * <p><b>Threads:</b> everything may be called from any thread that may block, and from no other:
 * not on an island, not on an actor's thread, not within an epoch section.
 *
 * <p>Source: netlink(7), rtnetlink(7), the kernel's headers named in {@code NetlinkConstants}.
 */
@NullMarked
package io.vnet.io.netlink;

import org.jspecify.annotations.NullMarked;
