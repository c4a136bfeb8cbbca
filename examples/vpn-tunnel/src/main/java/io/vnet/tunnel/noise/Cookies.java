package io.vnet.tunnel.noise;

import io.vnet.api.address.Endpoint;
import io.vnet.tunnel.crypto.Crypto;
import org.jspecify.annotations.Nullable;

/** Cookies of the side that is under load, and what the other side makes of a reply. */
@SuppressWarnings({
  "DoNotCallSuggester",
  "ObjectToString",
  "UnusedVariable"
}) // Until it is written.
public final class Cookies {
  private Cookies() {}

  /** The cookie, 16 bytes, that belongs to an address and port under a secret of 32 bytes. */
  public static byte[] of(Crypto crypto, byte[] secret, Endpoint source) {
    throw new UnsupportedOperationException();
  }

  /** Whether mac2 of an initiation or response was made with this cookie; in constant time. */
  public static boolean isSigned(Crypto crypto, byte[] cookie, byte[] message) {
    throw new UnsupportedOperationException();
  }

  /**
   * A cookie reply, 64 bytes, to an initiation or response.
   *
   * @param nonce 24 random bytes
   */
  public static byte[] reply(
      Crypto crypto, Identity own, byte[] cookie, byte[] message, byte[] nonce) {
    throw new UnsupportedOperationException();
  }

  /**
   * The cookie in a reply.
   *
   * @param mac1 of the message that it answers
   * @return null: it is not authentic
   */
  public static byte @Nullable [] open(
      Crypto crypto, PeerIdentity peer, byte[] mac1, byte[] reply) {
    throw new UnsupportedOperationException();
  }
}
