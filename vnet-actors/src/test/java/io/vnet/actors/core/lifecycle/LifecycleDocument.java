package io.vnet.actors.core.lifecycle;

import io.vnet.actors.core.SoftcCore;
import io.vnet.actors.core.SoftcEffect;
import io.vnet.actors.core.SoftcEvent;
import io.vnet.actors.core.SoftcState;
import io.vnet.actors.core.SoftcState.Opener;
import io.vnet.actors.core.SoftcState.Phase;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.DeviceId;
import io.vnet.api.device.DeviceName;
import io.vnet.api.device.DeviceOption;
import io.vnet.api.device.DriverKind;
import io.vnet.api.device.InterfaceChange;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Draws the transition function: takes each event in each state that two openers, one waiter and
 * one rename can reach, and writes down what comes of it.
 */
final class LifecycleDocument {
  /** What a reader tells apart; the phase, and whether somebody keeps it busy or destroys it. */
  enum Place {
    CREATING,
    CONDEMNED,
    IDLE,
    IDLE_BUSY,
    IDLE_DYING,
    OPEN,
    OPEN_DYING,
    CLOSING,
    CLOSING_DYING,
    TEARDOWN,
    GONE;

    static Place of(SoftcState state) {
      boolean dying = state.dying();
      return switch (state.phase()) {
        case CREATING -> dying ? CONDEMNED : CREATING;
        case IDLE -> dying ? IDLE_DYING : state.renames() > 0 ? IDLE_BUSY : IDLE;
        case OPEN -> dying ? OPEN_DYING : OPEN;
        case CLOSING -> dying ? CLOSING_DYING : CLOSING;
        case TEARDOWN -> TEARDOWN;
        case GONE -> GONE;
      };
    }
  }

  /** One thing that can come of an event. */
  private record Outcome(Place next, String effects) {
    String inWords(Place from) {
      String where = next == from ? "stays" : next.toString();
      return effects.isEmpty() ? where : where + ": " + effects;
    }
  }

  private static final Map<String, List<SoftcEvent>> EVENTS = events();

  private final Map<Place, Map<String, Set<Outcome>>> outcomes = new EnumMap<>(Place.class);

  LifecycleDocument() {
    Queue<SoftcState> queue = new ArrayDeque<>();
    Set<SoftcState> seen = new HashSet<>();
    DeviceId device = new DeviceId(new DeviceName(DriverKind.TUN, 0), 1);
    for (boolean transientDevice : new boolean[] {false, true}) {
      SoftcState created = SoftcState.creating(device, 1500, false, transientDevice);
      seen.add(created);
      queue.add(created);
    }
    for (SoftcState state = queue.poll(); state != null; state = queue.poll()) {
      for (Map.Entry<String, List<SoftcEvent>> named : EVENTS.entrySet()) {
        for (SoftcEvent event : named.getValue()) {
          if (mayHappen(state, event)) {
            SoftcState next = record(state, named.getKey(), event);
            if (seen.add(next)) {
              queue.add(next);
            }
          }
        }
      }
    }
  }

  private static Map<String, List<SoftcEvent>> events() {
    Map<String, List<SoftcEvent>> events = new LinkedHashMap<>();
    VnetException failure = new VnetException("open", "tun0", Errno.EIO, "failed", "");
    Collection<SoftcEvent> all =
        List.of(
            new SoftcEvent.BackendReady(),
            new SoftcEvent.BackendFailed(failure, false),
            new SoftcEvent.Open(new Opener(1, 1, false)),
            new SoftcEvent.Open(new Opener(2, 1, false)),
            new SoftcEvent.Close(1),
            new SoftcEvent.Close(2),
            new SoftcEvent.Flushed(),
            new SoftcEvent.SetTransient(1, true),
            new SoftcEvent.SetTransient(1, false),
            new SoftcEvent.SetTransient(2, true),
            new SoftcEvent.SetOption(1, 1, DeviceOption.MTU, 1400),
            new SoftcEvent.SetOption(1, 1, DeviceOption.OWNER_PID, 2L),
            new SoftcEvent.Configure(1, new InterfaceChange.Up(true)),
            new SoftcEvent.Renamed(1, "wan"),
            new SoftcEvent.AliasSwapped(1),
            new SoftcEvent.Moved("vnet1", false),
            new SoftcEvent.Destroy(1, DestroyPolicy.WAIT),
            new SoftcEvent.Destroy(2, DestroyPolicy.REFUSE),
            new SoftcEvent.Destroy(2, DestroyPolicy.FORCE),
            new SoftcEvent.CancelDestroy(1),
            new SoftcEvent.Lost(failure),
            new SoftcEvent.NodeUnbound(),
            new SoftcEvent.Detached(),
            new SoftcEvent.Quiesced(),
            new SoftcEvent.ReadersDrained(),
            new SoftcEvent.Released());
    for (SoftcEvent event : all) {
      events.computeIfAbsent(name(event), _ -> new ArrayList<>()).add(event);
    }
    return events;
  }

