package io.vnet.benchmarks.lifecycle;

import io.vnet.api.device.Device;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** One caller's devices, from creation to destruction, and opens of one that stays. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 600, timeUnit = TimeUnit.MILLISECONDS)
public class LifeBenchmark {
  /** A device that stays. */
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init") // Fields are set by JMH.
  public static class Existing {
    private Device device;

    @Setup
    public void create(Hosted hosted) {
      device = hosted.host().create(Hosted.SPEC);
    }
  }

  @Benchmark
  public void cycle(Hosted hosted) {
    Device device = hosted.host().create(Hosted.SPEC);
    device.open().close();
    device.destroy();
  }

  @Benchmark
  public void openClose(Existing existing) {
    existing.device.open().close();
  }
}
