package io.vnet.actors.port;

import io.vnet.api.epoch.EpochReader;
import io.vnet.api.port.Direction;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** {@link Direction}'s protocol with one mistake, to see that it is found. */
final class FaultyDirection {
  /** What is wrong. */
  enum Fault {
    /** Nothing. */
    NONE,
    /** A user looks whether the place is free, and takes it then. */
    LOOKS_THEN_ENTERS,
    /** A leaving user looks whether the direction retires, and gives the place back then. */
    LOOKS_THEN_LEAVES,
    /** Retiring does not care for a user who is inside. */
    RETIRES_WITH_A_USER_INSIDE
  }

  private static final Thread RETIRED = Thread.ofPlatform().unstarted(() -> {});

  private final EpochReader slot;
  private final Fault fault;
  private final AtomicReference<@Nullable Thread> user = new AtomicReference<>();
  private volatile boolean retiring;

  FaultyDirection(EpochReader slot, Fault fault) {
    this.slot = slot;
    this.fault = fault;
  }

  boolean enter() {
    Thread self = Thread.currentThread();
    while (!take(self)) {
      if (user.get() == RETIRED) {
        return false;
      }
      Thread.onSpinWait();
    }
    slot.enter();
    return true;
  }

  private boolean take(Thread self) {
    if (fault != Fault.LOOKS_THEN_ENTERS) {
      return user.compareAndSet(null, self);
    }
    boolean free = user.get() == null;
    if (free) {
      user.set(self);
    }
    return free;
  }

  void exit() {
    slot.exit();
    boolean early = retiring;
    user.set(null);
    if (fault == Fault.LOOKS_THEN_LEAVES ? early : retiring) {
      tryRetire();
    }
  }

  void retire() {
    retiring = true;
    if (fault == Fault.RETIRES_WITH_A_USER_INSIDE) {
      user.set(RETIRED);
      slot.close();
    } else {
      tryRetire();
    }
  }

  void awaitEmpty() {
    Thread self = Thread.currentThread();
    for (Thread holder = user.get(); holder != RETIRED && holder != self; holder = user.get()) {
      Thread.onSpinWait();
    }
  }

  private void tryRetire() {
    if (user.compareAndSet(null, RETIRED)) {
      slot.close();
    }
  }
}