  private static String name(SoftcEvent event) {
    String name = event.getClass().getSimpleName();
    return event instanceof SoftcEvent.Destroy(_, var policy) ? name + " " + policy : name;
  }

  /**
   * Numbers are unique in a host, and what answers an effect comes after it: a waiter waits once,
   * one rename at a time is enough to see what one does, and no answer comes unasked.
   */
  private static boolean mayHappen(SoftcState state, SoftcEvent event) {
    return switch (event) {
      case SoftcEvent.Destroy(var waiter, _) -> !state.waiters().contains(waiter);
      case SoftcEvent.Renamed _ -> state.renames() == 0;
      case SoftcEvent.Open(var opener) ->
          state.holder().filter(opener::equals).isEmpty()
              && state.parked().filter(opener::equals).isEmpty();
      case SoftcEvent.BackendReady _, SoftcEvent.BackendFailed _ -> state.phase() == Phase.CREATING;
      case SoftcEvent.Released _ ->
          state.phase() == Phase.TEARDOWN
              && state.teardown().unbound()
              && state.teardown().detached()
              && state.teardown().drained();
      case SoftcEvent.Flushed _ ->
          state.phase() == Phase.CLOSING || state.phase() == Phase.TEARDOWN;
      default -> true;
    };
  }

  private SoftcState record(SoftcState state, String event, SoftcEvent happened) {
    SoftcCore.Step step = SoftcCore.step(state, happened);
    String effects =
        step.effects().stream().map(LifecycleDocument::name).collect(Collectors.joining(", "));
    outcomes
        .computeIfAbsent(
            Place.of(state), _ -> new TreeMap<>(Comparator.comparingInt(ORDER::indexOf)))
        .computeIfAbsent(event, _ -> new LinkedHashSet<>())
        .add(new Outcome(Place.of(step.state()), effects));
    return step.state();
  }

  private static final List<String> ORDER = List.copyOf(EVENTS.keySet());

  private static String name(SoftcEffect effect) {
    String name = effect.getClass().getSimpleName();
    return switch (effect) {
      case SoftcEffect.RefuseOpen(_, var errno, _) -> name + " " + errno;
      case SoftcEffect.RefuseDestroy(_, var errno, _) -> name + " " + errno;
      case SoftcEffect.Refuse(_, var errno, _) -> name + " " + errno;
      case SoftcEffect.AnnounceLink(var link) -> name + " " + link;
      default -> name;
    };
  }

  /** The diagram: what leads from one place to another. */
  String diagram() {
    StringBuilder text = new StringBuilder("```mermaid\nstateDiagram-v2\n");
    text.append("  [*] --> ").append(Place.CREATING).append('\n');
    outcomes.forEach((from, byEvent) -> {
      Map<Place, Set<String>> arrows = new EnumMap<>(Place.class);
      byEvent.forEach((event, results) ->
          results.forEach(result -> {
            if (result.next() != from) {
              arrows.computeIfAbsent(result.next(), _ -> new LinkedHashSet<>()).add(event);
            }
          }));
      arrows.forEach((next, names) ->
          text.append("  ")
              .append(from)
              .append(" --> ")
              .append(next)
              .append(": ")
              .append(String.join(", ", names))
              .append('\n'));
    });
    return text.append("  ").append(Place.GONE).append(" --> [*]\n```\n").toString();
  }

  /** The table: each place and event, and all that can come of it. */
  String table() {
    StringBuilder text =
        new StringBuilder("| in | event | then: effects, in order |\n|---|---|---|\n");
    outcomes.forEach((from, byEvent) ->
        byEvent.forEach((event, results) ->
            text.append("| ")
                .append(from)
                .append(" | ")
                .append(event)
                .append(" | ")
                .append(
                    results.stream()
                        .map(result -> result.inWords(from))
                        .distinct()
                        .sorted()
                        .collect(Collectors.joining("<br>or ")))
                .append(" |\n")));
    return text.toString();
  }

  /** The part of the document that is generated. */
  String generated() {
    return "## Diagram\n\n" + diagram() + "\n## Table\n\n" + table();
  }
}
