package io.vnet.benchmarks.epoch;

import io.vnet.actors.VnetHost;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.NetworkEnd;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.benchmarks.Figure;
import io.vnet.benchmarks.Measurement;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/**
 * Grace periods as a host has them, through its public methods: from the request to the callback,
 * while threads pass packets, which are inside sections nearly all the time.
 */
final class GraceLatency {
  private static final int[] READERS = {0, 1, 2, 8};
  private static final int PACKETS = 16;
  private static final int OUTSTANDING = 256;
  private static final int ROUNDS_MAX = 10_000;
  private static final long PAUSE_NANOS = TimeUnit.MICROSECONDS.toNanos(100);
  private static final long GUARD_SECONDS = 60;

  private final boolean quick;
  private final PrintStream progress;
  private final List<Figure> figures = new ArrayList<>();

  GraceLatency(Measurement measurement) {
    this.quick = measurement.quick();
    this.progress = measurement.progress();
  }

  List<Figure> measure() {
    for (int readers : READERS) {
      try (VnetHost host = VnetHost.start();
          BusyReaders _ = new BusyReaders(host, readers)) {
        String suffix = "us_" + Measurement.counted(Integer.toString(readers), "reader");
        drains(host, suffix);
        destroys(host, suffix);
        if (readers == READERS[READERS.length - 1]) {
          batched(host, readers);
        }
      }
    }
    return figures;
  }

  /** Threads that pass packets through a device of their own until they are closed. */
  private static final class BusyReaders implements AutoCloseable {
    private final List<Thread> threads = new ArrayList<>();
    private final CountDownLatch busy;
    private volatile boolean over;

    BusyReaders(VnetHost host, int count) {
      busy = new CountDownLatch(count);
      for (int i = 0; i < count; i++) {
        threads.add(Thread.ofPlatform().name("busy-" + i).start(() -> pass(host)));
      }
      await(busy);
    }

    private void pass(VnetHost host) {
      Device device = host.create(DeviceSpec.of("tap"));
      PacketBatch batch = host.batches().acquire();
      PacketBatch other = host.batches().acquire();
      try (DeviceHandle handle = device.open();
          NetworkEnd network = device.networkEnd()) {
        Packet packet = Packet.of(new byte[1000]);
        while (batch.count() < PACKETS) {
          batch.append(packet);
        }
        while (!over) {
          handle.send(batch, 0);
          network.receive(other);
          other.clear();
          busy.countDown();
        }
      } finally {
        batch.release();
        other.release();
      }
    }

    @Override
    public void close() {
      over = true;
      for (Thread thread : threads) {
        join(thread);
      }
    }
  }

  /** Grace periods that nobody shares: the host's own time of each, and the caller's. */
  private void drains(VnetHost host, String suffix) {
    Rounds rounds = new Rounds(() -> host.drainGracePeriods(), () -> {});
    rounds.run(quick ? 0 : 1);
    List<Double> periods = new ArrayList<>();
    double[] calls =
        rounds.run(quick ? 0 : 3, () -> periods.add(host.lastGracePeriod().toNanos() / 1e3));
    percentiles("grace", suffix, periods.stream().mapToDouble(x -> x).sorted().toArray());
    percentiles("grace_call", suffix, calls);
  }

  /** Forced destroys of a device that somebody holds open and nobody uses. */
  private void destroys(VnetHost host, String suffix) {
    Device[] device = new Device[1];
    Rounds rounds =
        new Rounds(
            () -> device[0].destroyAsync(DestroyPolicy.FORCE).done(),
            () -> {
              device[0] = host.create(DeviceSpec.of("tun"));
              device[0].open();
            });
    rounds.run(quick ? 0 : 1);
    percentiles("grace_destroy", suffix, rounds.run(quick ? 0 : 3));
  }

  private void percentiles(String name, String suffix, double[] micros) {
    add(name + "_p50_" + suffix, micros[micros.length / 2]);
    add(name + "_p99_" + suffix, micros[(int) ((micros.length - 1) * 0.99)]);
  }

  /** One request after the other, apart by a pause in which all come to rest. */
  private record Rounds(Supplier<CompletionStage<?>> ask, Runnable prepare) {
    /** What they took in microseconds, sorted. */
    double[] run(long seconds) {
      return run(seconds, () -> {});
    }

    double[] run(long seconds, Runnable afterEach) {
      double[] micros = new double[ROUNDS_MAX];
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
      int round = 0;
      do {
        prepare.run();
        LockSupport.parkNanos(PAUSE_NANOS);
        CompletableFuture<Long> ended = new CompletableFuture<>();
        long began = System.nanoTime();
        ask.get()
            .whenComplete((_, failure) -> {
              if (failure == null) {
                ended.complete(System.nanoTime());
              } else {
                ended.completeExceptionally(failure);
              }
            });
        micros[round++] = (get(ended) - began) / 1e3;
        afterEach.run();
      } while (round < ROUNDS_MAX && System.nanoTime() < end);
      double[] sorted = Arrays.copyOf(micros, round);
      Arrays.sort(sorted);
      return sorted;
    }
  }

  /** Many requests at once share a grace period; each that is answered is followed by another. */
  private void batched(VnetHost host, int readers) {
    AtomicLong answered = new AtomicLong();
    long began = System.nanoTime();
    long end = began + TimeUnit.SECONDS.toNanos(quick ? 0 : 3);
    List<CompletableFuture<Boolean>> chains = new ArrayList<>();
    for (int i = 0; i < OUTSTANDING; i++) {
      CompletableFuture<Boolean> done = new CompletableFuture<>();
      chains.add(done);
      next(host, answered, end, done);
    }
    chains.forEach(GraceLatency::get);
    add(
        "grace_batched_per_s_" + Measurement.counted(Integer.toString(readers), "reader"),
        answered.get() * 1e9 / (System.nanoTime() - began));
  }

  private static void next(
      VnetHost host, AtomicLong answered, long end, CompletableFuture<Boolean> done) {
    var _ =
        host.drainGracePeriods()
            .whenComplete((_, failure) -> {
              answered.incrementAndGet();
              if (failure != null) {
                done.completeExceptionally(failure);
              } else if (System.nanoTime() < end) {
                next(host, answered, end, done);
              } else {
                done.complete(true);
              }
            });
  }

  private void add(String name, double value) {
    Figure figure = new Figure(name, value);
    figures.add(figure);
    if (!quick) {
      progress.println("grace: " + figure);
    }
  }

  private static <T> T get(CompletableFuture<T> future) {
    return future.orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
  }

  private static void await(CountDownLatch latch) {
    try {
      if (!latch.await(GUARD_SECONDS, TimeUnit.SECONDS)) {
        throw new IllegalStateException("the readers did not start");
      }
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  private static IllegalStateException interrupted(InterruptedException e) {
    Thread.currentThread().interrupt();
    return new IllegalStateException(e);
  }
}
