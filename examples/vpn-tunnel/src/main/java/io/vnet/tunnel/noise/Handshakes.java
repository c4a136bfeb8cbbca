package io.vnet.tunnel.noise;

import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.key.PresharedKey;
import io.vnet.tunnel.key.PublicKey;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The four steps of a handshake. Each is a function: what it is handed stays as it is, so a step
 * that was refused can be tried again with another message. What a step refuses is null, without a
 * reason, as nobody is told one.
 *
 * <p>What a step returns holds secrets, and its owner erases it as soon as it has served, at any
 * time and on any thread: a step that has begun goes on with its copy, and a later one refuses what
 * is erased. It has to: zeros are no secret, and whoever knows that they are there could answer.
 *
 * <p>Source: the protocol's sections 5.4.2 and 5.4.3; the Noise protocol framework, revision 34,
 * pattern IK with modifier psk2.
 */
public final class Handshakes {
  private static final int KEY_BYTES = Crypto.KEY_BYTES;
  private static final int TAG_BYTES = Crypto.TAG_BYTES;

  // An initiation.
  private static final int EPHEMERAL_AT = 8;
  private static final int STATIC_AT = EPHEMERAL_AT + KEY_BYTES;
  private static final int TIMESTAMP_AT = STATIC_AT + KEY_BYTES + TAG_BYTES;
  private static final int TIMESTAMP_END = TIMESTAMP_AT + Tai64n.BYTES + TAG_BYTES;

  // A response.
  private static final int RECEIVER_AT = 8;
  private static final int RESPONSE_EPHEMERAL_AT = 12;
  private static final int EMPTY_AT = RESPONSE_EPHEMERAL_AT + KEY_BYTES;
  private static final int EMPTY_END = EMPTY_AT + TAG_BYTES;

  private static final byte[] NOTHING = {};

  private Handshakes() {}

  /** What the initiator keeps until the response comes. */
  public static final class Initiation {
    private final SymmetricState state;
    private final byte[] ephemeral;
    private final byte[] message;
    private boolean erased;

    private Initiation(SymmetricState state, byte[] ephemeral, byte[] message) {
      this.state = state;
      this.ephemeral = ephemeral;
      this.message = message;
    }

    /** The message, 148 bytes, whose macs are zero. A copy. */
    public byte[] message() {
      return message.clone();
    }

    /** The index that its sender chose. */
    public int senderIndex() {
      return Messages.getInt(message, Messages.SENDER_AT);
    }

    SymmetricState state() {
      return state;
    }

    /** With secrets of its own; null: they are erased. */
    private synchronized @Nullable Initiation copy(Crypto crypto) {
      return erased ? null : new Initiation(state.copy(crypto), ephemeral.clone(), message);
    }

    /** Overwrites the secrets. */
    public synchronized void erase() {
      erased = true;
      state.erase();
      SymmetricState.erase(ephemeral);
    }
  }

  /** An initiation whose sender is known, but not yet that it is he. */
  public static final class Opened {
    private final SymmetricState state;
    private final PublicKey initiator;
    private final byte[] message;
    private boolean erased;

    private Opened(SymmetricState state, PublicKey initiator, byte[] message) {
      this.state = state;
      this.initiator = initiator;
      this.message = message;
    }

    /** Who says to have sent it. */
    public PublicKey initiator() {
      return initiator;
    }

    SymmetricState state() {
      return state;
    }

    /** A copy of the state; null: it is erased. */
    private synchronized @Nullable SymmetricState copy(Crypto crypto) {
      return erased ? null : state.copy(crypto);
    }

    /** Overwrites the secrets. */
    public synchronized void erase() {
      erased = true;
      state.erase();
    }
  }

  /** An authentic initiation, which may be a replayed one. */
  public static final class Consumed {
    private final SymmetricState state;
    private final byte[] remoteEphemeral;
    private final byte[] timestamp;
    private final int remoteIndex;
    private boolean erased;

    private Consumed(
        SymmetricState state, byte[] remoteEphemeral, byte[] timestamp, int remoteIndex) {
      this.state = state;
      this.remoteEphemeral = remoteEphemeral;
      this.timestamp = timestamp;
      this.remoteIndex = remoteIndex;
    }

    /** TAI64N, 12 bytes. A copy. */
    public byte[] timestamp() {
      return timestamp.clone();
    }

