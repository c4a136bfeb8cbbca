package io.vnet.tunnel.noise;

import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.key.PresharedKey;
import io.vnet.tunnel.key.PublicKey;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Chaining key and hash of a handshake under way (Noise, section 5.2). The chaining key is a
 * secret.
 *
 * <p><b>Owner:</b> whoever holds it, one thread at a time; {@link #erase} ends it.
 */
final class SymmetricState {
  /** Of what is hashed first; with {@link #CHAINING_KEY}, the hash of it, held by a test. */
  static final String CONSTRUCTION = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";

  /** Hashed next. */
  static final String IDENTIFIER = "WireGuard v1 zx2c4 Jason@zx2c4.com";

  /** HASH(CONSTRUCTION). */
  static final String CHAINING_KEY =
      "60e26daef327efc02ec335e2a025d2d016eb4206f87277f52d38d1988b78cd36";

  /** HASH(HASH(CONSTRUCTION) ‖ IDENTIFIER). */
  static final String HASH = "2211b361081ac566691243db458ad5322d9c6c662293e8b70ee19c65ba079ef3";

  private static final byte[] START_CHAINING_KEY = HexFormat.of().parseHex(CHAINING_KEY);
  private static final byte[] START_HASH = HexFormat.of().parseHex(HASH);
  private static final byte[] NOTHING = {};
  private static final byte[] ONE = {1};
  private static final byte[] TWO = {2};
  private static final byte[] THREE = {3};

  private final Crypto crypto;
  private final byte[] chainingKey;
  private byte[] hash;

  private SymmetricState(Crypto crypto, byte[] chainingKey, byte[] hash) {
    this.crypto = crypto;
    this.chainingKey = chainingKey;
    this.hash = hash;
  }

  /** The hash that all handshakes to this responder start with; depends on nothing else. */
  static byte[] startHash(Crypto crypto, PublicKey responder) {
    return crypto.hash(START_HASH, responder.bytes());
  }

  /** HASH(label ‖ public key): the key of mac1 or of cookies, by the label. */
  static byte[] labelled(Crypto crypto, String label, PublicKey publicKey) {
    return crypto.hash(label.getBytes(StandardCharsets.US_ASCII), publicKey.bytes());
  }

  /** At the start of a handshake. */
  static SymmetricState start(Crypto crypto, byte[] startHash) {
    return new SymmetricState(crypto, START_CHAINING_KEY.clone(), startHash.clone());
  }

  /** The same state once more, to go on with another primitives' provider or the same. */
  SymmetricState copy(Crypto other) {
    return new SymmetricState(other, chainingKey.clone(), hash.clone());
  }

  /** A copy, for tests. */
  byte[] chainingKey() {
    return chainingKey.clone();
  }

  /** A copy, for tests. */
  byte[] hash() {
    return hash.clone();
  }

  /** {@code H = HASH(H ‖ data)}. */
  void mixHash(byte[] data) {
    hash = crypto.hash(hash, data);
  }

  /**
   * A public ephemeral key as a message carries it: {@code C = KDF1(C, key)}, and into the hash.
   */
  void mixEphemeral(byte[] publicKey) {
    mixKey(publicKey);
    mixHash(publicKey);
  }

  /** {@code C = KDF1(C, input)}. */
  void mixKey(byte[] input) {
    byte[] t0 = crypto.hmac(chainingKey, input);
    chain(t0);
    erase(t0);
  }

  /** {@code (C, k) = KDF2(C, input)}. Returns k, which is the caller's to erase. */
  byte[] mixKeyForCipher(byte[] input) {
    byte[] t0 = crypto.hmac(chainingKey, input);
    chain(t0);
    byte[] t2 = crypto.hmac(t0, chainingKey, TWO);
    erase(t0);
    return t2;
  }

  /**
   * {@code (C, tau, k) = KDF3(C, Q)}, and tau into the hash. Returns k, which is the caller's to
   * erase.
   */
  byte[] mixPresharedKey(PresharedKey presharedKey) {
    byte[] input = presharedKey.bytes();
    byte[] t0 = crypto.hmac(chainingKey, input);
    erase(input);
    chain(t0);
    byte[] t2 = crypto.hmac(t0, chainingKey, TWO);
    byte[] t3 = crypto.hmac(t0, t2, THREE);
    mixHash(t2);
    erase(t0);
    erase(t2);
    return t3;
  }

  /** C becomes t1. */
  private void chain(byte[] t0) {
    byte[] t1 = crypto.hmac(t0, ONE);
    System.arraycopy(t1, 0, chainingKey, 0, t1.length);
    erase(t1);
  }

  /**
   * X25519, mixed: {@code C = KDF1(C, DH)}.
   *
   * @return false: a point of small order; the state is as before
   */
  boolean mixAgreement(byte[] privateKey, byte[] publicKey) {
    byte[] shared = new byte[Crypto.KEY_BYTES];
    boolean agreed = crypto.agree(privateKey, publicKey, shared);
    if (agreed) {
      mixKey(shared);
    }
    erase(shared);
    return agreed;
  }

  /**
   * X25519, mixed: {@code (C, k) = KDF2(C, DH)}.
   *
   * @return k, which is the caller's to erase; null: a point of small order
   */
  byte @Nullable [] mixAgreementForCipher(byte[] privateKey, byte[] publicKey) {
    byte[] shared = new byte[Crypto.KEY_BYTES];
    byte[] key = crypto.agree(privateKey, publicKey, shared) ? mixKeyForCipher(shared) : null;
    erase(shared);
    return key;
  }

  /** Seals for a message, and mixes what it carries then. Erases the key. */
  byte[] seal(byte[] key, byte[] plain) {
    byte[] sealed = crypto.seal(key, 0, plain, hash);
    erase(key);
    mixHash(sealed);
    return sealed;
  }

  /**
   * Opens what a message carries and mixes it; null, and no change: not authentic. Erases the key.
   */
  byte @Nullable [] open(byte[] key, byte[] sealed) {
    byte[] plain = crypto.open(key, 0, sealed, hash);
    erase(key);
    if (plain != null) {
      mixHash(sealed);
    }
    return plain;
  }

  /** The keys after the handshake: the initiator sends under the first. */
  byte[][] split() {
    byte[] t0 = crypto.hmac(chainingKey, NOTHING);
    byte[] t1 = crypto.hmac(t0, ONE);
    byte[] t2 = crypto.hmac(t0, t1, TWO);
    erase(t0);
    return new byte[][] {t1, t2};
  }

  /** Overwrites chaining key and hash. */
  void erase() {
    erase(chainingKey);
    erase(hash);
  }

  static void erase(byte[] secret) {
    Arrays.fill(secret, (byte) 0);
  }
}
