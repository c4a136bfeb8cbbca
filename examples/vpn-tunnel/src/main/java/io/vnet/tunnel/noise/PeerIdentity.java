package io.vnet.tunnel.noise;

import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.key.PublicKey;

/**
 * A peer as one's own identity sees it: its key and what is derived from both once, among it the
 * static-static secret. Immutable.
 */
public final class PeerIdentity extends StaticIdentity {
  private final byte[] publicBytes;
  private final boolean usable;
  private final byte[] staticSecret;

  private PeerIdentity(Crypto crypto, Identity own, PublicKey peer) {
    super(crypto, peer);
    this.publicBytes = peer.bytes();
    this.staticSecret = new byte[Crypto.KEY_BYTES];
    this.usable = crypto.agree(own.privateBytes(), publicBytes, staticSecret);
  }

  /** Costs one X25519. */
  public static PeerIdentity of(Crypto crypto, Identity own, PublicKey peer) {
    return new PeerIdentity(crypto, own, peer);
  }

  /** Whether handshakes are possible: not with a public key of small order. */
  public boolean isUsable() {
    return usable;
  }

  /** Not a copy; to be read only. */
  byte[] publicBytes() {
    return publicBytes;
  }

  /** Zero if the peer is not usable. Not a copy; to be read only. */
  byte[] staticSecret() {
    return staticSecret;
  }

  /** The public key alone. */
  @Override
  public String toString() {
    return "peer " + publicKey();
  }
}
