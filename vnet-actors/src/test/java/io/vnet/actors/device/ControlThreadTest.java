package io.vnet.actors.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.javadsl.Behaviors;
import java.lang.StackWalker.StackFrame;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Every task is run once, in order, however the thread sleeps and wakes; or it is refused. */
class ControlThreadTest {
  private static final int GUARD_SECONDS = 60;

  private final BlockingQueue<Throwable> uncaught = new LinkedBlockingQueue<>();
  private final ControlThread control = control();

  private ControlThread control() {
    return new ControlThread(run ->
        Thread.ofPlatform()
            .name("control")
            .uncaughtExceptionHandler((_, e) -> uncaught.add(e))
            .unstarted(run));
  }

  @AfterEach
  void end() throws InterruptedException {
    control.shutdown();
    assertThat(control.awaitTermination(GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(control.isShutdown()).isTrue();
    assertThat(control.isTerminated()).isTrue();
    assertThat(uncaught).isEmpty();
  }

  private static void await(CountDownLatch latch) throws InterruptedException {
    assertThat(latch.await(GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void each_of_many_callers_has_its_tasks_run_in_order() throws InterruptedException {
    int callers = 4;
    int tasks = 50_000;
    List<List<Integer>> seen = new ArrayList<>();
    CountDownLatch done = new CountDownLatch(callers * tasks);
    for (int i = 0; i < callers; i++) {
      List<Integer> mine = new ArrayList<>(tasks);
      seen.add(mine);
      Thread.ofPlatform()
          .start(() -> {
            for (int task = 0; task < tasks; task++) {
              int number = task;
              control.execute(() -> {
                mine.add(number);
                done.countDown();
              });
            }
          });
    }
    await(done);
    assertThat(seen)
        .allSatisfy(mine -> assertThat(mine).hasSize(tasks).isSortedAccordingTo(Integer::compare));
  }

  /** The thread falls asleep after each: a wake-up that is lost ends here. */
  @Test
  void a_task_wakes_the_thread_each_time() throws Exception {
    for (int i = 0; i < 20_000; i++) {
      CompletableFuture<Thread> ran = new CompletableFuture<>();
      control.execute(() -> ran.complete(Thread.currentThread()));
      assertThat(ran.get(GUARD_SECONDS, TimeUnit.SECONDS).getName()).isEqualTo("control");
    }
  }

  @Test
  void a_task_that_throws_is_told_and_the_next_one_runs_on_the_same_thread() throws Exception {
    CompletableFuture<Thread> before = new CompletableFuture<>();
    CompletableFuture<Thread> after = new CompletableFuture<>();
    control.execute(() -> before.complete(Thread.currentThread()));
    control.execute(() -> {
      throw new IllegalStateException("one");
    });
    control.execute(() -> {
      throw new AssertionError("two");
    });
    control.execute(() -> after.complete(Thread.currentThread()));
    assertThat(after.get(GUARD_SECONDS, TimeUnit.SECONDS))
        .isSameAs(before.get(GUARD_SECONDS, TimeUnit.SECONDS));
    assertThat(uncaught).extracting(Throwable::getMessage).containsExactly("one", "two");
    uncaught.clear();
  }

  @Test
  void an_interrupt_does_not_outlive_the_turn_that_it_came_in() throws Exception {
    control.execute(() -> Thread.currentThread().interrupt());
    // It sleeps between the two, or the second follows the first at once and may see it.
    CompletableFuture<Boolean> seen = new CompletableFuture<>();
    do {
      CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
      control.execute(() -> interrupted.complete(Thread.currentThread().isInterrupted()));
      seen = interrupted;
    } while (seen.get(GUARD_SECONDS, TimeUnit.SECONDS));
    assertThat(seen.get()).isFalse();
  }

  @Test
  void what_was_accepted_is_run_and_what_comes_after_the_shutdown_is_refused() throws Exception {
    for (int round = 0; round < 500; round++) {
      ControlThread one = control();
      AtomicInteger ran = new AtomicInteger();
      CountDownLatch begun = new CountDownLatch(1);
      CompletableFuture<Integer> accepted =
          CompletableFuture.supplyAsync(() -> {
            int count = 0;
            try {
              while (true) {
                one.execute(ran::incrementAndGet);
                count++;
                begun.countDown();
              }
            } catch (RejectedExecutionException e) {
              assertThat(e).hasMessageContaining("control was shut down");
              return count;
            }
          });
      await(begun);
      one.shutdown();
      assertThat(one.awaitTermination(GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
      assertThat(accepted.get(GUARD_SECONDS, TimeUnit.SECONDS)).isEqualTo(ran.get());
    }
  }

  @Test
  void what_was_not_begun_is_given_back_if_there_is_no_time() throws Exception {
    ControlThread one = control();
    CountDownLatch begun = new CountDownLatch(1);
    CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
    one.execute(() -> {
      begun.countDown();
      try {
        new CountDownLatch(1).await(GUARD_SECONDS, TimeUnit.SECONDS);
        interrupted.complete(false);
      } catch (InterruptedException e) {
        interrupted.complete(true);
      }
    });
    Runnable second = () -> interrupted.completeExceptionally(new AssertionError("it was run"));
    await(begun);
    one.execute(second);
    assertThat(one.shutdownNow()).isEqualTo(Collections.singletonList(second));
    assertThat(interrupted.get(GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(one.awaitTermination(GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThatThrownBy(() -> one.execute(second)).isInstanceOf(RejectedExecutionException.class);
  }

  @Test
  void it_is_what_the_actors_of_devices_run_on() {
    ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "control");
    CompletableFuture<String> name = new CompletableFuture<>();
    system
        .dispatchers()
        .lookup(DispatcherSelector.fromConfig("vnet.control-dispatcher"))
        .execute(() ->
            name.complete(
                Thread.currentThread().getName()
                    + " by "
                    + StackWalker.getInstance()
                        .walk(frames -> frames.map(StackFrame::getClassName).toList())));
    try {
      assertThat(name.orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join())
          .startsWith("control-vnet.control-dispatcher-")
          .contains(ControlThread.class.getName());
    } finally {
      system.terminate();
    }
    assertThat(
            system
                .getWhenTerminated()
                .toCompletableFuture()
                .orTimeout(GUARD_SECONDS, TimeUnit.SECONDS)
                .join())
        .isNotNull();
  }
}
