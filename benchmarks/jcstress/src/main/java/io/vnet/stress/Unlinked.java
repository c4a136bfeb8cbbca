package io.vnet.stress;

import io.vnet.api.epoch.Epoch;
import io.vnet.api.epoch.EpochReader;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/** Something that a reader finds through a pointer and a reclaimer unlinks, frees and reuses. */
abstract class Unlinked {
  private static final VarHandle POINTER;

  static {
    try {
      POINTER = MethodHandles.lookup().findVarHandle(Unlinked.class, "pointer", Thing.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** What is protected. */
  static final class Thing {
    boolean freed;
    int used;
  }

  final Thing thing = new Thing();
  private @Nullable Thing pointer = thing;
  private final Epoch epoch;
  private final EpochReader reader;

  Unlinked(Epoch.Barrier barrier) {
    epoch = Epoch.create(barrier);
    reader = epoch.register("reader");
  }

  /** Enters, and stays inside: whether it found the thing. */
  final int enterAndLook() {
    reader.enter();
    return pointer == null ? 0 : 1;
  }

  /** A whole section: 0 nothing found, 1 used it, 2 used it after it was freed. */
  final int useInSection() {
    reader.enter();
    Thing found = pointer;
    int seen = 0;
    if (found != null) {
      seen = found.freed ? 2 : 1;
      found.used = 1;
    }
    reader.exit();
    return seen;
  }

  /** Whether a grace period after the unlink is over at once. */
  final int unlinkAndWait() {
    POINTER.setVolatile(this, null);
    return epoch.elapsed(epoch.begin()) ? 1 : 0;
  }

  /** The fault: a grace period that began before the unlink. */
  final int waitAndUnlink() {
    long token = epoch.begin();
    POINTER.setVolatile(this, null);
    return epoch.elapsed(token) ? 1 : 0;
  }

  /** 0: not over yet, else freed; 1: had not been used, 2: had been. */
  final int unlinkAndFree() {
    if (unlinkAndWait() == 0) {
      return 0;
    }
    int used = thing.used;
    thing.freed = true;
    return 1 + used;
  }
}
