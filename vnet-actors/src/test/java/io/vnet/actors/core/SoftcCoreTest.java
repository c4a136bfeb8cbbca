package io.vnet.actors.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.core.SoftcCore.Step;
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
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The rules of a softc: a table of each phase and event, and a walk through all states. */
class SoftcCoreTest {
  private static final Opener FIRST = new Opener(1, 100, true);
  private static final Opener SECOND = new Opener(2, 200, true);

  private static final Map<String, SoftcEvent> EVENTS = new LinkedHashMap<>();

  static {
    EVENTS.put("BackendReady", new SoftcEvent.BackendReady());
    EVENTS.put("BackendFailed", new SoftcEvent.BackendFailed(failure(), false));
    EVENTS.put("Open", new SoftcEvent.Open(SECOND));
    EVENTS.put("Close", new SoftcEvent.Close(FIRST.handle()));
    EVENTS.put("CloseOfAnother", new SoftcEvent.Close(99));
    EVENTS.put("Flushed", new SoftcEvent.Flushed());
    EVENTS.put("SetTransient", new SoftcEvent.SetTransient(FIRST.handle(), true));
    EVENTS.put("DestroyWait", new SoftcEvent.Destroy(7, DestroyPolicy.WAIT));
    EVENTS.put("DestroyRefuse", new SoftcEvent.Destroy(8, DestroyPolicy.REFUSE));
    EVENTS.put("DestroyForce", new SoftcEvent.Destroy(9, DestroyPolicy.FORCE));
    EVENTS.put("CancelDestroy", new SoftcEvent.CancelDestroy(7));
    EVENTS.put("Lost", new SoftcEvent.Lost(failure()));
    EVENTS.put("Renamed", new SoftcEvent.Renamed(50, "foo"));
    EVENTS.put("AliasSwapped", new SoftcEvent.AliasSwapped(51));
    EVENTS.put("Moved", new SoftcEvent.Moved("blue", true));
    EVENTS.put("SetOption", new SoftcEvent.SetOption(FIRST.handle(), 60, DeviceOption.MTU, 9000));
    EVENTS.put("Configure", new SoftcEvent.Configure(61, new InterfaceChange.Mtu(9000)));
    EVENTS.put("Detached", new SoftcEvent.Detached());
    EVENTS.put("NodeUnbound", new SoftcEvent.NodeUnbound());
    EVENTS.put("Quiesced", new SoftcEvent.Quiesced());
    EVENTS.put("ReadersDrained", new SoftcEvent.ReadersDrained());
    EVENTS.put("Released", new SoftcEvent.Released());
  }

