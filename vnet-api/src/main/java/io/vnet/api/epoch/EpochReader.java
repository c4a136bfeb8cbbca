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
 * <p><b>Cost</b> of enter and exit with {@link Epoch.Barrier#MEMBARRIER}: an opaque store, a
 * release store and six loads besides those that find the thread. The time goes to the loads, so
 * all that is not usual (nesting, a fence, hurry, a wrong exit) is seen from the one of the state.
 * No allocation.
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
  private final boolean pooled;
  private int index = -1;

  EpochReader(Epoch epoch, String owner, boolean fullFence, boolean pooled) {
    this.epoch = epoch;
    this.owner = owner;
    this.pooled = pooled;
    this.state = fullFence ? FENCED : 0;
  }

  /**
   * Enters a section; sections nest. What is found through a pointer loaded from here on stays.
   *
   * @throws IllegalStateException a thousand sections deep
   */
  public void enter() {
    if (state != 0) {
      enterNestedOrFenced();
      return;
    }
    use();
    STATE.setOpaque(this, epoch.current());
    // Keeps the compiler from moving later loads up; the processor's part is the reclaimer's
    // barrier.
    VarHandle.loadLoadFence();
  }

  private void enterNestedOrFenced() {
    long now = state;
    if (inside()) {
      checkUser();
      if ((now & NESTED) == NESTED) {
        throw new IllegalStateException(owner + ": sections are nested " + NESTED + " deep");
      }
      STATE.setOpaque(this, now + 1);
    } else {
      use();
      STATE.setOpaque(this, epoch.current() | FENCED);
      VarHandle.fullFence();
    }
  }

  /** A look is cheaper than a store, and it is nearly always the same thread. */
  private void use() {
    long user = Thread.currentThread().threadId();
    if (threadId != user) {
      threadId = user;
    }
  }

  private void checkUser() {
    assert threadId == Thread.currentThread().threadId() : owner + " has two users";
  }

  /**
   * Leaves a section; gives up the processor after it if a grace period is {@linkplain Epoch#hurry
   * in a hurry}.
   *
   * @throws IllegalStateException outside
   */
  public void exit() {
    long now = state;
    if (now == 0 || (now & (NESTED | FENCED | Epoch.HURRY)) != 0) {
      exitUnusual();
      return;
    }
    checkUser();
    STATE.setRelease(this, 0L);
  }

  @SuppressWarnings("ThreadPriorityCheck") // The scheduler is what hurry is about.
  private void exitUnusual() {
    long now = state;
    if (!inside()) {
      throw new IllegalStateException(owner + ": exit without enter");
    }
    checkUser();
    if ((now & NESTED) != 0) {
      STATE.setOpaque(this, now - 1);
    } else {
      STATE.setRelease(this, now & FENCED);
      if ((now & Epoch.HURRY) != 0) {
        Thread.yield();
      }
    }
  }

  /** Whether the user is inside a section. For the user's own thread. */
  public boolean inside() {
    return state >= Epoch.STEP;
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
    if (inside()) {
      throw new IllegalStateException(owner + ": closed inside a section");
    }
    epoch.unregister(this);
  }

  boolean blocks(long token) {
    long entered = (long) STATE.getAcquire(this);
    return entered >= Epoch.STEP && entered < token;
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
