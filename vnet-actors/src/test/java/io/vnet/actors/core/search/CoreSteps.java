package io.vnet.actors.core.search;

import io.vnet.actors.core.SoftcCore;
import io.vnet.actors.core.SoftcEffect;
import io.vnet.actors.core.SoftcEvent;
import io.vnet.actors.core.SoftcState;
import io.vnet.api.device.DeviceId;
import io.vnet.api.device.DeviceName;
import io.vnet.api.device.DriverKind;
import io.vnet.api.device.InterfaceState;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The step function over numbered states: a softc's state is a small number, and a step that was
 * taken before is looked up. What no rule of the life depends on (the interface end) is put back to
 * one constant after each step.
 */
final class CoreSteps {
  /** What a step gave. */
  record Outcome(SoftcState before, int after, SoftcState state, List<SoftcEffect> effects) {}

  private record Key(int state, SoftcEvent event) {}

  private static final SoftcState CREATING =
      SoftcState.creating(new DeviceId(new DeviceName(DriverKind.TUN, 0), 1), 1500, false, false);
  private static final InterfaceState NETWORK = CREATING.network();

  private final StepFunction function;
  private final List<SoftcState> states = new ArrayList<>();
  private final Map<SoftcState, Integer> numbers = new HashMap<>();
  private final Map<Key, Outcome> steps = new HashMap<>();

  CoreSteps(StepFunction function) {
    this.function = function;
  }

  int creating(boolean transientDevice) {
    return number(
        new SoftcState(
            CREATING.driver(),
            CREATING.phase(),
            false,
            transientDevice,
            CREATING.holder(),
            CREATING.parked(),
            CREATING.waiters(),
            0,
            NETWORK,
            CREATING.teardown()));
  }

  SoftcState state(int number) {
    return states.get(number);
  }

  /** How many states of a softc were met. */
  int size() {
    return states.size();
  }

  /**
   * Takes a step.
   *
   * @throws Violation if the core itself finds its state broken
   */
  Outcome step(int state, SoftcEvent event) {
    Key key = new Key(state, event);
    Outcome known = steps.get(key);
    if (known == null) {
      known = take(states.get(state), event);
      steps.put(key, known);
    }
    return known;
  }

  private Outcome take(SoftcState before, SoftcEvent event) {
    SoftcCore.Step step;
    try {
      step = function.step(before, event);
    } catch (IllegalStateException e) {
      throw new Violation(Rule.STATE, String.valueOf(e.getMessage()));
    }
    SoftcState after = step.state();
    SoftcState plain =
        new SoftcState(
            after.driver(),
            after.phase(),
            after.condemned(),
            after.transientDevice(),
            after.holder(),
            after.parked(),
            after.waiters(),
            after.renames(),
            NETWORK,
            after.teardown());
    return new Outcome(before, number(plain), plain, step.effects());
  }

  private int number(SoftcState state) {
    return numbers.computeIfAbsent(
        state,
        added -> {
          states.add(added);
          return states.size() - 1;
        });
  }
}
