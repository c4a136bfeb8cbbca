package io.vnet.api.packet;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * One piece of off-heap memory that is lent by a {@link SlabPool}.
 *
 * <p><b>Owner:</b> whoever took it. The memory stays mapped until {@link #release}, which any
 * thread may call, once, when nobody else can reach the slab any more; after it the same memory may
 * serve another device at once. A slab that others may still read is released by a grace period.
 */
public final class Slab {
  private final SlabPool pool;
  private final Arena arena;
  private final MemorySegment segment;
  private final AtomicBoolean lent = new AtomicBoolean();

  @SuppressWarnings("MustBeClosedChecker") // unmap() closes it, when nobody holds the slab.
  Slab(SlabPool pool, int bytes) {
    this.pool = pool;
    this.arena = Arena.ofShared();
    this.segment = arena.allocate(bytes, 64);
  }

  /** The memory, aligned to 64 bytes; contents are whatever the last user left. */
  public MemorySegment segment() {
    return segment;
  }

  /** Size in bytes. */
  public int bytes() {
    return (int) segment.byteSize();
  }

  /**
   * Gives the memory back to its pool.
   *
   * @throws IllegalStateException if it was given back before
   */
  public void release() {
    if (!lent.compareAndSet(true, false)) {
      throw new IllegalStateException("slab released twice");
    }
    pool.takeBack(this);
  }

  Slab lend() {
    lent.set(true);
    return this;
  }

  void unmap() {
    arena.close();
  }
}
