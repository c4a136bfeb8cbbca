package io.vnet.actors.core.search;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.core.SoftcCore;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Everything that a few clients can do to one unit, in every order. The numbers of states are
 * asserted, so that a change that makes the search smaller is seen; one that is meant brings its
 * new number. {@code -Dvnet.search.states=10000000} takes the last search as far as that.
 */
class SearchTest {
  @Test
  void one_client_with_all_operations() {
    assertThat(closed(1, Operation.all()).states()).isEqualTo(330_684);
  }

  @Test
  void two_clients_with_all_that_happens_in_one_vnet() {
    Set<Operation> operations = Operation.all();
    operations.remove(Operation.MOVE);
    operations.remove(Operation.FAIL);
    operations.remove(Operation.CREATE_TRANSIENT);
    operations.remove(Operation.CLEAR_TRANSIENT);
    assertThat(closed(2, operations).states()).isEqualTo(819_599);
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
    assertThat(closed(3, operations).states()).isEqualTo(1_389_176);
  }

  @Test
  void three_clients_with_all_operations_as_far_as_is_asked() {
    int most = Integer.getInteger("vnet.search.states", 300_000);
    Search.Result result = search(3, Operation.all(), most);
    assertThat(result.closed() || result.states() >= most).as(result.figures()).isTrue();
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
