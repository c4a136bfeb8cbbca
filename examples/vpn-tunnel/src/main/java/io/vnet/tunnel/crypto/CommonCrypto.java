package io.vnet.tunnel.crypto;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.bouncycastle.crypto.digests.Blake2sDigest;
import org.jspecify.annotations.Nullable;

/**
 * What every provider has alike: the checks of arguments, BLAKE2s by Bouncy Castle, which a
 * handshake spends two percent of its time in, HMAC over it, and XChaCha20-Poly1305 out of
 * HChaCha20 and the provider's own AEAD.
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
  public final boolean agree(byte[] privateKey, byte[] publicKey, byte[] shared) {
    checkLength("private key", privateKey, KEY_BYTES);
    checkLength("public key", publicKey, KEY_BYTES);
    checkLength("shared secret", shared, KEY_BYTES);
    return x25519(privateKey, publicKey, shared);
  }

  /** {@link #agree} with arguments of the right lengths. */
  abstract boolean x25519(byte[] privateKey, byte[] publicKey, byte[] shared);

  @Override
  public final byte[] publicKey(byte[] privateKey) {
    checkLength("private key", privateKey, KEY_BYTES);
    byte[] publicKey = new byte[KEY_BYTES];
    x25519Base(privateKey, publicKey);
    return publicKey;
  }

  /** {@link #publicKey} into an array of its length. */
  abstract void x25519Base(byte[] privateKey, byte[] publicKey);

  @Override
  public final byte[] seal(byte[] key, long counter, byte[] plain, byte[] additional) {
    checkLength("key", key, KEY_BYTES);
    return sealText(key, counter, plain, additional);
  }

  /** {@link #seal} with a key of the right length. */
  abstract byte[] sealText(byte[] key, long counter, byte[] plain, byte[] additional);

  @Override
  public final byte @Nullable [] open(byte[] key, long counter, byte[] sealed, byte[] additional) {
    checkLength("key", key, KEY_BYTES);
    return sealed.length < TAG_BYTES ? null : openText(key, counter, sealed, additional);
  }

  /** {@link #open} with a key of the right length and a text that has a tag. */
  abstract byte @Nullable [] openText(byte[] key, long counter, byte[] sealed, byte[] additional);

  @Override
  public final TransportCipher transportCipher(byte[] key) {
    checkLength("key", key, KEY_BYTES);
    return packetCipher(key);
  }

  /** {@link #transportCipher} with a key of the right length. */
  abstract TransportCipher packetCipher(byte[] key);

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
  private static void checkLength(String what, byte[] bytes, int length) {
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
