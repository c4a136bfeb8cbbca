package io.vnet.actors.core.search;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.core.SoftcCore;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The search can fail: with a safeguard taken out it finds the shortest way into trouble, which has
 * the length given here.
 */
class RemovedSafeguardTest {
  private static final Set<Operation> LIFE =
      EnumSet.of(
          Operation.CREATE,
          Operation.OPEN,
          Operation.READ,
          Operation.CLOSE,
          Operation.SET_TRANSIENT,
          Operation.DESTROY_WAIT,
          Operation.DESTROY_REFUSE,
          Operation.DESTROY_FORCE,
          Operation.CANCEL);

  private static final Set<Operation> RECREATION =
      EnumSet.of(Operation.CREATE, Operation.CREATE_TRANSIENT, Operation.DESTROY_FORCE);

  static Stream<Arguments> safeguards() {
    return Stream.of(
        found(Safeguard.SENTINEL, 1, with(), Rule.DEAD_LETTER, 26),
        found(Safeguard.SENTINEL, 2, with(Operation.INSPECT), Rule.TOUCH, 22),
        found(Safeguard.GRACE_PERIOD, 2, with(), Rule.DEAD_LETTER, 18),
        found(Safeguard.TOLD_INSIDE_SECTION, 2, with(), Rule.DEAD_LETTER, 18),
        found(Safeguard.REVOCATION, 1, with(), Rule.TOUCH, 20),
        found(Safeguard.REVOCATION, 2, with(), Rule.TOUCH, 19),
        found(Safeguard.REVOCATION_ON_THE_WAY, 2, with(), Rule.TOUCH, 19),
        found(Safeguard.UNIT_FREED_LAST, 1, with(), Rule.UNIT, 10),
        found(Safeguard.DEFERRED_UNBIND, 1, with(), Rule.DEADLOCK, 17),
        found(Safeguard.REFUSED_DESTROYER_FORGOTTEN, 2, with(), Rule.TRACE, 15),
        found(Safeguard.LATE_DESTROYER_ANSWERED, 2, with(), Rule.DEADLOCK, 19),
        found(Safeguard.STOPPED_BY_DRIVER, 2, with(), Rule.DEAD_LETTER, 15),
        found(Safeguard.DETACH_ACKNOWLEDGED, 2, with(Operation.RENAME), Rule.DEAD_LETTER, 17),
        found(Safeguard.DETACH_WAITS_FOR_ADOPTION, 2, with(Operation.MOVE), Rule.DEAD_LETTER, 19));
  }

  private static Arguments found(
      Safeguard removed, int clients, Set<Operation> operations, Rule rule, int steps) {
    return Arguments.of(removed, clients, operations, rule, steps);
  }

  @ParameterizedTest
  @MethodSource("safeguards")
  void without_a_safeguard_of_the_environment_the_search_finds_a_way_into_trouble(
      Safeguard removed, int clients, Set<Operation> operations, Rule rule, int steps) {
    Search.Result result =
        search(
            clients, operations, EnumSet.of(removed), EnumSet.allOf(Rule.class), SoftcCore::step);
    assertFound(removed, result, rule, steps);
  }

  static Stream<Arguments> mutants() {
    return Stream.of(
        found(CoreMutant.NO_DYING_CHECK, 2, with(Operation.RENAME), Rule.OPEN, 22),
        found(CoreMutant.NO_BUSY_RECHECK, 2, with(), Rule.CANCEL, 9),
        found(CoreMutant.CANCEL_LEAVES_A_TRACE, 2, with(), Rule.TRACE, 13),
        found(CoreMutant.WAITER_NOT_WOKEN, 2, with(), Rule.WAITER, 15),
        found(CoreMutant.SECOND_DESTROYER_TEARS_DOWN, 2, with(), Rule.ONCE, 10),
        found(CoreMutant.RENAME_NOT_BUSY, 1, with(Operation.RENAME), Rule.BUSY, 8),
        found(CoreMutant.TRANSIENT_IGNORES_RENAME, 2, with(Operation.RENAME), Rule.FORCE, 18),
        found(CoreMutant.RELEASED_BEFORE_DRAINED, 2, with(), Rule.DEAD_LETTER, 17),
        found(CoreMutant.RELEASED_BEFORE_UNBOUND, 1, with(), Rule.DEAD_LETTER, 20),
        found(CoreMutant.NOT_QUIESCED, 1, with(), Rule.TOUCH, 13),
        found(
            CoreMutant.PARKED_FORGOTTEN,
            3,
            EnumSet.of(Operation.CREATE, Operation.OPEN, Operation.CLOSE, Operation.DESTROY_FORCE),
            Rule.DEADLOCK,
            30));
  }