    /** The index that the initiator chose. */
    public int remoteIndex() {
      return remoteIndex;
    }

    SymmetricState state() {
      return state;
    }

    /** With secrets of its own; null: they are erased. */
    private synchronized @Nullable Consumed copy(Crypto crypto) {
      return erased
          ? null
          : new Consumed(state.copy(crypto), remoteEphemeral.clone(), timestamp, remoteIndex);
    }

    /** Overwrites the secrets. */
    public synchronized void erase() {
      erased = true;
      state.erase();
      SymmetricState.erase(remoteEphemeral);
    }
  }

  /** A response and the keys that it leads to. */
  public static final class Response {
    private final byte[] message;
    private final TransportKeys keys;

    private Response(byte[] message, TransportKeys keys) {
      this.message = message;
      this.keys = keys;
    }

    /** The message, 92 bytes, whose macs are zero. A copy. */
    public byte[] message() {
      return message.clone();
    }

    /** The responder's keys, which are the caller's to erase. */
    public TransportKeys keys() {
      return keys;
    }
  }

  /**
   * Step 1, at the initiator; costs two X25519, one of them of the base point.
   *
   * @param timestamp TAI64N, 12 bytes
   * @param ephemeral 32 random bytes, which are clamped in a copy; the caller overwrites them
   * @return null: the peer's key is of small order
   */
  public static @Nullable Initiation initiate(
      Crypto crypto,
      Identity own,
      PeerIdentity peer,
      int senderIndex,
      byte[] timestamp,
      byte[] ephemeral) {
    checkLength("a stamp", timestamp, Tai64n.BYTES);
    if (!peer.isUsable()) {
      return null;
    }
    byte[] privateKey = clamped(ephemeral);
    byte[] publicKey = crypto.publicKey(privateKey);
    SymmetricState state = SymmetricState.start(crypto, peer.startHash());
    state.mixEphemeral(publicKey);
    byte[] key = state.mixAgreementForCipher(privateKey, peer.publicBytes());
    if (key == null) {
      state.erase();
      SymmetricState.erase(privateKey);
      return null;
    }
    byte[] sealedStatic = state.seal(key, own.publicKey().bytes());
    byte[] sealedStamp = state.seal(state.mixKeyForCipher(peer.staticSecret()), timestamp);

    byte[] message = new byte[Messages.INITIATION_BYTES];
    Messages.putInt(message, 0, Messages.INITIATION);
    Messages.putInt(message, Messages.SENDER_AT, senderIndex);
    put(message, EPHEMERAL_AT, publicKey);
    put(message, STATIC_AT, sealedStatic);
    put(message, TIMESTAMP_AT, sealedStamp);
    return new Initiation(state, privateKey, message);
  }

  /**
   * Step 2, first half, at the responder; costs one X25519. The macs are not looked at.
   *
   * @param message 148 bytes
   * @return null: not made for this identity, or no initiation by type and length
   */
  public static @Nullable Opened open(Crypto crypto, Identity own, byte[] message) {
    if (!is(message, Messages.INITIATION, Messages.INITIATION_BYTES)) {
      return null;
    }
    byte[] ephemeral = Arrays.copyOfRange(message, EPHEMERAL_AT, STATIC_AT);
    SymmetricState state = SymmetricState.start(crypto, own.startHash());
    state.mixEphemeral(ephemeral);
    byte[] key = state.mixAgreementForCipher(own.privateBytes(), ephemeral);
    byte[] initiator =
        key == null ? null : state.open(key, Arrays.copyOfRange(message, STATIC_AT, TIMESTAMP_AT));
    if (initiator == null) {
      state.erase();
      return null;
    }
    return new Opened(state, PublicKey.of(initiator), message.clone());
  }

  /**
   * Step 2, second half, when the peer has been looked up.
   *
   * @return null: it is not he, his key is of small order, or what was opened is erased
   */
  public static @Nullable Consumed consume(Crypto crypto, Opened opened, PeerIdentity peer) {
    if (!peer.isUsable() || !peer.publicKey().equals(opened.initiator)) {
      return null;
    }
    byte[] message = opened.message;
    SymmetricState state = opened.copy(crypto);
    if (state == null) {
      return null;
    }
    byte[] timestamp =
        state.open(
            state.mixKeyForCipher(peer.staticSecret()),
            Arrays.copyOfRange(message, TIMESTAMP_AT, TIMESTAMP_END));
    if (timestamp == null) {
      state.erase();
      return null;
    }
    return new Consumed(
        state,
        Arrays.copyOfRange(message, EPHEMERAL_AT, STATIC_AT),
        timestamp,
        Messages.getInt(message, Messages.SENDER_AT));
  }

