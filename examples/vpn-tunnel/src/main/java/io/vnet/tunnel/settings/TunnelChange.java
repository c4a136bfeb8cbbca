package io.vnet.tunnel.settings;

import io.vnet.tunnel.key.PrivateKey;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A change of a tunnel's configuration: what is empty stays as it is. It is applied as a whole or
 * not at all.
 *
 * @param privateKey the new one; the zero key removes it
 * @param listenPort 0 to 65535; 0: one that the kernel chooses
 * @param mark SO_MARK of what is sent outside, as an unsigned number; 0: none
 * @param replacePeers whether all peers are removed before {@code peers} are applied
 * @param peers changes of peers, in order; a key may come up more than once
 */
public record TunnelChange(
    Optional<PrivateKey> privateKey,
    OptionalInt listenPort,
    OptionalInt mark,
    boolean replacePeers,
    List<PeerChange> peers) {
  /** Changes nothing; a start for the {@code with} methods. */
  public static final TunnelChange NONE =
      new TunnelChange(
          Optional.empty(), OptionalInt.empty(), OptionalInt.empty(), false, List.of());

  private static final int PORT_MAX = 65535;

  /** Refuses a port out of range. */
  public TunnelChange {
    peers = List.copyOf(peers);
    if (listenPort.isPresent() && (listenPort.getAsInt() < 0 || listenPort.getAsInt() > PORT_MAX)) {
      throw new IllegalArgumentException("a port is 0 to 65535, not " + listenPort.getAsInt());
    }
  }

  /** With this private key. */
  public TunnelChange withPrivateKey(PrivateKey key) {
    return new TunnelChange(Optional.of(key), listenPort, mark, replacePeers, peers);
  }

  /** With this port. */
  public TunnelChange withListenPort(int port) {
    return new TunnelChange(privateKey, OptionalInt.of(port), mark, replacePeers, peers);
  }

  /** With this mark. */
  public TunnelChange withMark(int newMark) {
    return new TunnelChange(privateKey, listenPort, OptionalInt.of(newMark), replacePeers, peers);
  }

  /** Removing all peers that there are first. */
  public TunnelChange replacingPeers() {
    return new TunnelChange(privateKey, listenPort, mark, true, peers);
  }

  /** With these changes of peers instead. */
  public TunnelChange withPeers(List<PeerChange> newPeers) {
    return new TunnelChange(privateKey, listenPort, mark, replacePeers, newPeers);
  }
}
