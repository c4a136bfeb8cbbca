package io.vnet.io.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.testkit.FaultyLibc;
import io.vnet.io.testkit.InjectingLibc;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** An island over io_uring, from its start to its end. */
class UringIslandIT {
  private static final int GUARD_SECONDS = 60;

  @ParameterizedTest
  @ValueSource(strings = {"PT0S", "PT24H"})
  void tasks_run_on_its_thread_and_wake_it(Duration busyPoll) throws Exception {
    FaultyLibc libc = new FaultyLibc();
    try (IslandLoop island = IslandLoop.uring(libc, busyPoll)) {
      for (int i = 0; i < 1000; i++) {
        CompletableFuture<Boolean> inside = new CompletableFuture<>();
        island.execute(() -> inside.complete(island.inIsland() && BatchWriter.current() != null));
        assertThat(inside.get(GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
      }
      assertThat(BatchWriter.current()).isNull();
    }
    assertThat(libc.open()).as("descriptors").isEmpty();
    assertThat(libc.misuses()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "io_uring_setup, EPERM, kernel.io_uring_disabled",
    "io_uring_setup, ENOSYS, epoll",
    "io_uring_register, EINVAL, Linux 6.7",
    "eventfd, EMFILE, ulimit"
  })
  void a_kernel_that_refuses_is_said_with_a_remedy_and_leaves_nothing(
      String call, Errno errno, String remedy) {
    FaultyLibc libc = new FaultyLibc();
    libc.failNext(call, errno);
    assertThatThrownBy(() -> IslandLoop.uring(libc))
        .isInstanceOf(VnetException.class)
        .hasMessageContaining(remedy);
    assertThat(libc.open()).as("descriptors").isEmpty();
  }

  @Test
  void a_descriptor_is_watched_until_it_is_cancelled() throws Exception {
    FaultyLibc libc = new FaultyLibc();
    try (IslandLoop island = IslandLoop.uring(libc)) {
      int event = (int) libc.eventfd(0, 0x800);
      CountDownLatch readable = new CountDownLatch(1);
      IslandLoop.Watch watch =
          island.watch(
              event,
              new IslandLoop.Watcher() {
                @Override
                public void readable() {
                  readable.countDown();
                }

                @Override
                public void broken() {
                  throw new AssertionError("broken");
                }

                @Override
                public void refused(long result) {
                  throw new AssertionError("refused " + result);
                }
              });
      try (Arena arena = Arena.ofConfined()) {
        long one = arena.allocateFrom(ValueLayout.JAVA_LONG, 1).address();
        assertThat(libc.write(event, one, Long.BYTES)).isEqualTo(Long.BYTES);
      }
      assertThat(readable.await(GUARD_SECONDS, TimeUnit.SECONDS)).as("signal").isTrue();
      CountDownLatch cancelled = new CountDownLatch(1);
      watch.cancel(cancelled::countDown);
      assertThat(cancelled.await(GUARD_SECONDS, TimeUnit.SECONDS)).as("cancelled").isTrue();
      libc.close(event);
    }
    assertThat(libc.open()).isEmpty();
  }

  @Test
  void a_signal_that_a_write_comes_across_is_given_before_the_island_sleeps() throws Exception {
    AtomicBoolean cameAcross = new AtomicBoolean();
    AtomicBoolean slept = new AtomicBoolean();
    // A wait is an io_uring_enter(2) with a time limit.
    InjectingLibc kernel =
        new InjectingLibc(NativeLibc.load())
            .with((call, arguments, real) -> {
              if (call.equals("uringEnter") && !arguments[4].equals(0L) && cameAcross.get()) {
                slept.set(true);
              }
              return real.getAsLong();
            });
    FaultyLibc libc = new FaultyLibc(kernel.libc());
    try (IslandLoop island = IslandLoop.uring(libc);
        Arena arena = Arena.ofShared()) {
      long one = arena.allocateFrom(ValueLayout.JAVA_LONG, 1).address();
      int event = (int) libc.eventfd(0, 0x800);
      int written = (int) libc.eventfd(0, 0x800);
      CompletableFuture<Boolean> readable = new CompletableFuture<>();
      IslandLoop.Watch watch =
          island.watch(
              event,
              new IslandLoop.Watcher() {
                @Override
                public void readable() {
                  cameAcross.set(false);
                  readable.complete(true);
                }

                @Override
                public void broken() {
                  throw new AssertionError("broken");
                }

                @Override
                public void refused(long result) {
                  throw new AssertionError("refused " + result);
                }
              });
      // Behind the watch, so that the kernel has it when the next one runs.
      CompletableFuture.runAsync(() -> {}, island).get(GUARD_SECONDS, TimeUnit.SECONDS);
      island.execute(() -> {
        assertThat(libc.write(event, one, Long.BYTES)).isEqualTo(Long.BYTES);
        BatchWriter writer = Objects.requireNonNull(BatchWriter.current());
        writer.add(0, written, one, Long.BYTES);
        writer.run();
        cameAcross.set(true);
        assertThat(writer.result(0)).isEqualTo(Long.BYTES);
      });
      assertThat(readable.get(GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
      assertThat(slept).as("slept before the signal").isFalse();
      CountDownLatch cancelled = new CountDownLatch(1);
      watch.cancel(cancelled::countDown);
      assertThat(cancelled.await(GUARD_SECONDS, TimeUnit.SECONDS)).as("cancelled").isTrue();
      libc.close(event);
      libc.close(written);
    }
    assertThat(libc.open()).isEmpty();
  }

  @Test
  void a_descriptor_that_is_not_open_is_refused() throws Exception {
    FaultyLibc libc = new FaultyLibc();
    try (IslandLoop island = IslandLoop.uring(libc)) {
      CompletableFuture<Long> refused = new CompletableFuture<>();
      island.watch(
          Integer.MAX_VALUE,
          new IslandLoop.Watcher() {
            @Override
            public void readable() {
              throw new AssertionError("readable");
            }

            @Override
            public void broken() {
              throw new AssertionError("broken");
            }

            @Override
            public void refused(long result) {
              refused.complete(result);
            }
          });
      assertThat(refused.get(GUARD_SECONDS, TimeUnit.SECONDS)).isEqualTo(-Errno.EBADF.number());
    }
  }
}
