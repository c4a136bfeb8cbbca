package io.vnet.tunnel.config;

import io.vnet.tunnel.key.PresharedKey;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.settings.PeerChange.AllowedIpChange;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A {@code [Peer]} section.
 *
 * @param line of its beginning, from 1
 * @param publicKey who it is
 * @param presharedKey if there is one
 * @param endpoint where it is reached, if the file says so; a name is not resolved yet
 * @param persistentKeepalive seconds, 0 to 65535; 0: off
 * @param incremental whether the allowed IPs are changes ({@code +} and {@code -}) of those that
 *     the peer has
 * @param allowedIps in order, without host bits
 */
public record PeerSettings(
    int line,
    PublicKey publicKey,
    Optional<PresharedKey> presharedKey,
    Optional<EndpointName> endpoint,
    OptionalInt persistentKeepalive,
    boolean incremental,
    List<AllowedIpChange> allowedIps) {
  /** Copies. */
  public PeerSettings {
    allowedIps = List.copyOf(allowedIps);
  }
}
