package io.vnet.tunnel.settings;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpPrefix;
import io.vnet.tunnel.key.PresharedKey;
import io.vnet.tunnel.key.PublicKey;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A peer as it is at one moment.
 *
 * @param publicKey who it is
 * @param presharedKey if there is one
 * @param endpoint where it was seen last or is configured to be
 * @param lastHandshake when the last handshake was complete
 * @param sentBytes of datagrams' payload to it
 * @param receivedBytes of authenticated datagrams' payload from it
 * @param persistentKeepalive seconds; 0: off
 * @param allowedIps in the order in which it got them, without host bits
 */
public record PeerStatus(
    PublicKey publicKey,
    Optional<PresharedKey> presharedKey,
    Optional<Endpoint> endpoint,
    Optional<Instant> lastHandshake,
    long sentBytes,
    long receivedBytes,
    int persistentKeepalive,
    List<IpPrefix> allowedIps) {
  /** Copies. */
  public PeerStatus {
    allowedIps = List.copyOf(allowedIps);
  }
}
