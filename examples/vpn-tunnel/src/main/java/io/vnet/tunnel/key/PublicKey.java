package io.vnet.tunnel.key;

import org.jspecify.annotations.Nullable;

/** A peer's name: the X25519 public key. Immutable. */
public final class PublicKey {
  /** How long one is, in bytes. */
  public static final int BYTES = KeyText.KEY_BYTES;

  private final byte[] bytes;

  private PublicKey(byte[] bytes) {
    this.bytes = bytes;
  }

  /**
   * A copy of 32 bytes.
   *
   * @throws IllegalArgumentException if they are not 32
   */
  public static PublicKey of(byte[] bytes) {
    return new PublicKey(KeyText.checked(bytes));
  }

  /**
   * Parses 44 characters of base64.
   *
   * @throws IllegalArgumentException that does not repeat the text
   */
  public static PublicKey fromBase64(String text) {
    return of(KeyText.fromBase64(text));
  }

  /**
   * Parses 64 hex digits of either case.
   *
   * @throws IllegalArgumentException that does not repeat the text
   */
  public static PublicKey fromHex(String text) {
    return of(KeyText.fromHex(text));
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
    return other instanceof PublicKey key && KeyText.same(bytes, key.bytes);
  }

  @Override
  public int hashCode() {
    return (bytes[0] & 255) | (bytes[1] & 255) << 8 | (bytes[2] & 255) << 16 | bytes[3] << 24;
  }

  /** Base64, as people know it. */
  @Override
  public String toString() {
    return base64();
  }
}
