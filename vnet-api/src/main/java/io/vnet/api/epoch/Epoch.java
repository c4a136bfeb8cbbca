package io.vnet.api.epoch;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Grace periods: a reclaimer that has unlinked something learns when no reader can hold it any
 * more.
 *
 * <p><b>Why it is right:</b> a reader stores its slot, then loads the pointer; a reclaimer stores
 * the pointer, then loads the slots. Both must not miss each other. With {@link Barrier#FULL_FENCE}
 * each side has a full fence between. With {@link Barrier#MEMBARRIER} the reclaimer makes all
 * running threads of the process execute one between its two steps, and the reader needs none. That
 * the compiler keeps the reader's order is not the memory model's promise but HotSpot's (it moves
 * no access across a fence intrinsic); a stress test holds it to that.
 *
 * <p>Safe on any thread. {@link #begin} costs a membarrier(2) or a fence, {@link #elapsed} a look
 * at each registered reader. Nothing blocks.
 */
public final class Epoch {
  private static final VarHandle EPOCH;
  private static final VarHandle READER = MethodHandles.arrayElementVarHandle(EpochReader[].class);
  private static final int POOL = 64;

  /**
   * From one epoch to the next; a reader's state has room below. 2^51 epochs, one a microsecond,
   * are 71 years.
   */
  static final long STEP = 1 << 12;

  /** In the epoch: who leaves a section that was entered from now on gives up his processor. */
  static final long HURRY = 1 << 11;

  static {
    try {
      EPOCH = MethodHandles.lookup().findVarHandle(Epoch.class, "epoch", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** How readers and reclaimers are kept from missing each other. */
  public enum Barrier {
    /** membarrier(2) at each begin; a section costs two plain stores. */
    MEMBARRIER,
    /** A full fence at each enter. Works everywhere. */
    FULL_FENCE
  }

  private final Barrier barrier;
  private final AtomicReferenceArray<@Nullable EpochReader> pool = new AtomicReferenceArray<>(POOL);
  private final Object registry = new Object();
  private volatile @Nullable EpochReader[] readers = new EpochReader[16];
  private int[] freeIndexes = new int[16];
  private int freeCount;
  private int used;
  private int registered;
  private long epoch = STEP;

  private Epoch(Barrier barrier) {
    this.barrier = barrier;
  }

  /** With MEMBARRIER if the kernel and the application allow it, else with FULL_FENCE. */
  public static Epoch create() {
    return new Epoch(Membarrier.available() ? Barrier.MEMBARRIER : Barrier.FULL_FENCE);
  }

  /**
   * With a given barrier.
   *
   * @throws IllegalStateException if MEMBARRIER is not to be had here
   */
  public static Epoch create(Barrier barrier) {
    if (barrier == Barrier.MEMBARRIER && !Membarrier.available()) {
      throw new IllegalStateException(
          "membarrier(2) is not available: it needs Linux 4.14 and --enable-native-access");
    }
    return new Epoch(barrier);
  }

  /** The barrier in use. */
  public Barrier barrier() {
    return barrier;
  }

  /**
   * Registers a reader, outside at first.
   *
   * @param owner who it is, for the report of a stalled one
   */
  public EpochReader register(String owner) {
    EpochReader reader = new EpochReader(this, owner, barrier == Barrier.FULL_FENCE, false);
    add(reader);
    return reader;
  }

  /** A reader for one short use by the calling thread, to be given back. */
  public EpochReader borrow() {
    int start = (int) Thread.currentThread().threadId();
    for (int i = 0; i < POOL; i++) {
      int place = (start + i) & (POOL - 1);
      EpochReader pooled = pool.getPlain(place);
      if (pooled != null && pool.compareAndSet(place, pooled, null)) {
        return pooled;
      }
    }
    EpochReader reader = new EpochReader(this, "borrowed", barrier == Barrier.FULL_FENCE, true);
    add(reader);
    return reader;
  }

  /**
   * Takes a borrowed reader back.
   *
   * @throws IllegalStateException if it is inside a section
   */
  public void giveBack(EpochReader reader) {
    if (reader.inside()) {
      throw new IllegalStateException("a borrowed reader was given back inside a section");
    }
    int start = (int) Thread.currentThread().threadId();
    for (int i = 0; i < POOL; i++) {
      if (pool.compareAndSet((start + i) & (POOL - 1), null, reader)) {
        return;
      }
    }
    reader.close();
  }

  /**
   * Starts a grace period, after an unlink.
   *
   * @return the token to ask {@link #elapsed} with
   */
  public long begin() {
    long token = ((long) EPOCH.getAndAdd(this, STEP) & -STEP) + STEP;
    if (barrier == Barrier.MEMBARRIER) {
      Membarrier.execute();
    } else {
      VarHandle.fullFence();
    }
    return token;
  }

  /** Whether each reader has been outside, or inside a later section, since {@link #begin}. */
  public boolean elapsed(long token) {
    @Nullable EpochReader[] all = readers;
    for (int i = 0; i < all.length; i++) {
      EpochReader reader = (EpochReader) READER.getAcquire(all, i);
      if (reader != null && reader.blocks(token)) {
        return false;
      }
    }
    return true;
  }

  /**
   * Asks readers to give up their processor after each section, for a grace period that has not
   * elapsed although its readers' sections are short: then some were preempted inside, perhaps by
   * those who run, and the scheduler would let them wait for milliseconds. Costs readers that are
   * not asked nothing; one that is, a sched_yield(2) a section.
   */
  public void hurry() {
    EPOCH.getAndBitwiseOr(this, HURRY);
  }

  /** Readers keep their processor again. */
  public void calm() {
    EPOCH.getAndBitwiseAnd(this, ~HURRY);
  }

  /** Whether readers are asked to {@link #hurry}. */
  public boolean isInHurry() {
    return (current() & HURRY) != 0;
  }

  /** Who holds the grace period up. Slow: it looks at threads' stacks. */
  public List<StalledReader> blocking(long token) {
    List<StalledReader> stalled = new ArrayList<>();
    @Nullable EpochReader[] all = readers;
    for (int i = 0; i < all.length; i++) {
      EpochReader reader = (EpochReader) READER.getAcquire(all, i);
      if (reader != null && reader.blocks(token)) {
        long id = reader.threadId;
        Optional<Thread> thread =
            Thread.getAllStackTraces().keySet().stream()
                .filter(candidate -> candidate.threadId() == id)
                .findFirst();
        stalled.add(
            new StalledReader(
                reader.owner(),
                thread,
                thread.map(found -> List.of(found.getStackTrace())).orElse(List.of())));
      }
    }
    return stalled;
  }

  /** Registered readers; borrowed ones do not count. */
  public int readers() {
    synchronized (registry) {
      return registered;
    }
  }

  /** The present epoch, with {@link #HURRY} if that is asked for. */
  long current() {
    return (long) EPOCH.getOpaque(this);
  }

  private void add(EpochReader reader) {
    synchronized (registry) {
      @Nullable EpochReader[] all = readers;
      int index = freeCount > 0 ? freeIndexes[--freeCount] : used++;
      reader.index(index);
      if (index == all.length) {
        @Nullable EpochReader[] larger = Arrays.copyOf(all, all.length * 2);
        larger[index] = reader;
        readers = larger;
      } else {
        READER.setRelease(all, index, reader);
      }
      if (!reader.pooled()) {
        registered++;
      }
    }
  }

  void unregister(EpochReader reader) {
    synchronized (registry) {
      int index = reader.index();
      if (index < 0) {
        return;
      }
      reader.index(-1);
      READER.setRelease(readers, index, null);
      if (freeCount == freeIndexes.length) {
        freeIndexes = Arrays.copyOf(freeIndexes, freeCount * 2);
      }
      freeIndexes[freeCount++] = index;
      if (!reader.pooled()) {
        registered--;
      }
    }
  }
}
