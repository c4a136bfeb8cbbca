package io.vnet.tunnel.noise;

import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.key.PublicKey;

/** One's own key pair, with what is derived from it once. Immutable. */
@SuppressWarnings({
  "DoNotCallSuggester",
  "ObjectToString",
  "UnusedVariable"
}) // Until it is written.
public final class Identity {
  private Identity() {}

  /** Of a private key that is not zero. */
  public static Identity of(Crypto crypto, PrivateKey privateKey) {
    throw new UnsupportedOperationException();
  }

  /** The public key. */
  public PublicKey publicKey() {
    throw new UnsupportedOperationException();
  }
}
