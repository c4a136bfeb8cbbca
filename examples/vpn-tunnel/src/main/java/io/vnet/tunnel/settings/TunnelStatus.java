package io.vnet.tunnel.settings;

import io.vnet.tunnel.key.PrivateKey;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A tunnel as it is at one moment.
 *
 * @param privateKey its own, if it has one
 * @param listenPort where it receives; 0: none yet
 * @param mark SO_MARK of what it sends, as an unsigned number; 0: none
 * @param up whether its sockets are open and its peers run
 * @param peers in the order in which they were made
 * @param drops datagrams and packets that went nowhere, by reason, since it was made; without
 *     reasons that have not occurred
 */
public record TunnelStatus(
    Optional<PrivateKey> privateKey,
    int listenPort,
    int mark,
    boolean up,
    List<PeerStatus> peers,
    Map<TunnelDrop, Long> drops) {
  /** Copies. */
  public TunnelStatus {
    peers = List.copyOf(peers);
    drops = Map.copyOf(drops);
  }
}
