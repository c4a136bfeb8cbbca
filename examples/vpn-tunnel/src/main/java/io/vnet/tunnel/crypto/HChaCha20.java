package io.vnet.tunnel.crypto;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The key derivation that makes XChaCha20 out of ChaCha20: the 20 rounds over key and nonce without
 * the addition of the input at the end. No branch and no index depends on the key.
 *
 * <p>Source: draft-irtf-cfrg-xchacha-03, section 2.2; RFC 8439, section 2.3.
 */
final class HChaCha20 {
  /** Of the nonce, in bytes. */
  static final int NONCE_BYTES = 16;

  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  // "expand 32-byte k"
  private static final int[] CONSTANT = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  private static final int WORDS = 16;
  private static final int KEY_WORD = 4;
  private static final int NONCE_WORD = 12;
  private static final int DOUBLE_ROUNDS = 10;

  private HChaCha20() {}

  /** The key of 32 bytes that belongs to a key and the first 16 bytes of a nonce. */
  static byte[] subkey(byte[] key, byte[] nonce) {
    int[] x = new int[WORDS];
    System.arraycopy(CONSTANT, 0, x, 0, CONSTANT.length);
    for (int i = 0; i < NONCE_WORD - KEY_WORD; i++) {
      x[KEY_WORD + i] = (int) INT.get(key, i * Integer.BYTES);
    }
    for (int i = 0; i < WORDS - NONCE_WORD; i++) {
      x[NONCE_WORD + i] = (int) INT.get(nonce, i * Integer.BYTES);
    }
    for (int i = 0; i < DOUBLE_ROUNDS; i++) {
      quarterRound(x, 0, 4, 8, 12);
      quarterRound(x, 1, 5, 9, 13);
      quarterRound(x, 2, 6, 10, 14);
      quarterRound(x, 3, 7, 11, 15);
      quarterRound(x, 0, 5, 10, 15);
      quarterRound(x, 1, 6, 11, 12);
      quarterRound(x, 2, 7, 8, 13);
      quarterRound(x, 3, 4, 9, 14);
    }
    byte[] subkey = new byte[Crypto.KEY_BYTES];
    for (int i = 0; i < 4; i++) {
      INT.set(subkey, i * Integer.BYTES, x[i]);
      INT.set(subkey, (4 + i) * Integer.BYTES, x[NONCE_WORD + i]);
    }
    Arrays.fill(x, 0);
    return subkey;
  }

  private static void quarterRound(int[] x, int a, int b, int c, int d) {
    x[a] += x[b];
    x[d] = Integer.rotateLeft(x[d] ^ x[a], 16);
    x[c] += x[d];
    x[b] = Integer.rotateLeft(x[b] ^ x[c], 12);
    x[a] += x[b];
    x[d] = Integer.rotateLeft(x[d] ^ x[a], 8);
    x[c] += x[d];
    x[b] = Integer.rotateLeft(x[b] ^ x[c], 7);
  }
}
