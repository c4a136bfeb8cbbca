package io.vnet.stress;

import io.vnet.api.epoch.Epoch;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** Control: a grace period that begins before the unlink protects nobody. */
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
    desc = "Freed under a reader: the test can see it.")
@State
public class ControlBeginBeforeUnlink extends Unlinked {
  public ControlBeginBeforeUnlink() {
    super(Epoch.Barrier.FULL_FENCE);
  }

  @Actor
  public void reader(II_Result result) {
    result.r1 = enterAndLook();
  }

  @Actor
  public void reclaimer(II_Result result) {
    result.r2 = waitAndUnlink();
  }
}
