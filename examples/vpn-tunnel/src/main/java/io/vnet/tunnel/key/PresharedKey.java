package io.vnet.tunnel.key;

/** What two peers share besides their keys; 32 zero bytes stand for none. Immutable. */
public final class PresharedKey extends KeyBytes {
  /** How long one is, in bytes. */
  public static final int BYTES = KeyText.KEY_BYTES;

  private PresharedKey(byte[] bytes) {
    super(bytes);
  }

  /**
   * A copy of 32 bytes.
   *
   * @throws IllegalArgumentException if they are not 32
   */
  public static PresharedKey of(byte[] bytes) {
    return new PresharedKey(KeyText.checked(bytes));
  }

  /**
   * Parses 44 characters of base64.
   *
   * @throws IllegalArgumentException that does not repeat the text
   */
  public static PresharedKey fromBase64(String text) {
    return of(KeyText.fromBase64(text));
  }

  /**
   * Parses 64 hex digits of either case.
   *
   * @throws IllegalArgumentException that does not repeat the text
   */
  public static PresharedKey fromHex(String text) {
    return of(KeyText.fromHex(text));
  }
}
