package io.vnet.actors.port;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.actors.testkit.Exploration;
import io.vnet.api.epoch.Epoch;
import io.vnet.api.epoch.EpochReader;
import io.vnet.api.port.Direction;
import org.jetbrains.lincheck.LincheckAssertionError;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * However users and a retiring thread interleave: at most one user is inside, his section holds a
 * grace period up, nobody gets in once retired and empty, and the epoch's slot is given back by
 * whoever is last.
 */
@Tag("lincheck")
class DirectionLincheckTest {
  /** Users count what they did without any protection but the direction's. */
  public abstract static class Users {
    private final Epoch epoch = Epoch.create(Epoch.Barrier.FULL_FENCE);
    private boolean inside;
    private int calls;
    private volatile boolean retired;

    final EpochReader slot() {
      return epoch.register("direction");
    }

    abstract boolean enter();

    abstract void exit();

    abstract void retire();

    abstract void awaitEmpty();

    /** The number of the call; 0 if the direction is retired. */
    @Operation
    public int call() {
      boolean late = retired;
      if (!enter()) {
        return 0;
      }
      if (late) {
        throw new AssertionError("a user is inside after the direction was retired and empty");
      }
      if (inside) {
        throw new AssertionError("two users are inside");
      }
      inside = true;
      if (epoch.elapsed(epoch.begin())) {
        throw new AssertionError("a grace period is over while a user is inside");
      }
      int number = ++calls;
      inside = false;
      exit();
      return number;
    }

    @Operation(nonParallelGroup = "owner")
    public void end() {
      retire();
      awaitEmpty();
      if (inside) {
        throw new AssertionError("a user is inside although nobody should be");
      }
      retired = true;
    }

    @Validate
    public void the_slot_is_there_until_the_end() {
      if (epoch.readers() != (retired ? 0 : 1)) {
        throw new AssertionError(epoch.readers() + " readers, retired: " + retired);
      }
    }
  }

  /** The real one. */
  public static class Real extends Users {
    private final Direction direction = new Direction(slot());

    @Override
    boolean enter() {
      return direction.enter();
    }

    @Override
    void exit() {
      direction.exit();
    }

    @Override
    void retire() {
      direction.retire();
    }

    @Override
    void awaitEmpty() {
      direction.awaitEmpty();
    }
  }

  public abstract static class Copy extends Users {
    private final FaultyDirection direction;

    Copy(FaultyDirection.Fault fault) {
      direction = new FaultyDirection(slot(), fault);
    }

    @Override
    boolean enter() {
      return direction.enter();
    }

    @Override
    void exit() {
      direction.exit();
    }

    @Override
    void retire() {
      direction.retire();
    }

    @Override
    void awaitEmpty() {
      direction.awaitEmpty();
    }
  }

  public static class Faultless extends Copy {
    public Faultless() {
      super(FaultyDirection.Fault.NONE);
    }
  }

  public static class LooksThenEnters extends Copy {
    public LooksThenEnters() {
      super(FaultyDirection.Fault.LOOKS_THEN_ENTERS);
    }
  }

  public static class LooksThenLeaves extends Copy {
    public LooksThenLeaves() {
      super(FaultyDirection.Fault.LOOKS_THEN_LEAVES);
    }
  }

  public static class RetiresWithUserInside extends Copy {
    public RetiresWithUserInside() {
      super(FaultyDirection.Fault.RETIRES_WITH_A_USER_INSIDE);
    }
  }

  @Test
  void every_interleaving_keeps_the_rules() {
    Exploration.modelChecking().check(Real.class);
  }

  @Test
  void three_threads_keep_the_rules() {
    Exploration.modelChecking().threads(3).actorsPerThread(2).check(Real.class);
  }

  @Test
  void the_copy_without_a_fault_keeps_the_rules() {
    Exploration.modelChecking().check(Faultless.class);
  }

  @ParameterizedTest
  @ValueSource(
      classes = {LooksThenEnters.class, LooksThenLeaves.class, RetiresWithUserInside.class})
  void each_fault_of_the_copy_is_found(Class<?> faulty) {
    assertThatThrownBy(() -> Exploration.fault().check(faulty))
        .isInstanceOf(LincheckAssertionError.class);
  }
}