  /** What is not here changes nothing. Each line: start, event, phase after, effects. */
  private static final String TABLE =
      """
      CREATING BackendReady   IDLE     ApplyInterface PublishPointer ReportCreated
      CREATING BackendFailed  TEARDOWN ReportCreateFailed StoreSentinel Revoke UnbindNode
      CREATING Open           CREATING RefuseOpen
      CREATING DestroyWait    CREATING dying
      CREATING DestroyRefuse  CREATING dying
      CREATING DestroyForce   CREATING dying
      CREATING Lost           CREATING dying
      IDLE     Open           OPEN     LinkUp ApplyInterface GrantOpen AnnounceLink
      IDLE     DestroyWait    TEARDOWN StoreSentinel Revoke UnbindNode
      IDLE     DestroyRefuse  TEARDOWN StoreSentinel Revoke UnbindNode
      IDLE     DestroyForce   TEARDOWN StoreSentinel Revoke UnbindNode
      IDLE     Lost           TEARDOWN StoreSentinel Revoke UnbindNode
      OPEN     Open           OPEN     RefuseOpen
      OPEN     Close          CLOSING  LinkDown
      OPEN     SetTransient   OPEN     transient
      OPEN     DestroyWait    OPEN     dying
      OPEN     DestroyRefuse  OPEN     RefuseDestroy
      OPEN     DestroyForce   TEARDOWN StoreSentinel Revoke UnbindNode
      OPEN     Lost           TEARDOWN StoreSentinel Revoke UnbindNode
      DYING    Open           OPEN     RefuseOpen
      DYING    Close          CLOSING  LinkDown
      DYING    SetTransient   OPEN     transient
      DYING    DestroyWait    OPEN     dying
      DYING    DestroyRefuse  OPEN     RefuseDestroy
      DYING    DestroyForce   TEARDOWN StoreSentinel Revoke UnbindNode
      DYING    CancelDestroy  OPEN     RefuseDestroy
      DYING    Lost           TEARDOWN StoreSentinel Revoke UnbindNode
      CLOSING  Open           CLOSING  parked
      CLOSING  Flushed        IDLE     ApplyInterface AnnounceLink ReportClosed
      CLOSING  DestroyWait    CLOSING  dying
      CLOSING  DestroyRefuse  CLOSING  RefuseDestroy
      CLOSING  DestroyForce   TEARDOWN StoreSentinel Revoke UnbindNode
      CLOSING  Lost           TEARDOWN StoreSentinel Revoke UnbindNode
      PARKED   Open           CLOSING  RefuseOpen
      PARKED   Flushed        OPEN     ApplyInterface AnnounceLink ReportClosed LinkUp ApplyInterface GrantOpen AnnounceLink
      PARKED   DestroyWait    CLOSING  RefuseOpen
      PARKED   DestroyRefuse  CLOSING  RefuseDestroy
      PARKED   DestroyForce   TEARDOWN RefuseOpen StoreSentinel Revoke UnbindNode
      PARKED   Lost           TEARDOWN RefuseOpen StoreSentinel Revoke UnbindNode
      TEARDOWN Open           TEARDOWN RefuseOpen
      TEARDOWN DestroyRefuse  TEARDOWN RefuseDestroy
      TEARDOWN NodeUnbound    TEARDOWN Detach Quiesce
      UNBOUND  Open           TEARDOWN RefuseOpen
      UNBOUND  DestroyRefuse  TEARDOWN RefuseDestroy
      UNBOUND  Quiesced       TEARDOWN Retire
      UNBOUND  Detached       TEARDOWN detached
      QUIESCED Open           TEARDOWN RefuseOpen
      QUIESCED DestroyRefuse  TEARDOWN RefuseDestroy
      QUIESCED ReadersDrained TEARDOWN Release
      DRAINED  Open           TEARDOWN RefuseOpen
      DRAINED  DestroyRefuse  TEARDOWN RefuseDestroy
      DRAINED  Released       GONE     FreeUnit
      IDLE     Renamed        IDLE     SwapAlias
      IDLE     AliasSwapped   IDLE     Confirm
      IDLE     Moved          IDLE     ApplyInterface ConfirmMove
      IDLE     SetOption      IDLE     Refuse
      IDLE     Configure      IDLE     ApplyInterface Confirm
      OPEN     Renamed        OPEN     SwapAlias
      OPEN     AliasSwapped   OPEN     Confirm
      OPEN     Moved          OPEN     ApplyInterface ConfirmMove
      OPEN     SetOption      OPEN     ApplyInterface Confirm
      OPEN     Configure      OPEN     ApplyInterface Confirm
      CLOSING  Renamed        CLOSING  SwapAlias
      CLOSING  AliasSwapped   CLOSING  Confirm
      CLOSING  Moved          CLOSING  ApplyInterface ConfirmMove
      CLOSING  SetOption      CLOSING  Refuse
      CLOSING  Configure      CLOSING  ApplyInterface Confirm
      PARKED   Renamed        CLOSING  SwapAlias
      PARKED   AliasSwapped   CLOSING  Confirm
      PARKED   Moved          CLOSING  ApplyInterface ConfirmMove
      PARKED   SetOption      CLOSING  Refuse
      PARKED   Configure      CLOSING  ApplyInterface Confirm
      RENAMING Renamed        IDLE     SwapAlias
      RENAMING AliasSwapped   IDLE     Confirm
      RENAMING Moved          IDLE     ApplyInterface ConfirmMove
      RENAMING SetOption      IDLE     Refuse
      RENAMING Configure      IDLE     ApplyInterface Confirm
      CREATING Renamed        CREATING Confirm
      CREATING AliasSwapped   CREATING Confirm
      CREATING Moved          CREATING ApplyInterface ConfirmMove
      CREATING SetOption      CREATING Refuse
      CREATING Configure      CREATING ApplyInterface Confirm
      DYING    Renamed        OPEN     Confirm
      DYING    AliasSwapped   OPEN     Confirm
      DYING    Moved          OPEN     ApplyInterface ConfirmMove
      DYING    SetOption      OPEN     ApplyInterface Confirm
      DYING    Configure      OPEN     ApplyInterface Confirm
      RENDYING Renamed        IDLE     Confirm
      RENDYING AliasSwapped   TEARDOWN Confirm StoreSentinel Revoke UnbindNode
      RENDYING Moved          IDLE     ApplyInterface ConfirmMove
      RENDYING SetOption      IDLE     Refuse
      RENDYING Configure      IDLE     ApplyInterface Confirm
      TEARDOWN Renamed        TEARDOWN Confirm
      TEARDOWN AliasSwapped   TEARDOWN Confirm
      TEARDOWN SetOption      TEARDOWN Refuse
      TEARDOWN Configure      TEARDOWN Refuse
      UNBOUND  Renamed        TEARDOWN Confirm
      UNBOUND  AliasSwapped   TEARDOWN Confirm
      UNBOUND  SetOption      TEARDOWN Refuse
      UNBOUND  Configure      TEARDOWN Refuse
      QUIESCED Renamed        TEARDOWN Confirm
      QUIESCED AliasSwapped   TEARDOWN Confirm
      QUIESCED SetOption      TEARDOWN Refuse
      QUIESCED Configure      TEARDOWN Refuse
      DRAINED  Renamed        TEARDOWN Confirm
      DRAINED  AliasSwapped   TEARDOWN Confirm
      DRAINED  SetOption      TEARDOWN Refuse
      DRAINED  Configure      TEARDOWN Refuse
      HELD     Renamed        TEARDOWN Confirm
      HELD     AliasSwapped   TEARDOWN Confirm
      HELD     SetOption      TEARDOWN Refuse
      HELD     Configure      TEARDOWN Refuse
      GONE     Renamed        GONE     Confirm
      GONE     AliasSwapped   GONE     Confirm
      GONE     SetOption      GONE     Refuse
      GONE     Configure      GONE     Refuse
      RENAMING Open           OPEN     LinkUp ApplyInterface GrantOpen AnnounceLink
      RENAMING DestroyWait    IDLE     dying
      RENAMING DestroyRefuse  IDLE     RefuseDestroy
      RENAMING DestroyForce   TEARDOWN StoreSentinel Revoke UnbindNode
      RENAMING Lost           TEARDOWN StoreSentinel Revoke UnbindNode
      RENDYING Open           IDLE     RefuseOpen
      RENDYING DestroyWait    IDLE     dying
      RENDYING DestroyRefuse  IDLE     RefuseDestroy
      RENDYING DestroyForce   TEARDOWN StoreSentinel Revoke UnbindNode
      RENDYING Lost           TEARDOWN StoreSentinel Revoke UnbindNode
      RENDYING CancelDestroy  IDLE     RefuseDestroy
      HELD     Open           TEARDOWN RefuseOpen
      HELD     DestroyRefuse  TEARDOWN RefuseDestroy
      HELD     Detached       TEARDOWN Release
      GONE     Open           GONE     RefuseOpen
      GONE     DestroyRefuse  GONE     RefuseDestroy
      """;

