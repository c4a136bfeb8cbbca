package io.vnet.tunnel.core;

import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.noise.Identity;
import io.vnet.tunnel.noise.PeerIdentity;
import org.jspecify.annotations.Nullable;

/**
 * A peer as one private key sees it, computed by the first work that needs it: so that ten thousand
 * peers can be configured, or the private key changed, without as many X25519 on the packets'
 * thread.
 *
 * <p><b>Threads:</b> any; two that come at once compute the same.
 */
final class LazyPeerIdentity {
  private final Identity own;
  private final PublicKey peer;
  private volatile @Nullable PeerIdentity made;

  LazyPeerIdentity(Identity own, PublicKey peer) {
    this.own = own;
    this.peer = peer;
  }

  Identity own() {
    return own;
  }

  PeerIdentity get(Crypto crypto) {
    PeerIdentity identity = made;
    if (identity == null) {
      identity = PeerIdentity.of(crypto, own, peer);
      made = identity;
    }
    return identity;
  }
}
