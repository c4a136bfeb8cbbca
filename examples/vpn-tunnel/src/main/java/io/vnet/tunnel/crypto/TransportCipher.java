package io.vnet.tunnel.crypto;

import java.lang.foreign.MemorySegment;

/**
 * ChaCha20-Poly1305 of packets in native memory under one key, without additional data. The source
 * and the target of a call may be the same bytes; else they must not overlap.
 *
 * <p><b>Owner:</b> one thread at a time, and whoever made it closes it: a cipher that is forgotten
 * keeps its key and its native memory. No call of libcrypto's allocates; the portable one's do.
 */
public interface TransportCipher extends AutoCloseable {
  /**
   * Seals a text and puts the tag behind it. That a counter comes once is the caller's care.
   *
   * @param counter of the nonce, unsigned
   * @param length of the text in bytes, 0 or more; 16 more are written
   * @throws IndexOutOfBoundsException if text or target lie outside of their segments
   * @throws IllegalStateException if it is closed
   */
  void seal(
      long counter,
      MemorySegment from,
      long fromOffset,
      int length,
      MemorySegment to,
      long toOffset);

  /**
   * Opens a sealed text.
   *
   * @param length of the sealed text with its tag, in bytes
   * @return false: it is not authentic, or shorter than a tag. The target's {@code length - 16}
   *     bytes are undefined then, and must not be handed on
   * @throws IndexOutOfBoundsException if text or target lie outside of their segments
   * @throws IllegalStateException if it is closed
   */
  boolean open(
      long counter,
      MemorySegment from,
      long fromOffset,
      int length,
      MemorySegment to,
      long toOffset);

  /** Overwrites the key; no call may follow. More than once does no harm. */
  @Override
  void close();
}
