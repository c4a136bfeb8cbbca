package io.vnet.api.epoch;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A registered reader: a place that says whether its user is inside a section, and since which
 * epoch.
 *
 * <p><b>One user at a time.</b> Users may follow one another on different threads if something else
 * orders them (a lock, a hand-over). With assertions on, a second user inside is found.
 *
 * <p><b>A section must not block:</b> a reader inside holds up every release of the host.
 *
 * <p><b>Cost</b> of enter and exit with {@link Epoch.Barrier#MEMBARRIER}: an opaque store and a
 * release store. No allocation.
 */
public final class EpochReader extends ReaderSlotPadded implements AutoCloseable {
  private static final VarHandle STATE;

  static {
    try {
      STATE = MethodHandles.lookup().findVarHandle(ReaderSlot.class, "state", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final Epoch epoch;
  private final String owner;
  private final boolean fullFence;
  private final boolean pooled;
  private int index = -1;

  EpochReader(Epoch epoch, String owner, boolean fullFence, boolean pooled) {
    this.epoch = epoch;
    this.owner = owner;
    this.fullFence = fullFence;
    this.pooled = pooled;
  }

  /** Enters a section; sections nest. What is found through a pointer loaded from here on stays. */
  public void enter() {
    if (depth != 0) {
      assert threadId == Thread.currentThread().threadId() : owner + " has two users";
      depth++;
      return;
    }
    depth = 1;
    threadId = Thread.currentThread().threadId();
    STATE.setOpaque(this, epoch.current());
    if (fullFence) {
      VarHandle.fullFence();
    } else {
      // Keeps the compiler from moving later loads up; the processor's part is the reclaimer's
      // barrier.
      VarHandle.loadLoadFence();
    }
  }

  /**
   * Leaves a section.
   *
   * @throws IllegalStateException outside
   */
  public void exit() {
    int left = depth - 1;
    if (left < 0) {
      throw new IllegalStateException(owner + ": exit without enter");
    }
    assert threadId == Thread.currentThread().threadId() : owner + " has two users";
    depth = left;
    if (left == 0) {
      STATE.setRelease(this, 0L);
    }
  }

  /** Whether the user is inside a section. For the user's own thread. */
  public boolean inside() {
    return depth != 0;
  }

  /** The text it was registered with. */
  public String owner() {
    return owner;
  }

  /**
   * Unregisters the reader. It must not enter any more. More than once is as once.
   *
   * @throws IllegalStateException inside a section
   */
  @Override
  public void close() {
    if (depth != 0) {
      throw new IllegalStateException(owner + ": closed inside a section");
    }
    epoch.unregister(this);
  }

  boolean blocks(long token) {
    long entered = (long) STATE.getAcquire(this);
    return entered != 0 && entered < token;
  }

  boolean pooled() {
    return pooled;
  }

  int index() {
    return index;
  }

  void index(int newIndex) {
    index = newIndex;
  }
}
