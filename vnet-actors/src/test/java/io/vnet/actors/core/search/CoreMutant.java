package io.vnet.actors.core.search;

import io.vnet.actors.core.SoftcCore;
import io.vnet.actors.core.SoftcEffect;
import io.vnet.actors.core.SoftcEvent;
import io.vnet.actors.core.SoftcState;
import io.vnet.actors.core.SoftcState.Phase;
import io.vnet.actors.core.SoftcState.Teardown;
import io.vnet.api.error.Errno;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The production function with one of its checks taken out. */
enum CoreMutant implements StepFunction {
  /** Opens although a destroyer waits or is at work. */
  NO_DYING_CHECK {
    @Override
    public SoftcCore.Step step(SoftcState state, SoftcEvent event) {
      return event instanceof SoftcEvent.Open
          ? blindToDestroyers(state, event)
          : core(state, event);
    }
  },
  /** Lets a cancel win whenever it comes. */
  NO_BUSY_RECHECK {
    @Override
    public SoftcCore.Step step(SoftcState state, SoftcEvent event) {
      SoftcCore.Step step = core(state, event);
      return event instanceof SoftcEvent.CancelDestroy(var waiter)
              && state.phase() == Phase.TEARDOWN
              && step.effects().isEmpty()
          ? new SoftcCore.Step(
              state, List.of(new SoftcEffect.RefuseDestroy(waiter, Errno.EINTR, "cancelled")))
          : step;
    }
  },
  /** Answers a cancel that wins, and goes on destroying. */
  CANCEL_LEAVES_A_TRACE {
    @Override
    public SoftcCore.Step step(SoftcState state, SoftcEvent event) {
      SoftcCore.Step step = core(state, event);
      return event instanceof SoftcEvent.CancelDestroy
          ? new SoftcCore.Step(state, step.effects())
          : step;
    }
  },
  /** Does not look for waiters when the last close was carried out. */
  WAITER_NOT_WOKEN {
    @Override
    public SoftcCore.Step step(SoftcState state, SoftcEvent event) {
      return event instanceof SoftcEvent.Flushed
          ? blindToDestroyers(state, event)
          : core(state, event);
    }
  },
  /** Tears down once more for a destroyer that comes second. */
  SECOND_DESTROYER_TEARS_DOWN {
    @Override
    public SoftcCore.Step step(SoftcState state, SoftcEvent event) {
      return event instanceof SoftcEvent.Destroy && state.phase() == Phase.TEARDOWN
          ? core(with(state, Phase.IDLE, false, List.of(), 0, NOTHING_DONE), event)
          : core(state, event);
    }
  },
  /** Swaps the alias without keeping the device busy. */
  RENAME_NOT_BUSY {
    @Override
    public SoftcCore.Step step(SoftcState state, SoftcEvent event) {
      SoftcCore.Step step = core(state, event);
      SoftcState next = step.state();
      return event instanceof SoftcEvent.Renamed
          ? new SoftcCore.Step(
              with(next, next.phase(), next.condemned(), next.waiters(), 0, next.teardown()),
              step.effects())
          : step;
    }
  },
  /** Tears a transient device down at its last close although a rename is under way. */
  TRANSIENT_IGNORES_RENAME {
    @Override
    public SoftcCore.Step step(SoftcState state, SoftcEvent event) {
      return event instanceof SoftcEvent.Flushed && state.transientDevice()
          ? core(
              with(state, state.phase(), state.condemned(), state.waiters(), 0, state.teardown()),
              event)
          : core(state, event);
    }
  },
  /** Releases the backend when it is quiesced, without waiting for the readers. */
  RELEASED_BEFORE_DRAINED {
    @Override
    public SoftcCore.Step step(SoftcState state, SoftcEvent event) {
      SoftcCore.Step step = core(state, event);
      return event instanceof SoftcEvent.Quiesced
          ? then(step, new SoftcEvent.ReadersDrained())
          : step;
    }
  },
  /** Releases, and frees the unit, while the deferred queue still has the node. */
  RELEASED_BEFORE_UNBOUND {
    @Override
    public SoftcCore.Step step(SoftcState state, SoftcEvent event) {
      SoftcCore.Step step = core(state, event);
      return event instanceof SoftcEvent.ReadersDrained
          ? then(step, new SoftcEvent.NodeUnbound())
          : step;
    }
  },
  /** Retires before the backend is quiesced. */
  NOT_QUIESCED {
    @Override
    public SoftcCore.Step step(SoftcState state, SoftcEvent event) {
      SoftcCore.Step step = core(state, event);
      return step.effects().contains(new SoftcEffect.Quiesce())
          ? then(step, new SoftcEvent.Quiesced())
          : step;
    }
  },
  /** Forgets who is parked when a destroy is forced. */
  PARKED_FORGOTTEN {
    @Override
    public SoftcCore.Step step(SoftcState state, SoftcEvent event) {
      SoftcCore.Step step = core(state, event);
      return event instanceof SoftcEvent.Destroy
          ? new SoftcCore.Step(
              step.state(),
              step.effects().stream()
                  .filter(effect -> !(effect instanceof SoftcEffect.RefuseOpen))
                  .toList())
          : step;
    }
  };

  private static final Teardown NOTHING_DONE =
      new Teardown(false, false, false, false, false, false);

  private static SoftcCore.Step core(SoftcState state, SoftcEvent event) {
    return SoftcCore.step(state, event);
  }

  private static SoftcCore.Step then(SoftcCore.Step step, SoftcEvent event) {
    SoftcCore.Step next = core(step.state(), event);
    List<SoftcEffect> effects = new ArrayList<>(step.effects());
    effects.addAll(next.effects());
    return new SoftcCore.Step(next.state(), effects);
  }

  private static SoftcCore.Step blindToDestroyers(SoftcState state, SoftcEvent event) {
    SoftcCore.Step step =
        core(
            with(state, state.phase(), false, List.of(), state.renames(), state.teardown()), event);
    SoftcState next = step.state();
    boolean ending = next.phase() == Phase.TEARDOWN || next.phase() == Phase.GONE;
    return ending || state.phase() == Phase.TEARDOWN || state.phase() == Phase.GONE
        ? core(state, event)
        : new SoftcCore.Step(
            with(
                next,
                next.phase(),
                state.condemned(),
                state.waiters(),
                next.renames(),
                next.teardown()),
            step.effects());
  }

  private static SoftcState with(
      SoftcState state,
      Phase phase,
      boolean condemned,
      List<Long> waiters,
      int renames,
      Teardown teardown) {
    boolean held = phase == Phase.OPEN || phase == Phase.CLOSING;
    boolean ending = phase == Phase.TEARDOWN || phase == Phase.GONE;
    return new SoftcState(
        state.driver(),
        phase,
        condemned || ending,
        state.transientDevice(),
        held ? state.holder() : Optional.empty(),
        held ? state.parked() : Optional.empty(),
        waiters,
        renames,
        state.network(),
        teardown);
  }
}
