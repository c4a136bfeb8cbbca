package io.vnet.actors.linear;

import io.vnet.actors.core.SoftcCore;
import io.vnet.actors.core.SoftcEvent;
import io.vnet.actors.core.SoftcState;
import io.vnet.api.device.DeviceId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Whether a history of one device can be explained: a search through all orders of the calls'
 * steps, in which no step comes before its call or after its return, that remembers where it was. A
 * refusal that changes nothing can be explained as soon as it can be: nothing else is kept from
 * being explained by it.
 */
final class Checker {
  private static final int EXPLANATIONS_MAX = 2_000_000;

  private final List<Call> history;
  private final Set<Explanation> seen = new HashSet<>();

  private Checker(List<Call> history) {
    this.history = history;
  }

  /** Whether a device that was created before can have given this history. */
  static boolean explains(DeviceId device, String vnet, List<Call> history) {
    SoftcState created =
        SoftcCore.step(
                SoftcState.creating(device, 1500, true, false), new SoftcEvent.BackendReady())
            .state();
    return new Checker(history)
        .search(Explanation.start(created, device.toString(), vnet, history.size()));
  }

  private boolean search(Explanation start) {
    Deque<Explanation> open = new ArrayDeque<>();
    open.push(start);
    while (!open.isEmpty()) {
      Explanation current = open.pop();
      if (history.stream().allMatch(call -> current.isOver(call.number()))) {
        return true;
      }
      for (Explanation next : successors(current)) {
        if (seen.add(next)) {
          open.push(next);
        }
      }
      if (seen.size() > EXPLANATIONS_MAX) {
        throw new AssertionError("the history is too large to be searched: " + history.size());
      }
    }
    return false;
  }

  /** The one to be tried first comes last: the step of the call that came first. */
  private List<Explanation> successors(Explanation current) {
    long firstReturn =
        history.stream()
            .filter(call -> !current.isOver(call.number()))
            .mapToLong(Call::returned)
            .min()
            .orElse(Long.MAX_VALUE);
    List<Explanation> successors = new ArrayList<>(current.afterTeardown(history));
    for (Call call : history.reversed()) {
      if (!current.isOver(call.number()) && call.invoked() < firstReturn) {
        List<Explanation> next = current.after(call, history);
        Optional<Explanation> refused =
            next.stream().filter(after -> current.isOnlyRefusedIn(after, call)).findFirst();
        if (refused.isPresent()) {
          return List.of(refused.get());
        }
        successors.addAll(next);
      }
    }
    return successors;
  }
}
