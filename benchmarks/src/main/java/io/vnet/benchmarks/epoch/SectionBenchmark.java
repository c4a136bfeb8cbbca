package io.vnet.benchmarks.epoch;

import io.vnet.api.epoch.Epoch;
import io.vnet.api.epoch.EpochReader;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One field read three ways: inside an epoch section, under the read lock of one lock that all
 * threads share, and without protection.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 300, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 300, timeUnit = TimeUnit.MILLISECONDS)
public class SectionBenchmark {
  private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
  private int guarded = 42;

  /** The epoch that all threads share. */
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init") // Fields are set by JMH.
  public static class SharedEpoch {
    @Param({"MEMBARRIER", "FULL_FENCE"})
    public Epoch.Barrier barrier;

    private Epoch epoch;

    @Setup
    public void create() {
      epoch = Epoch.create(barrier);
    }
  }

  /** Each thread's own reader. */
  @State(Scope.Thread)
  @SuppressWarnings("NullAway.Init") // Fields are set by JMH.
  public static class Reader {
    private EpochReader reader;

    @Setup
    public void register(SharedEpoch shared) {
      reader = shared.epoch.register("benchmark");
    }

    @TearDown
    public void close() {
      reader.close();
    }
  }

  @Benchmark
  public int section(Reader own) {
    EpochReader reader = own.reader;
    reader.enter();
    try {
      return guarded;
    } finally {
      reader.exit();
    }
  }

  @Benchmark
  public int readLock() {
    lock.readLock().lock();
    try {
      return guarded;
    } finally {
      lock.readLock().unlock();
    }
  }

  @Benchmark
  public int unprotected() {
    return guarded;
  }
}
