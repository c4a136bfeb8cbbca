package io.vnet.io.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vnet.api.error.Errno;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NetlinkConstants;
import io.vnet.io.testkit.Descriptors;
import io.vnet.io.testkit.FaultyLibc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** A loop signals edges of descriptors, lets them go once, and ends with its thread. */
class IslandLoopIT {
  private static final int GUARD_SECONDS = 60;

  private final FaultyLibc libc = new FaultyLibc();

  /** A netlink socket: readable once per request that was written to it. */
  private int readableOnRequest() {
    int type = LinuxConstants.SOCK_RAW | LinuxConstants.SOCK_CLOEXEC | LinuxConstants.O_NONBLOCK;
    return (int) libc.socket(LinuxConstants.AF_NETLINK, type, NetlinkConstants.NETLINK_ROUTE);
  }

  private void request(int netlink) {
    try (Arena arena = Arena.ofConfined()) {
      // struct nlmsghdr of a message that does nothing and is acknowledged.
      MemorySegment header = arena.allocate(16, 8);
      header.set(ValueLayout.JAVA_INT, 0, 16);
      header.set(ValueLayout.JAVA_SHORT, 4, (short) 1);
      header.set(
          ValueLayout.JAVA_SHORT,
          6,
          (short) (NetlinkConstants.NLM_F_REQUEST | NetlinkConstants.NLM_F_ACK));
      assertThat(libc.write(netlink, header.address(), 16)).isEqualTo(16);
    }
  }

  private static final class Signals implements IslandLoop.Watcher {
    final Semaphore readable = new Semaphore(0);
    final CompletableFuture<Long> refused = new CompletableFuture<>();
    final AtomicReference<String> thread = new AtomicReference<>("");

    @Override
    public void readable() {
      thread.set(Thread.currentThread().getName());
      readable.release();
    }

    @Override
    public void broken() {
      throw new AssertionError("a netlink socket does not break");
    }

    @Override
    public void refused(long result) {
      refused.complete(result);
    }

    void awaitReadable() throws InterruptedException {
      assertThat(readable.tryAcquire(GUARD_SECONDS, TimeUnit.SECONDS)).as("readable").isTrue();
    }
  }

  private static void cancel(IslandLoop.Watch watch) throws InterruptedException {
    CountDownLatch done = new CountDownLatch(1);
    watch.cancel(done::countDown);
    assertThat(done.await(GUARD_SECONDS, TimeUnit.SECONDS)).as("cancelled").isTrue();
  }

  @Test
  void each_edge_is_signalled_on_the_loops_thread() throws Exception {
    try (IslandLoop loop = new IslandLoop()) {
      int netlink = readableOnRequest();
      Signals signals = new Signals();
      IslandLoop.Watch watch = loop.watch(netlink, signals);
      // An edge although nobody reads what came before.
      for (int i = 0; i < 3; i++) {
        request(netlink);
        signals.awaitReadable();
      }
      assertThat(signals.thread.get()).isEqualTo(loop.name());
      cancel(watch);
      libc.close(netlink);
    }
    assertThat(libc.open()).isEmpty();
  }

  @Test
  void what_was_readable_before_is_signalled_too() throws Exception {
    try (IslandLoop loop = new IslandLoop()) {
      int netlink = readableOnRequest();
      request(netlink);
      Signals signals = new Signals();
      IslandLoop.Watch watch = loop.watch(netlink, signals);
      signals.awaitReadable();
      cancel(watch);
      libc.close(netlink);
    }
  }

  @Test
  void after_cancel_no_signal_comes_and_the_number_can_be_used_again() throws Exception {
    try (IslandLoop loop = new IslandLoop()) {
      int netlink = readableOnRequest();
      Signals first = new Signals();
      cancel(loop.watch(netlink, first));
      first.readable.drainPermits();
      request(netlink);

      // The same descriptor again: its signal comes after any that the first could get.
      Signals second = new Signals();
      IslandLoop.Watch watch = loop.watch(netlink, second);
      second.awaitReadable();
      assertThat(first.readable.availablePermits()).isZero();
      cancel(watch);
      libc.close(netlink);
    }
  }

