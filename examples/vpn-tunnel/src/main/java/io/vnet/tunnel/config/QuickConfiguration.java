package io.vnet.tunnel.config;

import io.vnet.api.address.Endpoint;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.TunnelChange;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a configuration file says, without errors. Immutable.
 *
 * @param file for messages: the file's name, or where else it comes from
 * @param privateKey empty only if a hook may set it
 * @param listenPort 0 to 65535; 0: one that the kernel chooses
 * @param mark SO_MARK of what is sent outside, as an unsigned number; 0: none
 * @param quick what is done around the tunnel
 * @param peers in the file's order, each key once
 * @param warnings what is no error but deserves a look, in the file's order
 */
public record QuickConfiguration(
    String file,
    Optional<PrivateKey> privateKey,
    OptionalInt listenPort,
    OptionalInt mark,
    QuickSettings quick,
    List<PeerSettings> peers,
    List<ConfigurationProblem> warnings) {

  /** Copies. */
  public QuickConfiguration {
    peers = List.copyOf(peers);
    warnings = List.copyOf(warnings);
  }

  /** The same with other things to do around it. */
  public QuickConfiguration withQuick(QuickSettings newQuick) {
    return new QuickConfiguration(file, privateKey, listenPort, mark, newQuick, peers, warnings);
  }

  /**
   * What a tunnel is told, as {@code wg addconf} does, and so wg-quick: key, port, mark and peers
   * that the file has not stay as they are, so a hook may have set them. Peers that it has get its
   * allowed IPs in the place of theirs. A tunnel that is to have the file's peers alone is told it
   * {@link TunnelChange#replacingPeers}.
   *
   * @param endpoints of all peers whose endpoint the file has, as {@link EndpointResolver#resolve}
   *     gives them
   * @throws IllegalArgumentException if one is missing
   */
  public TunnelChange toChange(Map<PublicKey, Endpoint> endpoints) {
    List<PeerChange> changes = new ArrayList<>();
    for (PeerSettings peer : peers) {
      Optional<Endpoint> endpoint = Optional.ofNullable(endpoints.get(peer.publicKey()));
      if (endpoint.isEmpty() && peer.endpoint().isPresent()) {
        throw new IllegalArgumentException(
            "the endpoint of " + peer.publicKey() + " has not been resolved");
      }
      changes.add(
          new PeerChange(
              peer.publicKey(),
              false,
              false,
              peer.presharedKey(),
              endpoint,
              peer.persistentKeepalive(),
              !peer.incremental(),
              peer.allowedIps()));
    }
    return new TunnelChange(privateKey, listenPort, mark, false, changes);
  }
}
