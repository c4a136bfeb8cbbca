/**
 * The handshake (Noise IKpsk2) and its cookies as functions over messages: no I/O, no clock, no
 * state but what is handed in. Any thread.
 *
 * <p>Source: the WireGuard protocol, https://www.wireguard.com/protocol/.
 */
@NullMarked
package io.vnet.tunnel.noise;

import org.jspecify.annotations.NullMarked;
