package io.vnet.tunnel.crypto;

import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.Objects;

/**
 * libcrypto's own ChaCha20-Poly1305, of any version: no copy, four short calls a packet.
 *
 * <p>Owns a context until it is closed; if its owner forgets that, context and key stay in memory
 * to the end of the process. There is no cleaner behind it: it would free the context at some time
 * on some thread, and a forgotten key is to be found by tests and not by the collector.
 */
final class LibcryptoCipher implements TransportCipher {
  private final LibcryptoFunctions functions;
  private long context;

  LibcryptoCipher(LibcryptoFunctions functions, long context) {
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
    long target = writableAddress(to, toOffset, (long) length + Crypto.TAG_BYTES);
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
    if (length < Crypto.TAG_BYTES) {
      return false;
    }
    long source = address(from, fromOffset, length);
    long target = writableAddress(to, toOffset, (long) length - Crypto.TAG_BYTES);
    try {
      return functions.open(context, counter, 0, 0, source, length, target);
    } finally {
      Reference.reachabilityFence(from);
      Reference.reachabilityFence(to);
    }
  }

  /** Checked: behind it there is no one who would check it. */
  static long address(MemorySegment segment, long offset, long bytes) {
    Objects.checkFromIndexSize(offset, bytes, segment.byteSize());
    if (!segment.isNative() || !segment.scope().isAlive()) {
      throw new IllegalArgumentException("packets are in native memory that is alive");
    }
    return segment.address() + offset;
  }

  static long writableAddress(MemorySegment segment, long offset, long bytes) {
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
