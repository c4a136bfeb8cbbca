package io.vnet.api.epoch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.vnet.api.epoch.Epoch.Barrier;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** When a grace period is over, who holds it up, and the book of readers. */
class EpochTest {
  private static final int GUARD_SECONDS = 60;
  private static final long SEED = 0x65706f;

  @Test
  void create_takes_membarrier_where_there_is_one() {
    Barrier expected = Membarrier.available() ? Barrier.MEMBARRIER : Barrier.FULL_FENCE;

    assertThat(Epoch.create().barrier()).isEqualTo(expected);
  }

  @ParameterizedTest
  @EnumSource
  void without_a_reader_inside_a_grace_period_is_over_at_once(Barrier barrier) {
    Epoch epoch = Epoch.create(barrier);
    assertThat(epoch.barrier()).isEqualTo(barrier);
    assertThat(epoch.elapsed(epoch.begin())).isTrue();

    try (EpochReader reader = epoch.register("outside")) {
      assertThat(epoch.elapsed(epoch.begin())).isTrue();
      assertThat(reader.inside()).isFalse();
    }
  }

  @ParameterizedTest
  @EnumSource
  void a_reader_that_was_inside_holds_it_up_until_it_leaves(Barrier barrier) {
    Epoch epoch = Epoch.create(barrier);
    try (EpochReader reader = epoch.register("inside")) {
      reader.enter();
      long token = epoch.begin();
      assertThat(epoch.elapsed(token)).isFalse();
      assertThat(epoch.elapsed(token)).isFalse();

      reader.exit();
      assertThat(epoch.elapsed(token)).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource
  void a_reader_that_entered_later_does_not_hold_it_up(Barrier barrier) {
    Epoch epoch = Epoch.create(barrier);
    try (EpochReader reader = epoch.register("late")) {
      long token = epoch.begin();
      reader.enter();
      assertThat(epoch.elapsed(token)).isTrue();

      long next = epoch.begin();
      assertThat(epoch.elapsed(token)).isTrue();
      assertThat(epoch.elapsed(next)).isFalse();

      reader.exit();
      reader.enter();
      assertThat(epoch.elapsed(next)).isTrue();
      reader.exit();
    }
  }

  @ParameterizedTest
  @EnumSource
  void sections_nest_and_the_outermost_counts(Barrier barrier) {
    Epoch epoch = Epoch.create(barrier);
    try (EpochReader reader = epoch.register("nested")) {
      reader.enter();
      long token = epoch.begin();
      reader.enter();
      reader.enter();
      assertThat(epoch.elapsed(token)).isFalse();
      reader.exit();
      reader.exit();
      assertThat(reader.inside()).isTrue();
      assertThat(epoch.elapsed(token)).isFalse();

      reader.exit();
      assertThat(reader.inside()).isFalse();
      assertThat(epoch.elapsed(token)).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource
  void sections_nest_to_a_bound_that_is_told_and_changes_nothing(Barrier barrier) {
    Epoch epoch = Epoch.create(barrier);
    try (EpochReader reader = epoch.register("recursive")) {
      reader.enter();
      long token = epoch.begin();
      for (long nested = 0; nested < ReaderSlot.NESTED; nested++) {
        reader.enter();
      }
      assertThatIllegalStateException()
          .isThrownBy(reader::enter)
          .withMessage("recursive: sections are nested " + ReaderSlot.NESTED + " deep");
      for (long nested = 0; nested < ReaderSlot.NESTED; nested++) {
        reader.exit();
      }
      assertThat(reader.inside()).isTrue();
      assertThat(epoch.elapsed(token)).isFalse();

      reader.exit();
      assertThat(reader.inside()).isFalse();
      assertThat(epoch.elapsed(token)).isTrue();
      assertThatIllegalStateException().isThrownBy(reader::exit);
    }
  }

  @ParameterizedTest
  @EnumSource
  void hurry_changes_nothing_of_what_is_waited_for(Barrier barrier) {
    Epoch epoch = Epoch.create(barrier);
    try (EpochReader before = epoch.register("before");
        EpochReader during = epoch.register("during")) {
      before.enter();
      long first = epoch.begin();
      epoch.hurry();
      assertThat(epoch.isInHurry()).isTrue();
      during.enter();
      during.enter();
      assertThat(epoch.elapsed(first)).isFalse();
      before.exit();
      assertThat(epoch.elapsed(first)).isTrue();

      long second = epoch.begin();
      assertThat(second).isEqualTo(first + Epoch.STEP);
      during.exit();
      assertThat(during.inside()).isTrue();
      assertThat(epoch.elapsed(second)).isFalse();
      epoch.calm();
      assertThat(epoch.isInHurry()).isFalse();
      assertThat(epoch.elapsed(second)).isFalse();
      during.exit();
      assertThat(during.inside()).isFalse();
      assertThat(epoch.elapsed(second)).isTrue();

      during.enter();
      assertThat(epoch.elapsed(second)).isTrue();
      assertThat(epoch.elapsed(epoch.begin())).isFalse();
      during.exit();
      assertThatIllegalStateException().isThrownBy(during::exit);
    }
  }

  @ParameterizedTest
  @EnumSource
  void each_token_waits_for_the_readers_before_it_and_for_no_other(Barrier barrier) {
    Epoch epoch = Epoch.create(barrier);
    try (EpochReader first = epoch.register("first");
        EpochReader second = epoch.register("second")) {
      first.enter();
      long early = epoch.begin();
      second.enter();
      long late = epoch.begin();
      assertThat(late).isGreaterThan(early);

      first.exit();
      assertThat(epoch.elapsed(early)).isTrue();
      assertThat(epoch.elapsed(late)).isFalse();

      second.exit();
      assertThat(epoch.elapsed(late)).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource
  void random_sections_agree_with_a_book_of_who_entered_when(Barrier barrier) {
    for (int run = 0; run < 100; run++) {
      long seed = SEED + run;
      Random random = new Random(seed);
      Epoch epoch = Epoch.create(barrier);
      int readers = 5;
      List<EpochReader> all = new ArrayList<>();
      long[] entered = new long[readers];
      int[] depth = new int[readers];
      for (int i = 0; i < readers; i++) {
        all.add(epoch.register("reader " + i));
      }
      List<Long> tokens = new ArrayList<>();
      List<Integer> begun = new ArrayList<>();
      for (int step = 1; step <= 100; step++) {
        int who = random.nextInt(readers);
        switch (random.nextInt(3)) {
          case 0 -> {
            all.get(who).enter();
            entered[who] = depth[who]++ == 0 ? step : entered[who];
          }
          case 1 -> {
            if (depth[who] > 0) {
              all.get(who).exit();
              depth[who]--;
            }
          }
          default -> {
            tokens.add(epoch.begin());
            begun.add(step);
          }
        }
        for (int t = 0; t < tokens.size(); t++) {
          boolean expected = true;
          for (int i = 0; i < readers; i++) {
            expected &= depth[i] == 0 || entered[i] > begun.get(t);
          }
          assertThat(epoch.elapsed(tokens.get(t)))
              .as("seed %d, step %d, token of step %d", seed, step, begun.get(t))
              .isEqualTo(expected);
        }
      }
    }
  }

  @Test
  void leaving_without_entering_is_refused() {
    try (EpochReader reader = Epoch.create().register("reader 7")) {
      assertThatIllegalStateException()
          .isThrownBy(reader::exit)
          .withMessage("reader 7: exit without enter");

      reader.enter();
      reader.exit();
      assertThatIllegalStateException().isThrownBy(reader::exit);
      assertThat(reader.inside()).isFalse();
    }
  }

  @Test
  void a_reader_is_not_closed_inside_a_section() {
    Epoch epoch = Epoch.create();
    EpochReader reader = epoch.register("reader 7");
    reader.enter();

    assertThatIllegalStateException()
        .isThrownBy(reader::close)
        .withMessageContaining("reader 7: closed inside a section");
    assertThat(epoch.elapsed(epoch.begin())).isFalse();

    reader.exit();
    reader.close();
    assertThat(epoch.readers()).isZero();
  }

  @Test
  void a_reader_is_closed_more_than_once_as_once() {
    Epoch epoch = Epoch.create();
    EpochReader first = epoch.register("first");
    first.close();
    try (EpochReader second = epoch.register("second")) {
      first.close();

      assertThat(epoch.readers()).isEqualTo(1);
      second.enter();
      assertThat(epoch.elapsed(epoch.begin())).as("the successor's place is its own").isFalse();
      second.exit();
    }
  }

  @ParameterizedTest
  @EnumSource
  void readers_beyond_the_first_table_hold_grace_periods_up_too(Barrier barrier) {
    Epoch epoch = Epoch.create(barrier);
    List<EpochReader> readers = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      readers.add(epoch.register("reader " + i));
    }
    assertThat(epoch.readers()).isEqualTo(100);

    for (EpochReader reader : readers) {
      reader.enter();
      long token = epoch.begin();
      assertThat(epoch.blocking(token))
          .extracting(StalledReader::owner)
          .containsExactly(reader.owner());
      reader.exit();
      assertThat(epoch.elapsed(token)).isTrue();
    }
    readers.forEach(EpochReader::close);
    assertThat(epoch.readers()).isZero();
  }

  @Test
  void the_table_grows_under_a_reader_that_is_inside() {
    Epoch epoch = Epoch.create();
    EpochReader inside = epoch.register("inside");
    inside.enter();
    long token = epoch.begin();
    for (int i = 0; i < 200; i++) {
      epoch.register("reader " + i);
    }

    assertThat(epoch.elapsed(token)).isFalse();
    inside.exit();
    assertThat(epoch.elapsed(token)).isTrue();
  }

  @Test
  void places_of_closed_readers_are_used_again() {
    Epoch epoch = Epoch.create();
    Set<Integer> indexes = new HashSet<>();
    Random random = new Random(SEED);
    List<EpochReader> open = new ArrayList<>();
    for (int round = 0; round < 5_000; round++) {
      if (open.size() < 40 && random.nextBoolean()) {
        EpochReader reader = epoch.register("reader " + round);
        assertThat(open)
            .as("seed %d, round %d: a place has one reader", SEED, round)
            .noneMatch(other -> other.index() == reader.index());
        indexes.add(reader.index());
        open.add(reader);
      } else if (!open.isEmpty()) {
        open.remove(random.nextInt(open.size())).close();
      }
      assertThat(epoch.readers()).as("seed %d, round %d", SEED, round).isEqualTo(open.size());
    }
    assertThat(indexes).hasSizeLessThanOrEqualTo(40);
  }

  @Test
  void a_borrowed_reader_counts_for_grace_periods_and_not_as_registered() {
    Epoch epoch = Epoch.create();
    EpochReader borrowed = epoch.borrow();
    assertThat(epoch.readers()).isZero();

    borrowed.enter();
    long token = epoch.begin();
    assertThat(epoch.elapsed(token)).isFalse();
    assertThatIllegalStateException()
        .isThrownBy(() -> epoch.giveBack(borrowed))
        .withMessageContaining("inside a section");
    borrowed.exit();
    assertThat(epoch.elapsed(token)).isTrue();

    epoch.giveBack(borrowed);
    assertThat(epoch.borrow()).isSameAs(borrowed);
  }

  @Test
  void a_borrowed_reader_is_lent_to_one_at_a_time() {
    Epoch epoch = Epoch.create();
    List<EpochReader> borrowed = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      borrowed.add(epoch.borrow());
    }
    assertThat(borrowed).doesNotHaveDuplicates();

    borrowed.forEach(epoch::giveBack);
    long kept = borrowed.stream().filter(reader -> reader.index() >= 0).count();
    assertThat(kept).as("readers kept for the next, the others are unregistered").isEqualTo(64);

    List<EpochReader> again = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      again.add(epoch.borrow());
    }
    assertThat(again).doesNotHaveDuplicates().isSubsetOf(borrowed);
    assertThat(epoch.readers()).isZero();
  }

  @Test
  void a_stalled_reader_is_named_with_its_thread_and_its_stack() throws Exception {
    Epoch epoch = Epoch.create();
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch leave = new CountDownLatch(1);
    try (EpochReader reader = epoch.register("tun3 reader")) {
      Thread thread = Thread.ofPlatform().name("stalled").start(() -> stall(reader, inside, leave));
      assertThat(inside.await(GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
      long token = epoch.begin();

      List<StalledReader> blocking = epoch.blocking(token);

      assertThat(blocking).hasSize(1);
      assertThat(blocking.getFirst().owner()).isEqualTo("tun3 reader");
      assertThat(blocking.getFirst().thread()).containsSame(thread);
      assertThat(blocking.getFirst().stack())
          .extracting(StackTraceElement::getMethodName)
          .contains("stall");

      leave.countDown();
      thread.join();
      assertThat(epoch.blocking(token)).isEmpty();
      assertThat(epoch.elapsed(token)).isTrue();
    }
  }

  @Test
  void a_stalled_virtual_thread_is_named_by_its_owner_alone() throws Exception {
    Epoch epoch = Epoch.create();
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch leave = new CountDownLatch(1);
    try (EpochReader reader = epoch.register("tun3 writer")) {
      Thread thread = Thread.ofVirtual().start(() -> stall(reader, inside, leave));
      assertThat(inside.await(GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();

      List<StalledReader> blocking = epoch.blocking(epoch.begin());

      assertThat(blocking).hasSize(1);
      assertThat(blocking.getFirst().owner()).isEqualTo("tun3 writer");
      assertThat(blocking.getFirst().thread()).isEmpty();
      assertThat(blocking.getFirst().stack()).isEmpty();
      leave.countDown();
      thread.join();
    }
  }

  private static void stall(EpochReader reader, CountDownLatch inside, CountDownLatch leave) {
    reader.enter();
    try {
      inside.countDown();
      leave.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    } finally {
      reader.exit();
    }
  }

  @Test
  void a_second_user_is_found_and_does_not_keep_the_first_one_inside() throws Exception {
    Epoch epoch = Epoch.create();
    try (EpochReader reader = epoch.register("tun3 reader")) {
      reader.enter();
      long token = epoch.begin();
      try (ExecutorService other = Executors.newSingleThreadExecutor()) {
        Future<?> enters = other.submit(reader::enter);
        assertThat(enters)
            .failsWithin(Duration.ofSeconds(GUARD_SECONDS))
            .withThrowableThat()
            .withMessageContaining("tun3 reader has two users");
        Future<?> exits = other.submit(reader::exit);
        assertThat(exits)
            .failsWithin(Duration.ofSeconds(GUARD_SECONDS))
            .withThrowableThat()
            .withMessageContaining("tun3 reader has two users");
      }
      assertThat(epoch.elapsed(token)).isFalse();

      reader.exit();
      assertThat(reader.inside()).isFalse();
      assertThat(epoch.elapsed(token)).isTrue();
    }
  }

  @Test
  void many_threads_register_borrow_and_leave_without_losing_a_place() throws Exception {
    int threads = 4;
    Epoch epoch = Epoch.create();
    CyclicBarrier start = new CyclicBarrier(threads);
    ThreadFactory platform = Thread.ofPlatform().factory();
    try (ExecutorService executor = Executors.newThreadPerTaskExecutor(platform)) {
      List<Future<Integer>> users = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        users.add(executor.submit(() -> registerAndBorrow(epoch, start)));
      }
      for (Future<Integer> user : users) {
        assertThat(user.get(GUARD_SECONDS, TimeUnit.SECONDS)).isEqualTo(3_000);
      }
    }
    assertThat(epoch.readers()).isZero();
    assertThat(epoch.elapsed(epoch.begin())).isTrue();
  }

  /** How often the reader's own section was seen to hold a grace period up. */
  private static int registerAndBorrow(Epoch epoch, CyclicBarrier start) throws Exception {
    start.await(GUARD_SECONDS, TimeUnit.SECONDS);
    int held = 0;
    for (int round = 0; round < 1_000; round++) {
      try (EpochReader one = epoch.register("one");
          EpochReader two = epoch.register("two")) {
        held += holdsUp(epoch, two) + holdsUp(epoch, one);
      }
      EpochReader borrowed = epoch.borrow();
      held += holdsUp(epoch, borrowed);
      epoch.giveBack(borrowed);
    }
    return held;
  }

  private static int holdsUp(Epoch epoch, EpochReader reader) {
    reader.enter();
    boolean held = !epoch.elapsed(epoch.begin());
    reader.exit();
    return held ? 1 : 0;
  }
}
