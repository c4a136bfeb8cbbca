package io.vnet.tunnel.noise;

import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.key.PublicKey;

/** One's own key pair, with what is derived from it once. Immutable. */
public final class Identity {
  private final byte[] privateBytes;
  private final PublicKey publicKey;
  private final byte[] mac1Key;
  private final byte[] cookieKey;
  private final byte[] startHash;

  private Identity(Crypto crypto, byte[] privateBytes, PublicKey publicKey) {
    this.privateBytes = privateBytes;
    this.publicKey = publicKey;
    this.mac1Key = SymmetricState.labelled(crypto, Macs.LABEL, publicKey);
    this.cookieKey = SymmetricState.labelled(crypto, Cookies.LABEL, publicKey);
    this.startHash = SymmetricState.startHash(crypto, publicKey);
  }

  /**
   * Of a private key that is not zero.
   *
   * @throws IllegalArgumentException if it is zero
   */
  public static Identity of(Crypto crypto, PrivateKey privateKey) {
    if (privateKey.isZero()) {
      throw new IllegalArgumentException("zero stands for no private key: no identity has it");
    }
    byte[] bytes = privateKey.bytes();
    return new Identity(crypto, bytes, PublicKey.of(crypto.publicKey(bytes)));
  }

  /** The public key. */
  public PublicKey publicKey() {
    return publicKey;
  }

  /** Not a copy; to be read only. */
  byte[] privateBytes() {
    return privateBytes;
  }

  /** Of messages to this identity. Not a copy. */
  byte[] mac1Key() {
    return mac1Key;
  }

  /** Of cookie replies by this identity. Not a copy. */
  byte[] cookieKey() {
    return cookieKey;
  }

  /** Of handshakes that this identity answers. Not a copy. */
  byte[] startHash() {
    return startHash;
  }

  /** The public key alone. */
  @Override
  public String toString() {
    return "identity " + publicKey;
  }
}
