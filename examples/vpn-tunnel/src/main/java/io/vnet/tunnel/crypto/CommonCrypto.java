package io.vnet.tunnel.crypto;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.bouncycastle.crypto.digests.Blake2sDigest;
import org.jspecify.annotations.Nullable;

/**
 * What every provider has alike: BLAKE2s by Bouncy Castle, which a handshake spends two percent of
 * its time in, HMAC over it, and XChaCha20-Poly1305 out of HChaCha20 and the provider's own AEAD.
 */
abstract sealed class CommonCrypto implements Crypto permits LibcryptoCrypto, PortableCrypto {
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final int BLOCK_BYTES = 64;
  private static final int MAC_BYTES = 16;
  private static final byte INNER_PAD = 0x36;
  private static final byte OUTER_PAD = 0x5c;

  @Override
  public final byte[] hash(byte[]... parts) {
    return finish(new Blake2sDigest(), parts);
  }

  @Override
  public final byte[] mac(byte[] key, byte[] text, int from, int length) {
    if (key.length == 0) {
      throw new IllegalArgumentException("a mac needs a key");
    }
    Blake2sDigest digest = new Blake2sDigest(key, MAC_BYTES, null, null);
    digest.update(text, from, length);
    byte[] mac = new byte[MAC_BYTES];
    digest.doFinal(mac, 0);
    digest.clearKey();
    return mac;
  }

  @Override
  public final byte[] hmac(byte[] key, byte[]... parts) {
    if (key.length > BLOCK_BYTES) {
      throw new IllegalArgumentException("a key of at most 64 bytes, not " + key.length);
    }
    byte[] block = padded(key, INNER_PAD);
    Blake2sDigest digest = new Blake2sDigest();
    digest.update(block, 0, BLOCK_BYTES);
    byte[] inner = finish(digest, parts);
    for (int i = 0; i < BLOCK_BYTES; i++) {
      block[i] ^= INNER_PAD ^ OUTER_PAD;
    }
    byte[] outer = hash(block, inner);
    Arrays.fill(block, (byte) 0);
    Arrays.fill(inner, (byte) 0);
    return outer;
  }

  private static byte[] padded(byte[] key, byte pad) {
    byte[] block = Arrays.copyOf(key, BLOCK_BYTES);
    for (int i = 0; i < BLOCK_BYTES; i++) {
      block[i] ^= pad;
    }
    return block;
  }

  private static byte[] finish(Blake2sDigest digest, byte[]... parts) {
    for (byte[] part : parts) {
      digest.update(part, 0, part.length);
    }
    byte[] hash = new byte[KEY_BYTES];
    digest.doFinal(hash, 0); // Also clears what the digest still holds of its input.
    return hash;
  }

  @Override
  public final byte[] sealWithNonce(byte[] key, byte[] nonce, byte[] plain, byte[] additional) {
    byte[] subkey = subkey(key, nonce);
    byte[] sealed = seal(subkey, counter(nonce), plain, additional);
    Arrays.fill(subkey, (byte) 0);
    return sealed;
  }

  @Override
  public final byte @Nullable [] openWithNonce(
      byte[] key, byte[] nonce, byte[] sealed, byte[] additional) {
    byte[] subkey = subkey(key, nonce);
    byte[] plain = open(subkey, counter(nonce), sealed, additional);
    Arrays.fill(subkey, (byte) 0);
    return plain;
  }

  private static byte[] subkey(byte[] key, byte[] nonce) {
    checkLength("key", key, KEY_BYTES);
    checkLength("nonce", nonce, NONCE_BYTES);
    return HChaCha20.subkey(key, nonce);
  }

  /** The rest of the nonce behind four zero bytes is where this interface puts a counter. */
  private static long counter(byte[] nonce) {
    return (long) LONG.get(nonce, HChaCha20.NONCE_BYTES);
  }

  /** Refuses an array of another length; says nothing of what is in it. */
  static void checkLength(String what, byte[] bytes, int length) {
    if (bytes.length != length) {
      throw new IllegalArgumentException(
          what + " of " + bytes.length + " bytes, not " + length + " as wanted");
    }
  }

  /** For people; no secret can be in it. */
  @Override
  public final String toString() {
    return name();
  }
}
