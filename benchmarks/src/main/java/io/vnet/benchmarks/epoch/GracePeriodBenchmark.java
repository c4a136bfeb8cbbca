package io.vnet.benchmarks.epoch;

import io.vnet.api.epoch.Epoch;
import java.util.concurrent.TimeUnit;
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
import org.openjdk.jmh.annotations.Warmup;

/** A grace period begun and found elapsed while all registered readers are outside. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 200, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 4, time = 300, timeUnit = TimeUnit.MILLISECONDS)
@SuppressWarnings("NullAway.Init") // Fields are set by JMH.
public class GracePeriodBenchmark {
  @Param({"MEMBARRIER", "FULL_FENCE"})
  public Epoch.Barrier barrier;

  @Param({"1", "64", "1024"})
  public int readers;

  private Epoch epoch;

  @Setup
  public void register() {
    epoch = Epoch.create(barrier);
    for (int i = 0; i < readers; i++) {
      epoch.register("benchmark " + i);
    }
  }

  @Benchmark
  public void gracePeriod() {
    if (!epoch.elapsed(epoch.begin())) {
      throw new IllegalStateException("a reader is inside, and none should be");
    }
  }
}
