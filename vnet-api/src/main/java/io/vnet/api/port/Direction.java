package io.vnet.api.port;

import io.vnet.api.epoch.EpochReader;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * One direction of a port: the epoch slot that its one user at a time works in.
 *
 * <p>{@link #enter} waits for a user before, who never blocks inside; a user who was preempted
 * there costs the next one a time slice, as a spin lock does. After {@link #retire} nobody enters
 * any more, and the slot is unregistered by whoever is last: the retiring thread, or the user who
 * was inside then.
 */
public final class Direction {
  private static final int SPINS = 64;
  private static final Thread RETIRED = Thread.ofPlatform().unstarted(() -> {});
  private static final VarHandle USER;

  static {
    try {
      USER = MethodHandles.lookup().findVarHandle(Direction.class, "user", Thread.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final EpochReader slot;
  private volatile @Nullable Thread user;
  private volatile boolean retiring;

  /** Of a port that owns the slot, which ends with the direction. */
  public Direction(EpochReader slot) {
    this.slot = slot;
  }

  /** Becomes the user, inside an epoch section; false if the direction is retired. */
  public boolean enter() {
    Thread self = Thread.currentThread();
    for (int spins = 0; !USER.compareAndSet(this, null, self); spins++) {
      Thread holder = user;
      if (holder == RETIRED) {
        return false;
      }
      if (holder == self) {
        throw new IllegalStateException("a port was called from inside its own call");
      }
      pause(spins);
    }
    slot.enter();
    return true;
  }

  /** Leaves the section; the calling thread is its user. */
  public void exit() {
    slot.exit();
    USER.setVolatile(this, null);
    if (retiring) {
      tryRetire();
    }
  }

  /** Nobody enters from now on; a user who is inside leaves in his own time. Never waits. */
  public void retire() {
    retiring = true;
    tryRetire();
  }

  /** Waits until nobody but the calling thread is inside; after {@link #retire}. */
  public void awaitEmpty() {
    Thread self = Thread.currentThread();
    for (int spins = 0; ; spins++) {
      Thread holder = user;
      if (holder == RETIRED || holder == self) {
        return;
      }
      pause(spins);
    }
  }

  private void tryRetire() {
    if (USER.compareAndSet(this, null, RETIRED)) {
      slot.close();
    }
  }

  @SuppressWarnings("ThreadPriorityCheck") // A hint; the loop is right without it.
  private static void pause(int spins) {
    if (spins < SPINS) {
      Thread.onSpinWait();
    } else {
      Thread.yield();
    }
  }
}