  private static VnetException failure() {
    return new VnetException("test", "tun0", Errno.EIO, "on purpose", "");
  }

  private static SoftcState creating(boolean transientDevice) {
    DeviceId device = new DeviceId(new DeviceName(DriverKind.TUN, 0), 1);
    return SoftcState.creating(device, 1500, true, transientDevice);
  }

  private static SoftcState after(SoftcEvent... events) {
    SoftcState state = creating(false);
    for (SoftcEvent event : events) {
      state = SoftcCore.step(state, event).state();
    }
    return state;
  }

  private static Map<String, SoftcState> starts() {
    SoftcEvent ready = new SoftcEvent.BackendReady();
    SoftcEvent open = new SoftcEvent.Open(FIRST);
    SoftcEvent close = new SoftcEvent.Close(FIRST.handle());
    SoftcEvent force = new SoftcEvent.Destroy(3, DestroyPolicy.FORCE);
    SoftcEvent renamed = new SoftcEvent.Renamed(40, "bar");
    SoftcEvent detached = new SoftcEvent.Detached();
    SoftcEvent unbound = new SoftcEvent.NodeUnbound();
    SoftcEvent quiesced = new SoftcEvent.Quiesced();
    SoftcEvent drained = new SoftcEvent.ReadersDrained();
    Map<String, SoftcState> starts = new LinkedHashMap<>();
    starts.put("CREATING", after());
    starts.put("IDLE", after(ready));
    starts.put("OPEN", after(ready, open));
    starts.put("DYING", after(ready, open, new SoftcEvent.Destroy(7, DestroyPolicy.WAIT)));
    starts.put("CLOSING", after(ready, open, close));
    starts.put("PARKED", after(ready, open, close, new SoftcEvent.Open(new Opener(3, 300, true))));
    starts.put("RENAMING", after(ready, renamed));
    starts.put("RENDYING", after(ready, renamed, new SoftcEvent.Destroy(7, DestroyPolicy.WAIT)));
    starts.put("TEARDOWN", after(ready, force));
    starts.put("UNBOUND", after(ready, force, unbound));
    starts.put("QUIESCED", after(ready, force, unbound, detached, quiesced));
    starts.put("DRAINED", after(ready, force, unbound, detached, quiesced, drained));
    starts.put("HELD", after(ready, force, unbound, quiesced, drained));
    starts.put(
        "GONE",
        after(ready, force, unbound, detached, quiesced, drained, new SoftcEvent.Released()));
    return starts;
  }

