package io.vnet.tunnel.crypto;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.util.Arrays;
import java.util.Objects;
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
    return new PacketCipher(functions, newContext(NativeMemory.ofThread(), key));
  }

  /**
   * Owns a context until it is closed; if its owner forgets that, context and key stay in memory to
   * the end of the process. There is no cleaner behind it: it would free the context at some time
   * on some thread, and a forgotten key is to be found by tests and not by the collector.
   */
  private static final class PacketCipher implements TransportCipher {
    private final LibcryptoFunctions functions;
    private long context;

    PacketCipher(LibcryptoFunctions functions, long context) {
      this.functions = functions;
      this.context = context;
    }

    @Override
    public void seal(
        long counter,
        MemorySegment from,
        long fromOffset,
        int length,
        MemorySegment to,
        long toOffset) {
      long source = address(from, fromOffset, length);
      long target = writableAddress(to, toOffset, (long) length + TAG_BYTES);
      try {
        if (!functions.seal(context(), counter, 0, 0, source, length, target)) {
          throw new IllegalStateException(functions.name() + " does not seal");
        }
      } finally {
        Reference.reachabilityFence(from);
        Reference.reachabilityFence(to);
      }
    }

    @Override
    public boolean open(
        long counter,
        MemorySegment from,
        long fromOffset,
        int length,
        MemorySegment to,
        long toOffset) {
      long context = context();
      if (length < TAG_BYTES) {
        return false;
      }
      long source = address(from, fromOffset, length);
      long target = writableAddress(to, toOffset, (long) length - TAG_BYTES);
      try {
        return functions.open(context, counter, 0, 0, source, length, target);
      } finally {
        Reference.reachabilityFence(from);
        Reference.reachabilityFence(to);
      }
    }

    /** Checked: behind it there is no one who would check it. */
    private static long address(MemorySegment segment, long offset, long bytes) {
      Objects.checkFromIndexSize(offset, bytes, segment.byteSize());
      if (!segment.isNative() || !segment.scope().isAlive()) {
        throw new IllegalArgumentException("packets are in native memory that is alive");
      }
      return segment.address() + offset;
    }

    private static long writableAddress(MemorySegment segment, long offset, long bytes) {
      if (segment.isReadOnly()) {
        throw new IllegalArgumentException("the target is read only");
      }
      return address(segment, offset, bytes);
    }

    private long context() {
      if (context == 0) {
        throw new IllegalStateException("the cipher is closed");
      }
      return context;
    }

    /** Not even two threads that close at once free the context twice. */
    @Override
    public synchronized void close() {
      if (context != 0) {
        functions.freeContext(context);
        context = 0;
      }
    }

    @Override
    public String toString() {
      return "ChaCha20-Poly1305 of " + functions.name();
    }
  }
}
