package io.vnet.actors.linear;

import io.vnet.actors.core.SoftcCore;
import io.vnet.actors.core.SoftcEffect;
import io.vnet.actors.core.SoftcEvent;
import io.vnet.actors.core.SoftcState;
import io.vnet.actors.core.SoftcState.Phase;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.error.Errno;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;

/**
 * How a history may have gone, up to a point.
 *
 * <p>The softc's rules are {@link SoftcCore}'s. Around them, as the facade, the driver and the vnet
 * do: an open that finds the sentinel, a destroy of what is gone, renames and moves, which a vnet
 * hands to the softc and refuses in the middle of a move. A device in memory carries a close out in
 * the step in which it is told.
 *
 * @param softc its state
 * @param gone whether its unit is free
 * @param name of the interface
 * @param vnet that has the interface
 * @param moving the call that moves it, or -1
 * @param stages of each call: how many of its steps were made, or {@link #OVER}
 */
record Explanation(
    SoftcState softc, boolean gone, String name, String vnet, int moving, List<Integer> stages) {
  static final int OVER = -1;

  private static final Set<String> SUCCESSES =
      Set.of(Call.GRANTED, Call.CLOSED, Call.GONE, Call.DONE);

  Explanation {
    stages = List.copyOf(stages);
  }

  static Explanation start(SoftcState created, String name, String vnet, int calls) {
    return new Explanation(created, false, name, vnet, -1, Collections.nCopies(calls, 0));
  }

  boolean isOver(int call) {
    return stages.get(call) == OVER;
  }

  private boolean ending() {
    return softc.phase() == Phase.TEARDOWN;
  }

  /** Whether what comes after differs in nothing but that a call was refused in its first step. */
  boolean isOnlyRefusedIn(Explanation after, Call call) {
    return after.isOver(call.number())
        && stages.get(call.number()) == 0
        && !SUCCESSES.contains(call.result())
        && !(call.what() instanceof Call.Move && call.result().equals(Errno.ENXIO.name()))
        && after.equals(at(call, OVER));
  }

  /** What can have come next by one step of a call. */
  List<Explanation> after(Call call, List<Call> history) {
    int stage = stages.get(call.number());
    return switch (call.what()) {
      case Call.Open _ -> stage == 0 ? opened(call, history) : List.of();
      case Call.Close(var handle) ->
          stage == 0
              ? at(call, 1).happens(new SoftcEvent.Close(handle), history).stream()
                  .flatMap(closing ->
                      closing.softc.phase() == Phase.CLOSING
                          ? closing.happens(new SoftcEvent.Flushed(), history).stream()
                          : List.of(closing).stream())
                  .flatMap(next ->
                      next.gone ? next.answers(call, Call.CLOSED).stream() : List.of(next).stream())
                  .toList()
              : List.of();
      case Call.Destroy destroy -> destroying(call, destroy, stage, history);
      case Call.Rename(var newName) -> renaming(call, newName, stage, history);
      case Call.Move(var target) -> moving(call, target, stage, history);
    };
  }

  /** The teardown comes to its end: whoever waits for it is told. */
  List<Explanation> afterTeardown(List<Call> history) {
    if (!ending() || gone) {
      return List.of();
    }
    Explanation next = new Explanation(softc, true, name, vnet, moving, stages);
    for (Call call : history) {
      if (next.stages.get(call.number()) > 0) {
        String answer =
            switch (call.what()) {
              case Call.Destroy _ -> Call.GONE;
              case Call.Close _ -> Call.CLOSED;
              default -> "";
            };
        if (!answer.isEmpty()) {
          List<Explanation> told = next.answers(call, answer);
          if (told.isEmpty()) {
            return told;
          }
          next = told.getFirst();
        }
      }
    }
    return List.of(next);
  }

  private List<Explanation> opened(Call call, List<Call> history) {
    if (gone) {
      return answers(call, Errno.ENXIO.name());
    }
    if (ending() && call.result().equals(Errno.ENXIO.name())) {
      return answers(call, call.result());
    }
    return at(call, 1)
        .happens(new SoftcEvent.Open(new SoftcState.Opener(call.number(), 1, true)), history);
  }

  private List<Explanation> destroying(
      Call call, Call.Destroy destroy, int stage, List<Call> history) {
    if (stage == 0) {
      if (gone) {
        return answers(call, Errno.ENXIO.name());
      }
      // The request may meet the softc's last word: then the driver answers for it.
      List<Explanation> next = new ArrayList<>();
      if (ending() && destroy.policy() == DestroyPolicy.REFUSE) {
        next.add(at(call, 1));
      }
      next.addAll(
          at(call, 1).happens(new SoftcEvent.Destroy(call.number(), destroy.policy()), history));
      return next;
    }
    return destroy.cancelled() && softc.waiters().contains((long) call.number())
        ? happens(new SoftcEvent.CancelDestroy(call.number()), history)
        : List.of();
  }

  private List<Explanation> renaming(Call call, String newName, int stage, List<Call> history) {
    if (stage == 0) {
      if ((ending() || gone) && call.result().equals(Errno.ENXIO.name())) {
        return answers(call, call.result());
      }
      if (gone) {
        return List.of();
      }
      if (moving >= 0) {
        return answers(call, Errno.EBUSY.name());
      }
      return newName.equals(name)
          ? answers(call, Call.DONE)
          : List.of(new Explanation(softc, gone, newName, vnet, moving, at(call, 1).stages));
    }
    return stage == 1
        ? at(call, 2).happens(new SoftcEvent.Renamed(call.number(), newName), history)
        : happens(new SoftcEvent.AliasSwapped(call.number()), history);
  }

  private List<Explanation> moving(Call call, String target, int stage, List<Call> history) {
    List<Explanation> next = new ArrayList<>();
    if ((ending() || gone) && stage <= 1) {
      next.addAll((stage == 0 ? this : arrivedIn(vnet)).answers(call, Errno.ENXIO.name()));
    }
    if (stage == 0 && !gone) {
      if (target.equals(vnet)) {
        next.addAll(answers(call, Errno.EEXIST.name()));
      } else if (moving >= 0) {
        next.addAll(answers(call, Errno.EBUSY.name()));
      } else {
        next.add(new Explanation(softc, gone, name, vnet, call.number(), at(call, 1).stages));
      }
    } else if (stage == 1 && !ending()) {
      at(call, 2)
          .happens(new SoftcEvent.Moved(target, true), history)
          .forEach(moved ->
              next.add(
                  new Explanation(
                      moved.softc, moved.gone, moved.name, target, moved.moving, moved.stages)));
    } else if (stage == 2) {
      next.addAll(arrivedIn(vnet).answers(call, Call.DONE));
    }
    return next;
  }

  /** Nobody moves it any more. */
  private Explanation arrivedIn(String where) {
    return new Explanation(softc, gone, name, where, -1, stages);
  }

  private Explanation at(Call call, int stage) {
    List<Integer> next = new ArrayList<>(stages);
    next.set(call.number(), stage);
    return new Explanation(softc, gone, name, vnet, moving, next);
  }

  /** Empty if the call was answered something else. */
  private List<Explanation> answers(Call call, String answer) {
    return answer.equals(call.result()) ? List.of(at(call, OVER)) : List.of();
  }

  /** Lets something happen to the softc; empty if a call was answered something else. */
  private List<Explanation> happens(SoftcEvent event, List<Call> history) {
    SoftcCore.Step step = SoftcCore.step(softc, event);
    List<Explanation> next =
        List.of(new Explanation(step.state(), gone, name, vnet, moving, stages));
    for (SoftcEffect effect : step.effects()) {
      next =
          next.stream().flatMap(explanation -> explanation.told(effect, history).stream()).toList();
    }
    return next;
  }

  private List<Explanation> told(SoftcEffect effect, List<Call> history) {
    return switch (effect) {
      case SoftcEffect.GrantOpen(var opener) ->
          answers(history.get((int) opener.handle()), Call.GRANTED);
      case SoftcEffect.RefuseOpen(var opener, var errno, var _) ->
          answers(history.get((int) opener.handle()), errno.name());
      case SoftcEffect.RefuseDestroy(var waiter, var errno, var _) ->
          answers(history.get(Math.toIntExact(waiter)), errno.name());
      case SoftcEffect.Confirm(var request) ->
          answers(history.get(Math.toIntExact(request)), Call.DONE);
      case SoftcEffect.ReportClosed(var handle) ->
          history.stream()
              .filter(call -> call.what().equals(new Call.Close(Math.toIntExact(handle))))
              .findFirst()
              .map(call -> answers(call, Call.CLOSED))
              .orElse(List.of(this));
      default -> List.of(this);
    };
  }
}
