package io.vnet.tunnel.crypto;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Where one thread encrypts packets: a text before and after, each behind a block whose key stream
 * is the key of the MAC, and what else libcrypto is handed by address. Some eight kilobytes a
 * thread, made at its first packet and freed after it has ended. The last packet's text stays in
 * it, as it does in the batch it came in; the key of its MAC does not.
 *
 * <p><b>Owner:</b> the thread; {@link #ofThread} gives each its own.
 */
final class PacketScratch {
  private static final ThreadLocal<PacketScratch> OF_THREAD =
      ThreadLocal.withInitial(PacketScratch::new);
  private static final ValueLayout.OfLong LITTLE_LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** A block of key stream. */
  static final int BLOCK_BYTES = 64;

  /** At most so many bytes of a text at once, a multiple of a block: a microsecond's work. */
  static final int CHUNK_BYTES = 4096;

  /** The number of the first block, 4 zero bytes and the packet's counter. */
  static final int NONCE_BYTES = 16;

  /** What the MAC covers is filled up to a multiple of this, and ends with so many more. */
  private static final int MAC_BLOCK_BYTES = 16;

  private static final int COUNTER = 8;
  private static final int TAG = NONCE_BYTES;
  private static final int WRITTEN = TAG + MAC_BLOCK_BYTES;
  private static final int ZEROS = BLOCK_BYTES;
  private static final int BEFORE = ZEROS + BLOCK_BYTES;
  private static final int MAC_KEY = BEFORE + CHUNK_BYTES + BLOCK_BYTES;
  private static final int AFTER = MAC_KEY + BLOCK_BYTES;
  private static final int END = AFTER + CHUNK_BYTES + BLOCK_BYTES;

  private final MemorySegment memory = Arena.ofAuto().allocate(END, BLOCK_BYTES);
  private final long address = memory.address();

  private PacketScratch() {}

  /** The calling thread's. */
  static PacketScratch ofThread() {
    return OF_THREAD.get();
  }

  /** The address of the nonce that begins with block 0 of the packet with this counter. */
  long nonce(long counter) {
    memory.set(LITTLE_LONG, COUNTER, counter);
    return address;
  }

  /** The address where a call may say how much it wrote; nobody reads it. */
  long written() {
    return address + WRITTEN;
  }

  /** The address of a block of zeros, which lies before {@link #before()}. */
  long zeros() {
    return address + ZEROS;
  }

  /** The address of what {@link #take} took. */
  long before() {
    return address + BEFORE;
  }

  /** The address of what {@link #give} gives. */
  long after() {
    return address + AFTER;
  }

  /** The address of the key of the MAC, in the block before {@link #after()}. */
  long macKey() {
    return address + MAC_KEY;
  }

  /** The address of the computed tag. */
  long tag() {
    return address + TAG;
  }

  /** The address of the text that the MAC covers: what came out, or what came in. */
  long sealed(boolean seal) {
    return seal ? after() : before();
  }

  void take(MemorySegment from, long offset, int bytes) {
    MemorySegment.copy(from, offset, memory, BEFORE, bytes);
  }

  void give(MemorySegment to, long offset, int bytes) {
    MemorySegment.copy(memory, AFTER, to, offset, bytes);
  }

  void giveTag(MemorySegment to, long offset) {
    MemorySegment.copy(memory, TAG, to, offset, MAC_BLOCK_BYTES);
  }

  /** Whether a tag is the computed one, in constant time. */
  boolean hasTag(MemorySegment from, long offset) {
    long differences =
        (memory.get(LITTLE_LONG, TAG) ^ from.get(LITTLE_LONG, offset))
            | (memory.get(LITTLE_LONG, TAG + Long.BYTES)
                ^ from.get(LITTLE_LONG, offset + Long.BYTES));
    return differences == 0;
  }

  void eraseMacKey() {
    for (int at = MAC_KEY; at < AFTER; at += Long.BYTES) {
      memory.set(ValueLayout.JAVA_LONG, at, 0);
    }
  }

  /**
   * Ends the text that the MAC covers: zeros to a multiple of 16 bytes, no additional data, its
   * length.
   *
   * @param bytes of it that are here
   * @param length of all of it
   * @return the bytes that are here now
   */
  int end(boolean seal, int bytes, long length) {
    int text = seal ? AFTER : BEFORE;
    int padded = -Math.floorDiv(-bytes, MAC_BLOCK_BYTES) * MAC_BLOCK_BYTES;
    memory.set(LITTLE_LONG, (long) text + bytes, 0);
    memory.set(LITTLE_LONG, (long) text + bytes + Long.BYTES, 0);
    memory.set(LITTLE_LONG, (long) text + padded, 0);
    memory.set(LITTLE_LONG, (long) text + padded + Long.BYTES, length);
    return padded + MAC_BLOCK_BYTES;
  }
}
