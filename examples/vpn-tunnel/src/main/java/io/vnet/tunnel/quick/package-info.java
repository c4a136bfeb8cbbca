/**
 * What surrounds a tunnel on a Linux host, as wg-quick does it: {@link io.vnet.tunnel.quick.Quick}
 * gives an interface its addresses, MTU, routes, rules, DNS and hooks by {@link
 * io.vnet.tunnel.quick.QuickRequest}, as a whole or not at all, and takes all of it back; {@link
 * io.vnet.tunnel.quick.InterfaceWatch} follows the interface, and {@link
 * io.vnet.tunnel.quick.InterfacePort} its MTU.
 *
 * <p>The kernel is reached over rtnetlink and {@link io.vnet.tunnel.quick.Sysctl}, other programs
 * (hooks and resolvconf, no others) through {@link io.vnet.tunnel.quick.Programs}. Of the other
 * rooms only {@code config} is used: this one knows nothing of tunnels, who has one calls here.
 *
 * <p><b>Threads:</b> everything blocks; any thread that may.
 *
 * <p>Source: wg-quick(8). What is different: no firewall rules are made, see {@link
 * io.vnet.tunnel.quick.Quick}.
 */
@NullMarked
package io.vnet.tunnel.quick;

import org.jspecify.annotations.NullMarked;
