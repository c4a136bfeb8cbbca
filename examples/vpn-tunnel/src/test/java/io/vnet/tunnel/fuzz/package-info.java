/**
 * Hostile datagrams by the million, each through the real path: {@link
 * io.vnet.tunnel.fuzz.HostileDatagrams} makes them and says what each must come to, {@link
 * io.vnet.tunnel.fuzz.FuzzWorld} is the tunnel that they meet, in a {@link
 * io.vnet.tunnel.fuzz.Phase} of its peers' lives, {@link io.vnet.tunnel.fuzz.StateDigest} tells
 * whether anything in its core has changed, and {@link io.vnet.tunnel.fuzz.Episode} compares.
 *
 * <p><b>Threads:</b> one, in virtual time that stands still; everything random comes from a seed.
 */
@NullMarked
package io.vnet.tunnel.fuzz;

import org.jspecify.annotations.NullMarked;
