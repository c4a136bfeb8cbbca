/**
 * Relays between two tun devices beside each other: vnet's, one in C and one on netty-tun; and
 * WireGuard tunnels: vnet's beside wireguard-go. {@link io.vnet.benchmarks.relay.RelayBenchmark} is
 * the entry.
 *
 * <p>Each {@link io.vnet.benchmarks.relay.Variant} lives in network namespaces of its own (a {@link
 * io.vnet.benchmarks.relay.Road}, measured by a {@link io.vnet.benchmarks.relay.Course}); all are
 * alive at once and idle but the one that is measured. {@link io.vnet.benchmarks.relay.Rounds} says
 * whose turn it is. Everything runs on the thread that calls, but the clean-up on an interrupt.
 */
@NullMarked
package io.vnet.benchmarks.relay;

import org.jspecify.annotations.NullMarked;
