package io.vnet.tunnel.key;

import org.jspecify.annotations.Nullable;

/** An X25519 private key, clamped (RFC 7748, section 5); zeros stand for none. Immutable. */
public final class PrivateKey {
  /** How long one is, in bytes. */
  public static final int BYTES = KeyText.KEY_BYTES;

  private final byte[] bytes;

  private PrivateKey(byte[] bytes) {
    this.bytes = bytes;
  }

  /**
   * A copy of 32 bytes.
   *
   * @throws IllegalArgumentException if they are not 32
   */
  public static PrivateKey of(byte[] bytes) {
    return new PrivateKey(clamped(KeyText.checked(bytes)));
  }

  /**
   * Parses 44 characters of base64.
   *
   * @throws IllegalArgumentException that does not repeat the text
   */
  public static PrivateKey fromBase64(String text) {
    return of(KeyText.fromBase64(text));
  }

  /**
   * Parses 64 hex digits of either case.
   *
   * @throws IllegalArgumentException that does not repeat the text
   */
  public static PrivateKey fromHex(String text) {
    return of(KeyText.fromHex(text));
  }

  private static byte[] clamped(byte[] bytes) {
    if (!KeyText.isZero(bytes)) {
      bytes[0] &= (byte) 248;
      bytes[31] = (byte) ((bytes[31] & 127) | 64);
    }
    return bytes;
  }

  /** A copy of the 32 bytes. */
  public byte[] bytes() {
    return bytes.clone();
  }

  /** 44 characters of base64. */
  public String base64() {
    return KeyText.toBase64(bytes);
  }

  /** 64 lower-case hex digits. */
  public String hex() {
    return KeyText.toHex(bytes);
  }

  /** Whether all bytes are zero, which stands for no key. */
  public boolean isZero() {
    return KeyText.isZero(bytes);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof PrivateKey key && KeyText.same(bytes, key.bytes);
  }

  /** The same for all: a hash of a secret tells of it. */
  @Override
  public int hashCode() {
    return 0;
  }

  /** Nothing of the key. */
  @Override
  public String toString() {
    return "(hidden)";
  }
}
