package io.vnet.stress;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** Control: the reader's enter as with membarrier(2), but a reclaimer that does not call it. */
@JCStressTest
@Outcome(
    id = "0, 0",
    expect = Expect.ACCEPTABLE,
    desc = "The reader came after the unlink and is waited for.")
@Outcome(id = "0, 1", expect = Expect.ACCEPTABLE, desc = "The reader came after the grace period.")
@Outcome(
    id = "1, 0",
    expect = Expect.ACCEPTABLE,
    desc = "The reader found the thing and is waited for.")
@Outcome(
    id = "1, 1",
    expect = Expect.ACCEPTABLE_INTERESTING,
    desc = "Freed under a reader: the processor does it, and the test can see it.")
@State
public class ControlNoBarrier {
  private static final VarHandle SLOT = handle("slot", long.class);
  private static final VarHandle POINTER = handle("pointer", int.class);

  @SuppressWarnings("UnusedVariable") // Through SLOT.
  private long slot;

  private int pointer = 1;

  private static VarHandle handle(String field, Class<?> type) {
    try {
      return MethodHandles.lookup().findVarHandle(ControlNoBarrier.class, field, type);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  @Actor
  public void reader(II_Result result) {
    SLOT.setOpaque(this, 1L);
    VarHandle.loadLoadFence();
    result.r1 = pointer;
  }

  @Actor
  public void reclaimer(II_Result result) {
    POINTER.setVolatile(this, 0);
    result.r2 = (long) SLOT.getAcquire(this) == 0 ? 1 : 0;
  }
}