  private static Arguments found(
      CoreMutant mutant, int clients, Set<Operation> operations, Rule rule, int steps) {
    return Arguments.of(mutant, clients, operations, rule, steps);
  }

  @ParameterizedTest
  @MethodSource("mutants")
  void without_a_check_of_the_core_the_search_finds_a_way_into_trouble(
      CoreMutant mutant, int clients, Set<Operation> operations, Rule rule, int steps) {
    Search.Result result =
        search(
            clients,
            operations,
            EnumSet.noneOf(Safeguard.class),
            EnumSet.allOf(Rule.class),
            mutant);
    assertFound(mutant, result, rule, steps);
  }

  /** The two left out stand in for others: see the test of the successor's node. */
  @ParameterizedTest
  @EnumSource(
      mode = Mode.EXCLUDE,
      names = {"NAME_CHECKED", "UNBOUND_BY_IDENTITY"})
  void each_safeguard_of_the_environment_is_taken_out(Safeguard safeguard) {
    assertThat(safeguards().map(arguments -> arguments.get()[0])).contains(safeguard);
  }

  @ParameterizedTest
  @EnumSource(CoreMutant.class)
  void each_mutant_of_the_core_is_searched(CoreMutant mutant) {
    assertThat(mutants().map(arguments -> arguments.get()[0])).contains(mutant);
  }

  @Test
  void identity_saves_the_successors_node_when_the_unit_was_freed_early_and_the_name_unchecked() {
    EnumSet<Safeguard> removed = EnumSet.of(Safeguard.UNIT_FREED_LAST, Safeguard.NAME_CHECKED);
    Search.Result saved = search(2, RECREATION, removed, EnumSet.of(Rule.NODE), SoftcCore::step);
    assertThat(saved.violation()).as(saved.trace()).isEmpty();
    assertThat(saved.closed()).isTrue();

    removed.add(Safeguard.UNBOUND_BY_IDENTITY);
    Search.Result lost = search(2, RECREATION, removed, EnumSet.of(Rule.NODE), SoftcCore::step);
    assertFound(removed, lost, Rule.NODE, 11);
  }

  @Test
  void a_refused_destroyer_that_is_remembered_is_answered_twice() {
    Search.Result result =
        search(
            2,
            LIFE,
            EnumSet.of(Safeguard.REFUSED_DESTROYER_FORGOTTEN),
            EnumSet.of(Rule.ANSWER),
            SoftcCore::step);
    assertFound(Safeguard.REFUSED_DESTROYER_FORGOTTEN, result, Rule.ANSWER, 21);
  }

  @Test
  void a_unit_that_is_freed_early_gets_two_lives_at_a_time() {
    Search.Result result =
        search(
            2,
            RECREATION,
            EnumSet.of(Safeguard.UNIT_FREED_LAST),
            EnumSet.of(Rule.ONE_LIFE),
            SoftcCore::step);
    assertFound(Safeguard.UNIT_FREED_LAST, result, Rule.ONE_LIFE, 11);
  }

  @Test
  void an_open_that_is_parked_beside_a_waiting_destroyer_breaks_the_state() {
    Search.Result result =
        search(
            3,
            EnumSet.of(Operation.CREATE, Operation.OPEN, Operation.CLOSE, Operation.DESTROY_WAIT),
            EnumSet.noneOf(Safeguard.class),
            EnumSet.of(Rule.STATE),
            CoreMutant.NO_DYING_CHECK);
    assertFound(CoreMutant.NO_DYING_CHECK, result, Rule.STATE, 17);
  }

  private static Search.Result search(
      int clients,
      Set<Operation> operations,
      Set<Safeguard> missing,
      Set<Rule> rules,
      StepFunction function) {
    return new Search(new Soup(clients, operations, missing, rules, function), 3_000_000).run();
  }

  private static void assertFound(Object removed, Search.Result result, Rule rule, int steps) {
    System.out.printf(
        "search without %s: %s after %d steps, %s%n",
        removed, result.violation(), result.steps(), result.figures());
    assertThat(result.violation()).as(result.figures()).contains(rule);
    assertThat(result.steps()).as(result.trace()).isEqualTo(steps);
    assertThat(result.trace()).contains("c0: CREATE").contains(rule + ": ");
  }

  private static Set<Operation> with(Operation... more) {
    Set<Operation> operations = EnumSet.copyOf(LIFE);
    operations.addAll(Set.of(more));
    return operations;
  }
}
