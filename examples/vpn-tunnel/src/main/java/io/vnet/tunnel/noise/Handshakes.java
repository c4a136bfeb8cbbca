package io.vnet.tunnel.noise;

import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.key.PresharedKey;
import io.vnet.tunnel.key.PublicKey;
import org.jspecify.annotations.Nullable;

/**
 * The four steps of a handshake. Each is a function: what it is handed stays as it is. What a step
 * refuses is null, without a reason, as nobody is told one.
 */
@SuppressWarnings({
  "DoNotCallSuggester",
  "ObjectToString",
  "UnusedVariable"
}) // Until it is written.
public final class Handshakes {
  private Handshakes() {}

  /** What the initiator keeps until the response comes. */
  public static final class Initiation {
    private Initiation() {}

    /** The message, 148 bytes, whose macs are zero. A copy. */
    public byte[] message() {
      throw new UnsupportedOperationException();
    }

    /** The index that its sender chose. */
    public int senderIndex() {
      throw new UnsupportedOperationException();
    }

    /** Overwrites the secrets. */
    public void erase() {
      throw new UnsupportedOperationException();
    }
  }

  /** An initiation whose sender is known, but not yet that it is he. */
  public static final class Opened {
    private Opened() {}

    /** Who says to have sent it. */
    public PublicKey initiator() {
      throw new UnsupportedOperationException();
    }
  }

  /** An authentic initiation, which may be a replayed one. */
  public static final class Consumed {
    private Consumed() {}

    /** TAI64N, 12 bytes. A copy. */
    public byte[] timestamp() {
      throw new UnsupportedOperationException();
    }

    /** The index that the initiator chose. */
    public int remoteIndex() {
      throw new UnsupportedOperationException();
    }

    /** Overwrites the secrets. */
    public void erase() {
      throw new UnsupportedOperationException();
    }
  }

  /** A response and the keys that it leads to. */
  public static final class Response {
    private Response() {}

    /** The message, 92 bytes, whose macs are zero. A copy. */
    public byte[] message() {
      throw new UnsupportedOperationException();
    }

    /** The responder's keys, which are the caller's to erase. */
    public TransportKeys keys() {
      throw new UnsupportedOperationException();
    }
  }

  /**
   * Step 1, at the initiator; costs two X25519.
   *
   * @param timestamp TAI64N, 12 bytes
   * @param ephemeral 32 random bytes, which are clamped
   * @return null: the peer's key is of small order
   */
  public static @Nullable Initiation initiate(
      Crypto crypto,
      Identity own,
      PeerIdentity peer,
      int senderIndex,
      byte[] timestamp,
      byte[] ephemeral) {
    throw new UnsupportedOperationException();
  }

  /**
   * Step 2, first half, at the responder; costs one X25519.
   *
   * @param message 148 bytes
   */
  public static @Nullable Opened open(Crypto crypto, Identity own, byte[] message) {
    throw new UnsupportedOperationException();
  }

  /** Step 2, second half, when the peer has been looked up. */
  public static @Nullable Consumed consume(Crypto crypto, Opened opened, PeerIdentity peer) {
    throw new UnsupportedOperationException();
  }

  /** Step 3, at the responder; costs three X25519. */
  public static @Nullable Response respond(
      Crypto crypto,
      Consumed consumed,
      PeerIdentity peer,
      PresharedKey presharedKey,
      int senderIndex,
      byte[] ephemeral) {
    throw new UnsupportedOperationException();
  }

  /**
   * Step 4, at the initiator; costs two X25519.
   *
   * @param message 92 bytes
   */
  public static @Nullable TransportKeys finish(
      Crypto crypto,
      Identity own,
      Initiation initiation,
      PresharedKey presharedKey,
      byte[] message) {
    throw new UnsupportedOperationException();
  }
}
