package io.vnet.tunnel.noise;

import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.key.PublicKey;

/**
 * A static public key with what everybody who knows it derives from it once. Immutable. The arrays
 * are not copies and to be read only.
 */
abstract sealed class StaticIdentity permits Identity, PeerIdentity {
  private final PublicKey publicKey;
  private final byte[] mac1Key;
  private final byte[] cookieKey;
  private final byte[] startHash;

  StaticIdentity(Crypto crypto, PublicKey publicKey) {
    this.publicKey = publicKey;
    this.mac1Key = SymmetricState.labelled(crypto, Macs.LABEL, publicKey);
    this.cookieKey = SymmetricState.labelled(crypto, Cookies.LABEL, publicKey);
    this.startHash = SymmetricState.startHash(crypto, publicKey);
  }

  /** The public key. */
  public final PublicKey publicKey() {
    return publicKey;
  }

  /** Of messages to the key's owner. */
  final byte[] mac1Key() {
    return mac1Key;
  }

  /** Of cookie replies by the key's owner. */
  final byte[] cookieKey() {
    return cookieKey;
  }

  /** Of handshakes that the key's owner answers. */
  final byte[] startHash() {
    return startHash;
  }
}
