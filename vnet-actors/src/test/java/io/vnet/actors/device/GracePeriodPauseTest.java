package io.vnet.actors.device;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.typed.ActorSystem;
import io.vnet.api.device.ClonePolicy;
import io.vnet.api.epoch.Epoch;
import io.vnet.api.epoch.EpochReader;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.SlabPool;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** An actor that waits for a reader leaves the processor to it, and longer each time. */
class GracePeriodPauseTest {
  private static final int GUARD_SECONDS = 60;
  private static final int PAUSES = 60;

  private final Epoch epoch = Epoch.create();
  private final EpochReader reader = epoch.register("reader");
  private final List<Long> pauses = new CopyOnWriteArrayList<>();
  private final List<Boolean> hurries = new CopyOnWriteArrayList<>();
  private final BlockingQueue<Integer> overs = new LinkedBlockingQueue<>();
  private final BlockingQueue<Runnable> lastPauses = new LinkedBlockingQueue<>();
  private volatile Runnable onPause = () -> {};
  private final SlabPool rings = new SlabPool(64 * 1024, 1);
  private final BatchPool singles = new BatchPool(new SlabPool(64 * 1024, 1), 1, 0, 0);
  private final ActorSystem<GracePeriodActor.Command> actor =
      ActorSystem.create(GracePeriodActor.create(context()), "grace-period-pause");

  @AfterEach
  void end() {
    actor.terminate();
    actor
        .getWhenTerminated()
        .toCompletableFuture()
        .orTimeout(GUARD_SECONDS, TimeUnit.SECONDS)
        .join();
    reader.close();
    singles.close();
    rings.close();
  }

  /** No time passes in a pause; the last ends when the test says so. */
  private final class Pauses implements Later {
    @Override
    public void run(long nanos, Runnable task) {
      pauses.add(nanos);
      hurries.add(epoch.isInHurry());
      onPause.run();
      if (pauses.size() < PAUSES) {
        task.run();
      } else {
        lastPauses.add(task);
      }
    }

    @Override
    public void over() {
      overs.add(pauses.size());
    }
  }

  private HostContext context() {
    return new HostContext(
        epoch,
        rings,
        singles,
        new NodeTable(),
        new VnetTable(epoch),
        new AtomicReference<>(ClonePolicy.defaults()),
        new EventLog(Runnable::run, System::nanoTime),
        new GraceGauge(Integer.MAX_VALUE),
        new HostFailure(
            failure -> {
              throw failure;
            },
            () -> {}),
        Runnable::run,
        Runnable::run,
        () -> {
          throw new AssertionError("no host network is needed");
        },
        new Pauses(),
        () -> 0,
        Long.MAX_VALUE,
        new AtomicLong(),
        _ -> {});
  }

  private CompletableFuture<GracePeriodActor.Elapsed> retire() {
    CompletableFuture<GracePeriodActor.Elapsed> elapsed = new CompletableFuture<>();
    actor.tell(new GracePeriodActor.Retire(7, elapsed::complete));
    return elapsed.orTimeout(GUARD_SECONDS, TimeUnit.SECONDS);
  }

  /** A grace period that the reader holds up for all its pauses. */
  private void stallAndLeave() throws InterruptedException {
    reader.enter();
    CompletableFuture<GracePeriodActor.Elapsed> elapsed = retire();
    Runnable lastPause = Objects.requireNonNull(lastPauses.poll(GUARD_SECONDS, TimeUnit.SECONDS));
    assertThat(elapsed).isNotDone();
    reader.exit();
    lastPause.run();
    assertThat(elapsed.join().token()).isEqualTo(7);
  }

  @Test
  void a_grace_period_without_a_reader_inside_is_not_paused_for() {
    assertThat(retire().join().token()).isEqualTo(7);

    assertThat(pauses).isEmpty();
  }

  @Test
  void readers_are_in_a_hurry_during_the_pauses_of_the_first_milliseconds()
      throws InterruptedException {
    stallAndLeave();

    for (int i = 0; i < PAUSES; i++) {
      assertThat(hurries.get(i))
          .as("pause of %s ns", pauses.get(i))
          .isEqualTo(pauses.get(i) <= 1e6);
    }
    assertThat(hurries).contains(true, false);
    assertThat(epoch.isInHurry()).isFalse();
  }

  @Test
  void a_grace_period_that_ends_early_leaves_nobody_in_a_hurry() {
    AtomicInteger pausesLeft = new AtomicInteger(3);
    CompletableFuture<Boolean> third = new CompletableFuture<>();
    CompletableFuture<Boolean> left = new CompletableFuture<>();
    onPause =
        () -> {
          if (pausesLeft.decrementAndGet() == 0) {
            third.complete(true);
            left.join();
          }
        };
    reader.enter();
    CompletableFuture<GracePeriodActor.Elapsed> elapsed = retire();
    third.orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
    reader.exit();
    left.complete(true);
    assertThat(elapsed.join().token()).isEqualTo(7);
    assertThat(hurries).containsExactly(true, true, true);
    assertThat(epoch.isInHurry()).isFalse();
  }

  @Test
  void pauses_grow_by_a_quarter_up_to_ten_milliseconds_and_start_anew_with_the_next_grace_period()
      throws InterruptedException {
    stallAndLeave();

    assertThat(pauses).hasSize(PAUSES).startsWith(20_000L, 25_000L, 31_250L).endsWith(10_000_000L);
    for (int i = 1; i < PAUSES; i++) {
      assertThat(pauses.get(i))
          .isBetween(pauses.get(i - 1), pauses.get(i - 1) + pauses.get(i - 1) / 4);
    }

    assertThat(overs.poll(GUARD_SECONDS, TimeUnit.SECONDS)).as("told at its end").isEqualTo(PAUSES);

    pauses.clear();
    stallAndLeave();
    assertThat(pauses).hasSize(PAUSES).startsWith(20_000L);
  }
}
