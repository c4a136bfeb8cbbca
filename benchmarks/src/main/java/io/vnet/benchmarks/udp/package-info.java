/**
 * Datagrams from socket to socket of this process over loopback: through vnet's UDP port, and
 * through Netty's native transport with its own trains, in turn. {@link
 * io.vnet.benchmarks.udp.UdpSuite} is the entry.
 */
@NullMarked
package io.vnet.benchmarks.udp;

import org.jspecify.annotations.NullMarked;