  @Test
  void cancel_calls_back_once_also_when_asked_twice() throws Exception {
    try (IslandLoop loop = new IslandLoop()) {
      int netlink = readableOnRequest();
      IslandLoop.Watch watch = loop.watch(netlink, new Signals());
      AtomicInteger callbacks = new AtomicInteger();
      watch.cancel(callbacks::incrementAndGet);
      cancel(watch);
      assertThat(callbacks).hasValue(1);
      libc.close(netlink);
    }
  }

  @Test
  void what_cannot_be_polled_is_refused_with_the_errno_and_can_be_cancelled() throws Exception {
    try (IslandLoop loop = new IslandLoop()) {
      int unpollable = (int) libc.open("/dev/null", LinuxConstants.O_RDWR);
      Signals signals = new Signals();
      IslandLoop.Watch watch = loop.watch(unpollable, signals);
      assertThat(signals.refused.get(GUARD_SECONDS, TimeUnit.SECONDS))
          .isEqualTo(-Errno.EPERM.number());
      cancel(watch);
      libc.close(unpollable);
    }
  }

  @Test
  void cancel_calls_back_although_the_loop_has_ended() throws Exception {
    IslandLoop loop = new IslandLoop();
    int netlink = readableOnRequest();
    Signals signals = new Signals();
    IslandLoop.Watch watch = loop.watch(netlink, signals);
    request(netlink);
    signals.awaitReadable();
    loop.close();
    cancel(watch);
    libc.close(netlink);
  }

  @Test
  void cancel_calls_back_once_when_the_loop_ends_meanwhile() throws Exception {
    for (int i = 0; i < 100; i++) {
      IslandLoop loop = new IslandLoop();
      int netlink = readableOnRequest();
      IslandLoop.Watch watch = loop.watch(netlink, new Signals());
      AtomicInteger callbacks = new AtomicInteger();
      CountDownLatch done = new CountDownLatch(1);
      CompletableFuture<?> closing = CompletableFuture.runAsync(loop::close);
      watch.cancel(() -> {
        callbacks.incrementAndGet();
        done.countDown();
      });
      assertThat(done.await(GUARD_SECONDS, TimeUnit.SECONDS)).as("cancelled").isTrue();
      closing.get(GUARD_SECONDS, TimeUnit.SECONDS);
      assertThat(callbacks).hasValue(1);
      libc.close(netlink);
    }
  }

  @Test
  void tasks_run_on_the_loops_thread_and_never_on_the_callers_stack() throws Exception {
    try (IslandLoop loop = new IslandLoop()) {
      CountDownLatch ran = new CountDownLatch(1);
      AtomicReference<String> order = new AtomicReference<>("");
      assertThat(loop.inIsland()).isFalse();
      loop.execute(() -> {
        loop.execute(() -> {
          order.accumulateAndGet("inner " + loop.inIsland(), String::concat);
          ran.countDown();
        });
        order.accumulateAndGet("outer, ", String::concat);
      });
      assertThat(ran.await(GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
      assertThat(order).hasValue("outer, inner true");
    }
  }

  @Test
  void close_ends_the_thread_and_its_descriptors() throws Exception {
    new IslandLoop().close();
    Descriptors before = Descriptors.now();
    IslandLoop loop = new IslandLoop();
    AtomicReference<Thread> thread = new AtomicReference<>();
    CountDownLatch started = new CountDownLatch(1);
    loop.execute(() -> {
      thread.set(Thread.currentThread());
      started.countDown();
    });
    assertThat(started.await(GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(Descriptors.now().count("[eventpoll]")).isEqualTo(before.count("[eventpoll]") + 1);
    loop.close();
    assertThat(Descriptors.now().since(before)).isEmpty();
    await().until(() -> !thread.get().isAlive());
  }
}
