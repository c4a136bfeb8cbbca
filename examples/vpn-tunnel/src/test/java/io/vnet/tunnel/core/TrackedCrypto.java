package io.vnet.tunnel.core;

import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.crypto.TransportCipher;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Real primitives, and which transport ciphers are not closed yet. */
final class TrackedCrypto implements Crypto {
  private final Crypto crypto;
  private final Set<TransportCipher> open = ConcurrentHashMap.newKeySet();

  TrackedCrypto(Crypto crypto) {
    this.crypto = crypto;
  }

  int openCiphers() {
    return open.size();
  }

  @Override
  public String name() {
    return crypto.name();
  }

  @Override
  public boolean agree(byte[] privateKey, byte[] publicKey, byte[] shared) {
    return crypto.agree(privateKey, publicKey, shared);
  }

  @Override
  public byte[] publicKey(byte[] privateKey) {
    return crypto.publicKey(privateKey);
  }

  @Override
  public byte[] hash(byte[]... parts) {
    return crypto.hash(parts);
  }

  @Override
  public byte[] mac(byte[] key, byte[] text, int from, int length) {
    return crypto.mac(key, text, from, length);
  }

  @Override
  public byte[] hmac(byte[] key, byte[]... parts) {
    return crypto.hmac(key, parts);
  }

  @Override
  public byte[] seal(byte[] key, long counter, byte[] plain, byte[] additional) {
    return crypto.seal(key, counter, plain, additional);
  }

  @Override
  public byte @Nullable [] open(byte[] key, long counter, byte[] sealed, byte[] additional) {
    return crypto.open(key, counter, sealed, additional);
  }

  @Override
  public byte[] sealWithNonce(byte[] key, byte[] nonce, byte[] plain, byte[] additional) {
    return crypto.sealWithNonce(key, nonce, plain, additional);
  }

  @Override
  public byte @Nullable [] openWithNonce(
      byte[] key, byte[] nonce, byte[] sealed, byte[] additional) {
    return crypto.openWithNonce(key, nonce, sealed, additional);
  }

  @Override
  public TransportCipher transportCipher(byte[] key) {
    TransportCipher cipher = crypto.transportCipher(key);
    TransportCipher tracked =
        new TransportCipher() {
          @Override
          public void seal(
              long counter,
              MemorySegment from,
              long fromOffset,
              int length,
              MemorySegment to,
              long toOffset) {
            cipher.seal(counter, from, fromOffset, length, to, toOffset);
          }

          @Override
          public boolean open(
              long counter,
              MemorySegment from,
              long fromOffset,
              int length,
              MemorySegment to,
              long toOffset) {
            return cipher.open(counter, from, fromOffset, length, to, toOffset);
          }

          @Override
          public void close() {
            cipher.close();
            open.remove(this);
          }
        };
    open.add(tracked);
    return tracked;
  }
}
