package io.vnet.tunnel.crypto;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The fast provider: X25519 and ChaCha20-Poly1305 of the system's libcrypto, BLAKE2s of Bouncy
 * Castle.
 *
 * <p><b>A packet:</b> no allocation, no copy, four short calls into libcrypto. <b>A transport
 * cipher</b> owns one context of libcrypto with the key in it, 870 bytes of native memory: 10,000
 * peers with one keypair each have 17 MB of them, and three times as much at the moment when all of
 * them change keys. One context a thread that takes the key anew with each packet would need less,
 * but would hold the last key of a thread as long as no other packet comes, and nobody could say
 * when a key is gone.
 */
final class LibcryptoCrypto extends CommonCrypto {
  private static final byte[] BASE_POINT = Arrays.copyOf(new byte[] {9}, KEY_BYTES);

  private final LibcryptoFunctions functions;

  LibcryptoCrypto(LibcryptoFunctions functions) {
    this.functions = functions;
  }

  @Override
  public String name() {
    return functions.name();
  }

  @Override
  boolean x25519(byte[] privateKey, byte[] publicKey, byte[] shared) {
    NativeMemory memory = NativeMemory.ofThread();
    memory.putKeys(privateKey, publicKey);
    try {
      if (functions.agree(memory)) {
        memory.takeShared(shared);
        return !isZero(shared);
      }
      Arrays.fill(shared, (byte) 0);
      return false;
    } finally {
      memory.eraseKeys();
    }
  }

  /** In constant time. Some libraries return zero and call it a secret. */
  private static boolean isZero(byte[] shared) {
    int bits = 0;
    for (byte b : shared) {
      bits |= b;
    }
    return bits == 0;
  }

  @Override
  void x25519Base(byte[] privateKey, byte[] publicKey) {
    if (!x25519(privateKey, BASE_POINT, publicKey)) {
      throw new AssertionError("the base point is not of small order");
    }
  }

  @Override
  byte[] sealText(byte[] key, long counter, byte[] plain, byte[] additional) {
    byte[] sealed = new byte[Math.addExact(plain.length, TAG_BYTES)];
    if (!crypt(true, key, counter, plain, additional, sealed)) {
      throw new IllegalStateException(functions.name() + " does not seal");
    }
    return sealed;
  }

  @Override
  byte @Nullable [] openText(byte[] key, long counter, byte[] sealed, byte[] additional) {
    byte[] plain = new byte[sealed.length - TAG_BYTES];
    return crypt(false, key, counter, sealed, additional, plain) ? plain : null;
  }

  /** In native memory of the thread: the text in place, the additional data behind it. */
  private boolean crypt(
      boolean seal, byte[] key, long counter, byte[] from, byte[] additional, byte[] to) {
    NativeMemory memory = NativeMemory.ofThread();
    int additionalAt = Math.max(from.length, to.length);
    int bytes = Math.addExact(additionalAt, additional.length);
    MemorySegment text = memory.text(bytes);
    long context = newContext(memory, key);
    try {
      MemorySegment.copy(from, 0, text, ValueLayout.JAVA_BYTE, 0, from.length);
      MemorySegment.copy(
          additional, 0, text, ValueLayout.JAVA_BYTE, additionalAt, additional.length);
      long at = text.address();
      boolean done =
          seal
              ? functions.seal(
                  context, counter, at + additionalAt, additional.length, at, from.length, at)
              : functions.open(
                  context, counter, at + additionalAt, additional.length, at, from.length, at);
      if (done) {
        MemorySegment.copy(text, ValueLayout.JAVA_BYTE, 0, to, 0, to.length);
      }
      return done;
    } finally {
      functions.freeContext(context);
      text.asSlice(0, bytes).fill((byte) 0);
    }
  }

  private long newContext(NativeMemory memory, byte[] key) {
    memory.putKey(key);
    try {
      return functions.newContext(memory.privateKey());
    } finally {
      memory.eraseKeys();
    }
  }

  @Override
  TransportCipher packetCipher(byte[] key) {
    NativeMemory memory = NativeMemory.ofThread();
    memory.putKey(key);
    try {
      return functions.transportCipher(memory.privateKey());
    } finally {
      memory.eraseKeys();
    }
  }
}
