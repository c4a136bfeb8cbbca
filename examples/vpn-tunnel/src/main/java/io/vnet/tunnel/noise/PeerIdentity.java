package io.vnet.tunnel.noise;

import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.key.PublicKey;

/**
 * A peer as one's own identity sees it: its key and what is derived from both once, among it the
 * static-static secret. Immutable.
 */
public final class PeerIdentity {
  private final PublicKey publicKey;
  private final byte[] publicBytes;
  private final boolean usable;
  private final byte[] staticSecret;
  private final byte[] mac1Key;
  private final byte[] cookieKey;
  private final byte[] startHash;

  private PeerIdentity(Crypto crypto, Identity own, PublicKey peer) {
    this.publicKey = peer;
    this.publicBytes = peer.bytes();
    this.staticSecret = new byte[Crypto.KEY_BYTES];
    this.usable = crypto.agree(own.privateBytes(), publicBytes, staticSecret);
    this.mac1Key = SymmetricState.labelled(crypto, Macs.LABEL, peer);
    this.cookieKey = SymmetricState.labelled(crypto, Cookies.LABEL, peer);
    this.startHash = SymmetricState.startHash(crypto, peer);
  }

  /** Costs one X25519. */
  public static PeerIdentity of(Crypto crypto, Identity own, PublicKey peer) {
    return new PeerIdentity(crypto, own, peer);
  }

  /** The peer's key. */
  public PublicKey publicKey() {
    return publicKey;
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

  /** Of messages to the peer. Not a copy. */
  byte[] mac1Key() {
    return mac1Key;
  }

  /** Of cookie replies by the peer. Not a copy. */
  byte[] cookieKey() {
    return cookieKey;
  }

  /** Of handshakes that the peer answers. Not a copy. */
  byte[] startHash() {
    return startHash;
  }

  /** The public key alone. */
  @Override
  public String toString() {
    return "peer " + publicKey;
  }
}
