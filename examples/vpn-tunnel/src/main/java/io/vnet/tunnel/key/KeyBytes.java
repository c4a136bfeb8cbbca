package io.vnet.tunnel.key;

import org.jspecify.annotations.Nullable;

/** What the three kinds of key have in common: 32 bytes and their text. Immutable. */
abstract sealed class KeyBytes permits PublicKey, PrivateKey, PresharedKey {
  private final byte[] bytes;

  /** The array is given away. */
  KeyBytes(byte[] bytes) {
    this.bytes = bytes;
  }

  /** A copy of the 32 bytes. */
  public final byte[] bytes() {
    return bytes.clone();
  }

  /** 44 characters of base64. */
  public final String base64() {
    return KeyText.toBase64(bytes);
  }

  /** 64 lower-case hex digits. */
  public final String hex() {
    return KeyText.toHex(bytes);
  }

  /** Whether all bytes are zero, which stands for no key. */
  public final boolean isZero() {
    return KeyText.isZero(bytes);
  }

  /** The same kind and the same bytes; takes the same time whatever they are. */
  @Override
  public final boolean equals(@Nullable Object other) {
    return other instanceof KeyBytes key
        && key.getClass() == getClass()
        && KeyText.same(bytes, key.bytes);
  }

  /** The same for all of a kind: a hash of a secret tells of it. */
  @Override
  public int hashCode() {
    return 0;
  }

  /** Nothing of the key. */
  @Override
  public String toString() {
    return "(hidden)";
  }

  /** The first four, for who hashes what everybody may know. */
  final int firstWord() {
    return (bytes[0] & 255) | (bytes[1] & 255) << 8 | (bytes[2] & 255) << 16 | bytes[3] << 24;
  }
}
