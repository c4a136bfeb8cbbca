package io.vnet.api.packet;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.util.ArrayDeque;

/**
 * Off-heap memory in pieces of one size, bounded in sum, reused.
 *
 * <p>Safe on any thread: a lock is held for a few instructions and never over an allocation or a
 * system call. Slabs that come back after {@link #close} are unmapped one by one, so closing never
 * takes memory from under a user.
 */
public final class SlabPool implements AutoCloseable {
  /** The size of a slab unless said otherwise: 128 KiB, 64 packets of 1500 bytes with room. */
  public static final int DEFAULT_SLAB_BYTES = 128 * 1024;

  private final int slabBytes;
  private final int slabsMax;
  private final ArrayDeque<Slab> free = new ArrayDeque<>();
  private int mapped;
  private int lent;
  private boolean closed;

  /**
   * @param slabBytes size of one slab, in bytes
   * @param slabsMax how many slabs may be lent at a time
   */
  public SlabPool(int slabBytes, int slabsMax) {
    if (slabBytes < 64 || slabsMax < 1) {
      throw new IllegalArgumentException("slabBytes=" + slabBytes + ", slabsMax=" + slabsMax);
    }
    this.slabBytes = slabBytes;
    this.slabsMax = slabsMax;
  }

  /** The size of one slab, in bytes. */
  public int slabBytes() {
    return slabBytes;
  }

  /**
   * Lends a slab.
   *
   * @throws VnetException ENOBUFS if all are lent; ESHUTDOWN after {@link #close}
   */
  public Slab take() {
    synchronized (free) {
      if (closed) {
        throw new VnetException("take", "slab pool", Errno.ESHUTDOWN, "the pool is closed", "");
      }
      if (lent == slabsMax) {
        throw new VnetException(
            "take",
            "slab pool",
            Errno.ENOBUFS,
            "all " + slabsMax + " slabs of " + slabBytes + " bytes are in use",
            "release batches, close devices or give the host more memory");
      }
      lent++;
      Slab slab = free.poll();
      if (slab != null) {
        return slab.lend();
      }
      mapped++;
    }
    try {
      return new Slab(this, slabBytes).lend();
    } catch (OutOfMemoryError e) {
      synchronized (free) {
        mapped--;
        lent--;
      }
      throw e;
    }
  }

  void takeBack(Slab slab) {
    synchronized (free) {
      lent--;
      if (!closed) {
        free.push(slab);
        return;
      }
      mapped--;
    }
    slab.unmap();
  }

  /** Slabs that somebody holds. */
  public int lent() {
    synchronized (free) {
      return lent;
    }
  }

  /** Bytes of off-heap memory that are mapped now, lent or free. */
  public long mappedBytes() {
    synchronized (free) {
      return (long) mapped * slabBytes;
    }
  }

  /** Unmaps the free slabs; the others follow as they come back. */
  @Override
  public void close() {
    Slab[] idle;
    synchronized (free) {
      closed = true;
      idle = free.toArray(new Slab[0]);
      free.clear();
      mapped -= idle.length;
    }
    for (Slab slab : idle) {
      slab.unmap();
    }
  }
}