  /**
   * Step 3, at the responder; costs three X25519, one of them of the base point.
   *
   * @param ephemeral 32 random bytes, which are clamped in a copy; the caller overwrites them
   * @return null: a key of the initiator is of small order, or what was consumed is erased
   */
  public static @Nullable Response respond(
      Crypto crypto,
      Consumed consumed,
      PeerIdentity peer,
      PresharedKey presharedKey,
      int senderIndex,
      byte[] ephemeral) {
    byte[] privateKey = clamped(ephemeral);
    Consumed copy = consumed.copy(crypto);
    if (copy == null) {
      SymmetricState.erase(privateKey);
      return null;
    }
    byte[] publicKey = crypto.publicKey(privateKey);
    SymmetricState state = copy.state;
    state.mixEphemeral(publicKey);
    boolean agreed =
        state.mixAgreement(privateKey, copy.remoteEphemeral)
            && state.mixAgreement(privateKey, peer.publicBytes());
    SymmetricState.erase(privateKey);
    if (!agreed) {
      state.erase();
      return null;
    }
    byte[] empty = state.seal(state.mixPresharedKey(presharedKey), NOTHING);
    byte[][] keys = state.split();
    state.erase();

    byte[] message = new byte[Messages.RESPONSE_BYTES];
    Messages.putInt(message, 0, Messages.RESPONSE);
    Messages.putInt(message, Messages.SENDER_AT, senderIndex);
    Messages.putInt(message, RECEIVER_AT, consumed.remoteIndex);
    put(message, RESPONSE_EPHEMERAL_AT, publicKey);
    put(message, EMPTY_AT, empty);
    return new Response(
        message, new TransportKeys(keys[1], keys[0], senderIndex, consumed.remoteIndex));
  }

  /**
   * Step 4, at the initiator; costs two X25519. The macs are not looked at.
   *
   * @param message 92 bytes
   * @return the initiator's keys, which are the caller's to erase; null: not authentic, not the
   *     response to this initiation, which may be erased, or no response by type and length
   */
  public static @Nullable TransportKeys finish(
      Crypto crypto,
      Identity own,
      Initiation initiation,
      PresharedKey presharedKey,
      byte[] message) {
    if (!is(message, Messages.RESPONSE, Messages.RESPONSE_BYTES)
        || Messages.getInt(message, RECEIVER_AT) != initiation.senderIndex()) {
      return null;
    }
    Initiation copy = initiation.copy(crypto);
    if (copy == null) {
      return null;
    }
    byte[] ephemeral = Arrays.copyOfRange(message, RESPONSE_EPHEMERAL_AT, EMPTY_AT);
    SymmetricState state = copy.state;
    state.mixEphemeral(ephemeral);
    boolean authentic =
        state.mixAgreement(copy.ephemeral, ephemeral)
            && state.mixAgreement(own.privateBytes(), ephemeral)
            && state.open(
                    state.mixPresharedKey(presharedKey),
                    Arrays.copyOfRange(message, EMPTY_AT, EMPTY_END))
                != null;
    byte[][] keys = authentic ? state.split() : null;
    copy.erase();
    return keys == null
        ? null
        : new TransportKeys(
            keys[0],
            keys[1],
            initiation.senderIndex(),
            Messages.getInt(message, Messages.SENDER_AT));
  }

  private static boolean is(byte[] message, int type, int length) {
    return message.length == length && Messages.getInt(message, 0) == type;
  }

  private static void put(byte[] message, int at, byte[] field) {
    System.arraycopy(field, 0, message, at, field.length);
  }

  private static byte[] clamped(byte[] random) {
    checkLength("an ephemeral key", random, KEY_BYTES);
    byte[] key = random.clone();
    key[0] &= (byte) 248;
    key[31] = (byte) ((key[31] & 127) | 64);
    return key;
  }

  private static void checkLength(String what, byte[] bytes, int length) {
    if (bytes.length != length) {
      throw new IllegalArgumentException(what + " has " + length + " bytes, not " + bytes.length);
    }
  }
}
