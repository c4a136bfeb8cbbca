package io.vnet.tunnel.noise;

import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.key.PublicKey;

/** One's own key pair, with what is derived from it once. Immutable. */
public final class Identity extends StaticIdentity {
  private final byte[] privateBytes;

  private Identity(Crypto crypto, byte[] privateBytes, PublicKey publicKey) {
    super(crypto, publicKey);
    this.privateBytes = privateBytes;
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

  /** Not a copy; to be read only. */
  byte[] privateBytes() {
    return privateBytes;
  }

  /** The public key alone. */
  @Override
  public String toString() {
    return "identity " + publicKey();
  }
}
