package io.vnet.benchmarks.epoch;

import io.vnet.api.epoch.Epoch;
import io.vnet.api.epoch.EpochReader;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.concurrent.locks.StampedLock;
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
 * One field read in different ways: inside an epoch section, under the read lock of one lock that
 * all threads share (two kinds), holding a reference that is counted in one counter (two kinds),
 * optimistically, and without protection.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 300, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 300, timeUnit = TimeUnit.MILLISECONDS)
public class SectionBenchmark {
  private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
  private final StampedLock stamped = new StampedLock();
  private final AtomicInteger references = new AtomicInteger(1);
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
  public int stampedLock() {
    long stamp = stamped.readLock();
    try {
      return guarded;
    } finally {
      stamped.unlockRead(stamp);
    }
  }

  /** Says afterwards whether a writer came; what was read may have been freed meanwhile. */
  @Benchmark
  public int stampedOptimistic() {
    long stamp = stamped.tryOptimisticRead();
    int read = guarded;
    if (!stamped.validate(stamp)) {
      throw new IllegalStateException("nobody writes");
    }
    return read;
  }

  /** A reference that cannot be had any more once the count is 0, as of a thing that is freed. */
  @Benchmark
  public int countUnlessZero() {
    int count = references.get();
    while (count == 0 || !references.compareAndSet(count, count + 1)) {
      if (count == 0) {
        throw new IllegalStateException("the owner's reference is gone");
      }
      count = references.get();
    }
    try {
      return guarded;
    } finally {
      references.getAndDecrement();
    }
  }

  /** The same where something else makes sure that the count is not 0. */
  @Benchmark
  public int count() {
    references.getAndIncrement();
    try {
      return guarded;
    } finally {
      references.getAndDecrement();
    }
  }

  @Benchmark
  public int unprotected() {
    return guarded;
  }
}
