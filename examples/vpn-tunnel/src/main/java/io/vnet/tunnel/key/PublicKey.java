package io.vnet.tunnel.key;

/** A peer's name: the X25519 public key. Immutable. */
public final class PublicKey extends KeyBytes {
  /** How long one is, in bytes. */
  public static final int BYTES = KeyText.KEY_BYTES;

  private PublicKey(byte[] bytes) {
    super(bytes);
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

  @Override
  public int hashCode() {
    return firstWord();
  }

  /** Base64, as people know it. */
  @Override
  public String toString() {
    return base64();
  }
}
