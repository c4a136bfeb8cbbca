package io.vnet.stress;

import io.vnet.api.epoch.Epoch;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** A whole section: nothing is seen freed, and what a reader did comes before the free. */
@JCStressTest
@Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "The reader came late and is waited for.")
@Outcome(id = "0, 1", expect = Expect.ACCEPTABLE, desc = "The reader found nothing.")
@Outcome(id = "1, 0", expect = Expect.ACCEPTABLE, desc = "The reader is inside and is waited for.")
@Outcome(id = "1, 2", expect = Expect.ACCEPTABLE, desc = "The reader had left before the free.")
@Outcome(id = "1, 1", expect = Expect.FORBIDDEN, desc = "The use came after the reader's exit.")
@Outcome(id = "2, .*", expect = Expect.FORBIDDEN, desc = "The reader saw freed memory.")
@State
public class MembarrierExit extends Unlinked {
  public MembarrierExit() {
    super(Epoch.Barrier.MEMBARRIER);
  }

  @Actor
  public void reader(II_Result result) {
    result.r1 = useInSection();
  }

  @Actor
  public void reclaimer(II_Result result) {
    result.r2 = unlinkAndFree();
  }
}
