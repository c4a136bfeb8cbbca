package io.vnet.tunnel.crypto;

import org.jspecify.annotations.Nullable;

/**
 * X25519, BLAKE2s, ChaCha20-Poly1305 and XChaCha20-Poly1305 as the protocol needs them. Arrays are
 * the caller's, are not kept, and are 32 bytes long where nothing else is said.
 *
 * <p><b>Threads:</b> every method may be called from any thread at any time.
 *
 * <p>Keys, nonces and results of another length than they have are refused by {@link
 * IllegalArgumentException}.
 *
 * <p>Source: RFC 7748 (X25519), RFC 7693 (BLAKE2s), RFC 8439 (ChaCha20-Poly1305).
 */
public interface Crypto {
  /** Of every key, hash and shared secret, in bytes. */
  int KEY_BYTES = 32;

  /** Of the tag behind a sealed text, in bytes. */
  int TAG_BYTES = 16;

  /** Of the nonce of {@link #sealWithNonce}, in bytes. */
  int NONCE_BYTES = 24;

  /** For people: {@code libcrypto 3.0.17}. */
  String name();

  /**
   * X25519.
   *
   * @param privateKey clamped
   * @param publicKey whose top bit is ignored
   * @param shared where the result goes
   * @return false: the result would be zero, as with a point of small order; {@code shared} is zero
   *     then
   */
  boolean agree(byte[] privateKey, byte[] publicKey, byte[] shared);

  /** The public key of a clamped private one. */
  byte[] publicKey(byte[] privateKey);

  /** BLAKE2s of parts one after the other, without key. */
  byte[] hash(byte[]... parts);

  /**
   * Keyed BLAKE2s with an output of 16 bytes.
   *
   * @param key 1 to 32 bytes
   */
  byte[] mac(byte[] key, byte[] text, int from, int length);

  /**
   * HMAC over BLAKE2s (RFC 2104, block size 64).
   *
   * @param key at most 64 bytes
   */
  byte[] hmac(byte[] key, byte[]... parts);

  /**
   * ChaCha20-Poly1305; the nonce is 4 zero bytes and the counter, little-endian.
   *
   * @return the sealed text with its tag, 16 bytes longer
   */
  byte[] seal(byte[] key, long counter, byte[] plain, byte[] additional);

  /**
   * Opens what {@link #seal} made.
   *
   * @return null if the tag does not fit or the text is shorter than a tag
   */
  byte @Nullable [] open(byte[] key, long counter, byte[] sealed, byte[] additional);

  /**
   * XChaCha20-Poly1305.
   *
   * @param nonce 24 bytes
   */
  byte[] sealWithNonce(byte[] key, byte[] nonce, byte[] plain, byte[] additional);

  /** Opens what {@link #sealWithNonce} made; null as in {@link #open}. */
  byte @Nullable [] openWithNonce(byte[] key, byte[] nonce, byte[] sealed, byte[] additional);

  /** A cipher for packets under one key, which it copies. */
  TransportCipher transportCipher(byte[] key);
}
