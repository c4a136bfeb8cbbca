package io.vnet.tunnel.noise;

import io.vnet.tunnel.crypto.Crypto;

/** mac1 and mac2 at the end of initiations and responses. */
@SuppressWarnings({
  "DoNotCallSuggester",
  "ObjectToString",
  "UnusedVariable"
}) // Until it is written.
public final class Macs {
  private Macs() {}

  /** Writes mac1 for this receiver. */
  public static void sign(Crypto crypto, PeerIdentity receiver, byte[] message) {
    throw new UnsupportedOperationException();
  }

  /** Writes mac2 with a cookie of 16 bytes; after mac1. */
  public static void signWithCookie(Crypto crypto, byte[] cookie, byte[] message) {
    throw new UnsupportedOperationException();
  }

  /** A copy of mac1, 16 bytes. */
  public static byte[] mac1(byte[] message) {
    throw new UnsupportedOperationException();
  }

  /** Whether mac1 was made by somebody who knows this public key; in constant time. */
  public static boolean isSigned(Crypto crypto, Identity receiver, byte[] message) {
    throw new UnsupportedOperationException();
  }
}