  static Stream<Arguments> cells() {
    Map<String, String> table =
        TABLE
            .lines()
            .map(line -> line.split("\\s+", 3))
            .collect(Collectors.toMap(cell -> cell[0] + " " + cell[1], cell -> cell[2]));
    assertThat(table).hasSize((int) TABLE.lines().count());
    return starts().keySet().stream()
        .flatMap(start ->
            EVENTS.keySet().stream()
                .map(event ->
                    Arguments.of(start, event, table.getOrDefault(start + " " + event, ""))));
  }

  private static List<String> names(Step step) {
    return step.effects().stream().map(effect -> effect.getClass().getSimpleName()).toList();
  }

  @ParameterizedTest(name = "{0}, {1}")
  @MethodSource("cells")
  void each_event_in_each_phase_does_what_the_table_says(
      String start, String event, String expected) {
    SoftcState before = starts().getOrDefault(start, creating(false));
    Step step = SoftcCore.step(before, EVENTS.getOrDefault(event, new SoftcEvent.Flushed()));
    if (expected.isEmpty()) {
      assertThat(step).isEqualTo(new Step(before, List.of()));
      return;
    }
    List<String> words = new ArrayList<>(List.of(expected.split("\\s+")));
    assertThat(step.state().phase()).isEqualTo(Phase.valueOf(words.removeFirst()));
    switch (words.getFirst()) {
      case "dying" -> assertThat(step.state().dying()).isTrue();
      case "transient" -> assertThat(step.state().transientDevice()).isTrue();
      case "detached" -> assertThat(step.state().teardown().detached()).isTrue();
      case "parked" -> assertThat(step.state().parked()).contains(SECOND);
      default -> assertThat(names(step)).isEqualTo(words);
    }
    if (List.of("dying", "transient", "parked", "detached").contains(words.getFirst())) {
      assertThat(step.effects()).isEmpty();
    }
  }

  @ParameterizedTest(name = "transient {0}")
  @ValueSource(booleans = {false, true})
  void in_no_state_that_can_be_reached_does_an_event_break_a_rule(boolean transientDevice) {
    Map<SoftcState, SoftcEvent> seen = new HashMap<>();
    Queue<SoftcState> open = new ArrayDeque<>(List.of(creating(transientDevice)));
    List<SoftcEvent> events = new ArrayList<>(EVENTS.values());
    events.add(new SoftcEvent.Open(FIRST));
    events.add(new SoftcEvent.Close(SECOND.handle()));
    events.add(new SoftcEvent.SetTransient(FIRST.handle(), false));
    events.add(new SoftcEvent.Destroy(17, DestroyPolicy.WAIT));
    events.add(new SoftcEvent.CancelDestroy(17));
    while (!open.isEmpty()) {
      SoftcState state = open.remove();
      for (SoftcEvent event : events) {
        if (!possible(state, event)) {
          continue;
        }
        Step step = SoftcCore.step(state, event);
        check(state, event, step);
        if (seen.putIfAbsent(step.state(), event) == null) {
          open.add(step.state());
        }
      }
    }
    assertThat(seen.keySet().stream().map(SoftcState::phase).distinct().count()).isEqualTo(6);
    assertThat(seen.size()).isGreaterThan(50);
  }

  /** A number is used once: for one handle, for one request. */
  private static boolean possible(SoftcState state, SoftcEvent event) {
    return switch (event) {
      case SoftcEvent.Open(var opener) ->
          !state.holder().equals(Optional.of(opener))
              && !state.parked().equals(Optional.of(opener));
      case SoftcEvent.Destroy(var waiter, _) -> !state.waiters().contains(waiter);
      // More would only count on.
      case SoftcEvent.Renamed _ -> state.renames() < 2;
      default -> true;
    };
  }

