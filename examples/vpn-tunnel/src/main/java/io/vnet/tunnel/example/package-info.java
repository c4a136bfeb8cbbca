/**
 * Programs to read and to begin with: {@link io.vnet.tunnel.example.JoinedNetworks}, two networks
 * in memory with an encrypted way between them, and {@link io.vnet.tunnel.example.TunnelPing}, a
 * program with a tunnel of its own. Neither needs root. Nothing else depends on them.
 */
@NullMarked
package io.vnet.tunnel.example;

import org.jspecify.annotations.NullMarked;
