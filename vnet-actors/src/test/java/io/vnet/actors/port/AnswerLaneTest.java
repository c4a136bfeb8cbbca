package io.vnet.actors.port;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Answers leave the actors' thread together, run in order, and do not hold one another up. */
class AnswerLaneTest {
  private final Queue<Runnable> actors = new ArrayDeque<>();
  private final Queue<Runnable> target = new ArrayDeque<>();
  private final List<String> ran = new ArrayList<>();

  private static void runAll(Queue<Runnable> tasks) {
    for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
      task.run();
    }
  }

  @Test
  void the_answers_of_one_round_wake_the_target_once() {
    AnswerLane lane = new AnswerLane(actors::add, target::add);
    lane.execute(() -> ran.add("first"));
    lane.execute(() -> ran.add("second"));
    assertThat(target).as("nothing before the round ends").isEmpty();
    assertThat(actors).hasSize(1);
    runAll(actors);
    assertThat(target).hasSize(1);
    runAll(target);
    assertThat(ran).containsExactly("first", "second");
  }

  @Test
  void an_answer_after_a_round_is_handed_over_again() {
    AnswerLane lane = new AnswerLane(actors::add, target::add);
    lane.execute(() -> ran.add("first"));
    runAll(actors);
    runAll(target);
    lane.execute(() -> ran.add("second"));
    runAll(actors);
    runAll(target);
    assertThat(ran).containsExactly("first", "second");
  }

  @Test
  void an_answer_that_blocks_leaves_the_others_to_another_thread() throws Exception {
    CountDownLatch first = new CountDownLatch(1);
    CountDownLatch second = new CountDownLatch(1);
    try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
      AnswerLane lane = new AnswerLane(actors::add, threads);
      lane.execute(() -> {
        try {
          second.await();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
        first.countDown();
      });
      lane.execute(second::countDown);
      runAll(actors);
      first.await();
    }
    assertThat(second.getCount()).isZero();
  }

  @Test
  void an_answer_that_throws_takes_no_other_with_it() {
    AnswerLane lane = new AnswerLane(actors::add, target::add);
    lane.execute(() -> {
      throw new IllegalArgumentException("a user's");
    });
    lane.execute(() -> ran.add("second"));
    runAll(actors);
    int thrown = 0;
    for (Runnable task = target.poll(); task != null; task = target.poll()) {
      try {
        task.run();
      } catch (IllegalArgumentException _) {
        thrown++;
      }
    }
    assertThat(thrown).isEqualTo(1);
    assertThat(ran).containsExactly("second");
  }

  @Test
  void answers_come_when_the_actors_have_ended() {
    AnswerLane lane =
        new AnswerLane(
            _ -> {
              throw new RejectedExecutionException("ended");
            },
            target::add);
    lane.execute(() -> ran.add("late"));
    runAll(target);
    assertThat(ran).containsExactly("late");
  }

  @Test
  void no_answer_is_lost_between_threads() throws Exception {
    int threads = 4;
    int each = 20_000;
    AtomicInteger answered = new AtomicInteger();
    CountDownLatch all = new CountDownLatch(threads * each);
    try (ExecutorService round = Executors.newSingleThreadExecutor();
        ExecutorService callers = Executors.newFixedThreadPool(threads)) {
      AnswerLane lane = new AnswerLane(round, ForkJoinPool.commonPool());
      for (int i = 0; i < threads; i++) {
        callers.execute(() -> {
          for (int j = 0; j < each; j++) {
            lane.execute(() -> {
              answered.incrementAndGet();
              all.countDown();
            });
          }
        });
      }
      all.await();
    }
    assertThat(answered).hasValue(threads * each);
  }
}