  private static void check(SoftcState before, SoftcEvent event, Step step) {
    String at = before + ", " + event + " -> " + step;
    List<String> effects = names(step);
    SoftcState after = step.state();
    if (event instanceof SoftcEvent.Open(var opener)) {
      boolean answered = effects.contains("GrantOpen") || effects.contains("RefuseOpen");
      boolean parked = after.parked().filter(opener::equals).isPresent();
      assertThat(answered ^ parked).as(at).isTrue();
    }
    if (before.phase() == Phase.TEARDOWN || before.phase() == Phase.GONE) {
      assertThat(effects)
          .as(at)
          .doesNotContain("PublishPointer", "LinkUp", "GrantOpen", "StoreSentinel", "Revoke");
      assertThat(after.phase()).as(at).isIn(Phase.TEARDOWN, Phase.GONE);
    }
    if (before.phase() == Phase.GONE) {
      assertThat(after).as(at).isEqualTo(before);
      assertThat(effects).as(at).doesNotContain("Release", "FreeUnit", "Retire", "Quiesce");
    }
    if (effects.contains("StoreSentinel")) {
      assertThat(effects).as(at).containsSubsequence("StoreSentinel", "Revoke");
      assertThat(after.phase()).as(at).isEqualTo(Phase.TEARDOWN);
    }
    if (effects.contains("Release")) {
      assertThat(after.teardown().mayRelease()).as(at).isTrue();
    }
    if (before.parked().isPresent() && after.parked().isEmpty()) {
      assertThat(effects).as(at).containsAnyOf("GrantOpen", "RefuseOpen");
    }
    assertThat(effects.contains("FreeUnit"))
        .as(at)
        .isEqualTo(before.phase() != Phase.GONE && after.phase() == Phase.GONE);
    List<String> once = new ArrayList<>(effects);
    // A close and the open that waited for it tell of the interface each.
    once.removeAll(List.of("ApplyInterface", "AnnounceLink"));
    assertThat(once).as(at).doesNotHaveDuplicates();
    assertThat(after.renames()).as(at).isNotNegative();
  }

  @Test
  void a_transient_device_goes_on_while_its_names_are_unbound_by_the_deferred_queue() {
    SoftcState state =
        SoftcCore.step(
                SoftcCore.step(
                        SoftcCore.step(creating(true), new SoftcEvent.BackendReady()).state(),
                        new SoftcEvent.Open(FIRST))
                    .state(),
                new SoftcEvent.Close(FIRST.handle()))
            .state();
    Step flushed = SoftcCore.step(state, new SoftcEvent.Flushed());
    assertThat(names(flushed))
        .containsExactly(
            "ApplyInterface",
            "AnnounceLink",
            "ReportClosed",
            "StoreSentinel",
            "Revoke",
            "DeferUnbindNode",
            "Detach",
            "Quiesce");
    SoftcState detached = SoftcCore.step(flushed.state(), new SoftcEvent.Detached()).state();
    Step drained =
        SoftcCore.step(
            SoftcCore.step(detached, new SoftcEvent.Quiesced()).state(),
            new SoftcEvent.ReadersDrained());
    assertThat(drained.effects()).isEmpty();
    assertThat(names(SoftcCore.step(drained.state(), new SoftcEvent.NodeUnbound())))
        .containsExactly("Release");
  }

  @Test
  void a_cancel_of_one_of_two_waiters_leaves_the_device_dying_and_of_the_last_one_does_not() {
    SoftcState two =
        after(
            new SoftcEvent.BackendReady(),
            new SoftcEvent.Open(FIRST),
            new SoftcEvent.Destroy(7, DestroyPolicy.WAIT),
            new SoftcEvent.Destroy(17, DestroyPolicy.WAIT));
    Step one = SoftcCore.step(two, new SoftcEvent.CancelDestroy(7));
    assertThat(one.state().dying()).isTrue();
    assertThat(one.state().waiters()).containsExactly(17L);
    Step none = SoftcCore.step(one.state(), new SoftcEvent.CancelDestroy(17));
    assertThat(none.state().dying()).isFalse();
    assertThat(none.effects())
        .containsExactly(
            new SoftcEffect.RefuseDestroy(17, Errno.EINTR, "cancelled while it was open"));
  }
}
