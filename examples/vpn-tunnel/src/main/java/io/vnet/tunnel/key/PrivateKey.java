package io.vnet.tunnel.key;

/** An X25519 private key, clamped (RFC 7748, section 5); zeros stand for none. Immutable. */
public final class PrivateKey extends KeyBytes {
  /** How long one is, in bytes. */
  public static final int BYTES = KeyText.KEY_BYTES;

  private PrivateKey(byte[] bytes) {
    super(bytes);
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
}
