package io.vnet.tunnel.noise;

import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.key.PublicKey;

/**
 * A peer as one's own identity sees it: its key and what is derived from both once, among it the
 * static-static secret. Immutable.
 */
@SuppressWarnings({
  "DoNotCallSuggester",
  "ObjectToString",
  "UnusedVariable"
}) // Until it is written.
public final class PeerIdentity {
  private PeerIdentity() {}

  /** Costs one X25519. */
  public static PeerIdentity of(Crypto crypto, Identity own, PublicKey peer) {
    throw new UnsupportedOperationException();
  }

  /** The peer's key. */
  public PublicKey publicKey() {
    throw new UnsupportedOperationException();
  }

  /** Whether handshakes are possible: not with a public key of small order. */
  public boolean isUsable() {
    throw new UnsupportedOperationException();
  }
}
