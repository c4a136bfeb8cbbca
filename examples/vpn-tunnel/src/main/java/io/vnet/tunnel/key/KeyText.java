package io.vnet.tunnel.key;

/**
 * Text of keys: standard base64 of 44 characters, or 64 hex digits. Both ways take the same time
 * for every key.
 */
final class KeyText {
  static final int KEY_BYTES = 32;
  private static final int HEX_CHARS = 64;
  private static final int BASE64_CHARS = 44;

  private KeyText() {}

  static byte[] checked(byte[] bytes) {
    if (bytes.length != KEY_BYTES) {
      throw new IllegalArgumentException("not a key: 32 bytes wanted, " + bytes.length + " given");
    }
    return bytes.clone();
  }

  /** Never repeats the text in its message: it may be a secret. */
  static byte[] fromBase64(String text) {
    if (text.length() != BASE64_CHARS) {
      throw new IllegalArgumentException(
          "not a key: 44 base64 characters wanted, " + text.length() + " given");
    }
    byte[] key = new byte[KEY_BYTES];
    int bad = text.charAt(BASE64_CHARS - 1) == '=' ? 0 : -1;
    for (int i = 0; i < BASE64_CHARS / 4; i++) {
      int word = 0;
      for (int j = 0; j < 4; j++) {
        int at = i * 4 + j;
        int digit = at == BASE64_CHARS - 1 ? 0 : base64Digit(text.charAt(at));
        bad |= digit;
        word = word << 6 | (digit & 63);
      }
      for (int j = 0; j < 3; j++) {
        int at = i * 3 + j;
        if (at < KEY_BYTES) {
          key[at] = (byte) (word >> (16 - 8 * j));
        } else {
          bad |= -(word & 255);
        }
      }
    }
    if (bad < 0) {
      throw new IllegalArgumentException("not a key: not the base64 text of 32 bytes");
    }
    return key;
  }

  static String toBase64(byte[] key) {
    char[] text = new char[BASE64_CHARS];
    for (int i = 0; i < BASE64_CHARS / 4; i++) {
      int word = 0;
      for (int j = 0; j < 3; j++) {
        word = word << 8 | (i * 3 + j < KEY_BYTES ? key[i * 3 + j] & 255 : 0);
      }
      for (int j = 0; j < 4; j++) {
        text[i * 4 + j] = base64Char(word >> (18 - 6 * j) & 63);
      }
    }
    text[BASE64_CHARS - 1] = '=';
    return new String(text);
  }

  /** Never repeats the text in its message: it may be a secret. */
  static byte[] fromHex(String text) {
    if (text.length() != HEX_CHARS) {
      throw new IllegalArgumentException(
          "not a key: 64 hex digits wanted, " + text.length() + " characters given");
    }
    byte[] key = new byte[KEY_BYTES];
    int bad = 0;
    for (int i = 0; i < KEY_BYTES; i++) {
      int high = hexDigit(text.charAt(2 * i));
      int low = hexDigit(text.charAt(2 * i + 1));
      bad |= high | low;
      key[i] = (byte) (high << 4 | (low & 15));
    }
    if (bad < 0) {
      throw new IllegalArgumentException("not a key: not 64 hex digits");
    }
    return key;
  }

  static String toHex(byte[] key) {
    char[] text = new char[HEX_CHARS];
    for (int i = 0; i < KEY_BYTES; i++) {
      text[2 * i] = hexChar(key[i] >> 4 & 15);
      text[2 * i + 1] = hexChar(key[i] & 15);
    }
    return new String(text);
  }

  /** Bytewise, without a branch on what they are. */
  static boolean same(byte[] a, byte[] b) {
    int difference = 0;
    for (int i = 0; i < KEY_BYTES; i++) {
      difference |= a[i] ^ b[i];
    }
    return difference == 0;
  }

  static boolean isZero(byte[] key) {
    return same(key, new byte[KEY_BYTES]);
  }

  /** The digit, or a negative number. */
  private static int base64Digit(int c) {
    int digit = -1;
    digit += within(c, 'A', 'Z') & (c - 'A' + 1);
    digit += within(c, 'a', 'z') & (c - 'a' + 27);
    digit += within(c, '0', '9') & (c - '0' + 53);
    digit += within(c, '+', '+') & 63;
    digit += within(c, '/', '/') & 64;
    return digit;
  }

  private static char base64Char(int digit) {
    int c = 'A' + digit;
    c += within(digit, 26, 63) & ('a' - 'Z' - 1);
    c += within(digit, 52, 63) & ('0' - 'z' - 1);
    c += within(digit, 62, 63) & ('+' - '9' - 1);
    c += within(digit, 63, 63) & ('/' - '+' - 1);
    return (char) c;
  }

  private static int hexDigit(int c) {
    int digit = -1;
    digit += within(c, '0', '9') & (c - '0' + 1);
    digit += within(c, 'a', 'f') & (c - 'a' + 11);
    digit += within(c, 'A', 'F') & (c - 'A' + 11);
    return digit;
  }

  private static char hexChar(int digit) {
    return (char) ('0' + digit + (within(digit, 10, 15) & ('a' - '9' - 1)));
  }

  /** All ones if {@code low <= c <= high}, else 0. */
  private static int within(int c, int low, int high) {
    return ((low - 1 - c) & (c - high - 1)) >> 31;
  }
}
