package io.vnet.actors.core.search;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.core.SoftcCore;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Everything that a few clients can do to one unit, in every order. The numbers of states are
 * asserted, so that a change that makes the search smaller is seen; one that is meant brings its
 * new number. {@code -Dvnet.search.states=10000000} (or more) takes the searches of three clients
 * further: one to where it closes, with more operations; the one of all operations to that many
 * states.
 */
class SearchTest {
  private static final int DEEP = 10_000_000;
  private static final int MOST = Integer.getInteger("vnet.search.states", 1_000_000);

  @Test
  void one_client_with_all_operations() {
    assertThat(closed(1, Operation.all()).states()).isEqualTo(330_684);
  }

  @Test
  void two_clients_with_all_operations_but_moves() {
    Set<Operation> operations = Operation.all();
    operations.remove(Operation.MOVE);
    assertThat(closed(2, operations).states()).isEqualTo(1_359_701);
  }

  @Test
  void two_clients_that_move_and_rename() {
    Set<Operation> operations =
        EnumSet.of(
            Operation.CREATE,
            Operation.OPEN,
            Operation.CLOSE,
            Operation.MOVE,
            Operation.RENAME,
            Operation.DESTROY_FORCE);
    assertThat(closed(2, operations).states()).isEqualTo(133_168);
  }

  @Test
  void three_clients_with_the_core_operations() {
    Set<Operation> operations =
        EnumSet.of(
            Operation.CREATE,
            Operation.OPEN,
            Operation.CLOSE,
            Operation.DESTROY_WAIT,
            Operation.DESTROY_FORCE,
            Operation.CANCEL);
    if (MOST < DEEP) {
      assertThat(closed(3, operations).states()).isEqualTo(1_389_176);
    } else {
      operations.add(Operation.READ);
      operations.add(Operation.SET_TRANSIENT);
      assertThat(closed(3, operations).states()).isEqualTo(6_146_231);
    }
  }

  @Test
  void three_clients_with_all_operations_as_far_as_is_asked() {
    Search.Result result = search(3, Operation.all(), MOST);
    assertThat(result.closed() || result.states() >= MOST).as(result.figures()).isTrue();
  }

  private static Search.Result closed(int clients, Set<Operation> operations) {
    Search.Result result = search(clients, operations, Integer.MAX_VALUE);
    assertThat(result.closed()).isTrue();
    return result;
  }

  private static Search.Result search(int clients, Set<Operation> operations, int most) {
    Soup soup =
        new Soup(
            clients,
            operations,
            EnumSet.noneOf(Safeguard.class),
            EnumSet.allOf(Rule.class),
            SoftcCore::step);
    Search.Result result = new Search(soup, most).run();
    System.out.printf(
        "search: %d clients, %d operations: %s%n", clients, operations.size(), result.figures());
    assertThat(result.violation()).as(result.trace()).isEmpty();
    return result;
  }
}
