/**
 * All protocol state of one tunnel, {@link io.vnet.tunnel.core.TunnelCore}: peers, their
 * handshakes, keypairs, timers and staged packets. No I/O, no clock, no threads: time, datagrams
 * and results of {@link io.vnet.tunnel.core.HandshakeWork} go in; messages to send, work to do and
 * deadlines come out through {@link io.vnet.tunnel.core.CoreOutput}.
 *
 * <p>Read in this order: {@code TunnelCore} (configuration, handshake messages, expiries), {@link
 * io.vnet.tunnel.core.Peer} (what the packets' path calls, slots, events), {@code HandshakeWorks}
 * (what runs elsewhere), {@code PendingHandshake} (how a late result is told from one that counts);
 * {@code KeypairSlots} and {@code StagedPackets} (what a peer holds); {@code PeerTimers}, {@code
 * IndexTable} and {@code ReplayWindow} are plain data.
 *
 * <p><b>Threads:</b> everything is confined to one thread, that of the tunnel's island, except what
 * says otherwise: {@code HandshakeWork.run} and {@code Drops}.
 *
 * <p><b>Secrets:</b> an initiation's are erased when its response has been taken, when another
 * handshake begins, and with the keys; keypairs when they leave their slots; all 540 s after the
 * last new keypair, when the peer goes and when the tunnel goes down.
 */
@NullMarked
package io.vnet.tunnel.core;

import org.jspecify.annotations.NullMarked;
