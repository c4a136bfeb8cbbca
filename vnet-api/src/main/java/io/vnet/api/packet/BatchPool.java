package io.vnet.api.packet;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.lang.ref.Cleaner;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Batches for reuse, over the slabs of a {@link SlabPool}.
 *
 * <p>Safe on any thread. {@link #acquire} allocates nothing once the pool is warm.
 *
 * <p>A batch that is lost (a stream failed while it lay in somebody's buffer, or its owner forgot
 * it) is found when the collector finds it: its slab goes back to the slab pool and {@link #leaked}
 * counts it. That is a net under a mistake, not a way to release.
 */
public final class BatchPool implements AutoCloseable {
  /** Packets of one batch unless said otherwise: what one wake-up reads at the most. */
  public static final int DEFAULT_CAPACITY = 64;

  /** Bytes in front of each packet unless said otherwise: room for an outer header in place. */
  public static final int DEFAULT_HEAD_ROOM = 64;

  /** Bytes behind each packet unless said otherwise: room for an authentication tag and padding. */
  public static final int DEFAULT_TAIL_ROOM = 32;

  private static final Cleaner CLEANER = Cleaner.create();

  private final SlabPool slabs;
  private final int capacity;
  private final int headRoom;
  private final int tailRoom;
  private final ArrayDeque<PacketBatch> free = new ArrayDeque<>();
  private final AtomicLong leaked = new AtomicLong();
  private int lent;
  private boolean closed;

  /** A pool with the default shape. */
  public BatchPool(SlabPool slabs) {
    this(slabs, DEFAULT_CAPACITY, DEFAULT_HEAD_ROOM, DEFAULT_TAIL_ROOM);
  }

  /**
   * @param slabs where the memory comes from; not closed by this pool
   * @param capacity packets of one batch
   * @param headRoom bytes kept free in front of each packet
   * @param tailRoom bytes kept free behind each packet
   */
  public BatchPool(SlabPool slabs, int capacity, int headRoom, int tailRoom) {
    if (capacity < 1 || headRoom < 0 || tailRoom < 0) {
      throw new IllegalArgumentException(
          "capacity=" + capacity + ", headRoom=" + headRoom + ", tailRoom=" + tailRoom);
    }
    this.slabs = slabs;
    this.capacity = capacity;
    this.headRoom = headRoom;
    this.tailRoom = tailRoom;
  }

  /**
   * An empty batch, owned by the caller until it is released or handed over.
   *
   * @throws VnetException ENOBUFS: the memory is all in use; ESHUTDOWN: closed
   */
  public PacketBatch acquire() {
    synchronized (free) {
      if (closed) {
        throw new VnetException("acquire", "batch pool", Errno.ESHUTDOWN, "the pool is closed", "");
      }
      PacketBatch batch = free.poll();
      if (batch != null) {
        lent++;
        return batch.lend();
      }
    }
    Slab slab = slabs.take();
    Home home = new Home(this, slab);
    PacketBatch batch = new PacketBatch(home, capacity, headRoom, tailRoom);
    home.cleanable = CLEANER.register(batch, home);
    synchronized (free) {
      lent++;
    }
    return batch.lend();
  }

  void takeBack(PacketBatch batch) {
    synchronized (free) {
      lent--;
      if (!closed) {
        free.push(batch);
        return;
      }
    }
    batch.home().dissolve();
  }

  /** Batches that somebody holds. */
  public int lent() {
    synchronized (free) {
      return lent;
    }
  }

  /** Batches that were lost and found by the collector. */
  public long leaked() {
    return leaked.get();
  }

  /** Gives the slabs of free batches back; the others follow as they are released. */
  @Override
  public void close() {
    PacketBatch[] idle;
    synchronized (free) {
      closed = true;
      idle = free.toArray(new PacketBatch[0]);
      free.clear();
    }
    for (PacketBatch batch : idle) {
      batch.home().dissolve();
    }
  }

  /** What a batch stands on; must not refer to the batch, or the collector would never find it. */
  static final class Home implements Runnable {
    private final BatchPool pool;
    private final Slab slab;
    private volatile boolean dissolved;
    private Cleaner.@Nullable Cleanable cleanable;

    Home(BatchPool pool, Slab slab) {
      this.pool = pool;
      this.slab = slab;
    }

    BatchPool pool() {
      return pool;
    }

    Slab slab() {
      return slab;
    }

    void dissolve() {
      dissolved = true;
      if (cleanable != null) {
        cleanable.clean();
      }
    }

    @Override
    public void run() {
      if (!dissolved) {
        pool.leaked.incrementAndGet();
        synchronized (pool.free) {
          pool.lent--;
        }
      }
      slab.release();
    }
  }
}
