package io.vnet.benchmarks.lifecycle;

import io.vnet.api.device.Device;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The destroy of a device that somebody holds open, from the call to its return: handle revoked,
 * grace period over, memory and unit free. Creation and open are not in the time.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 600, timeUnit = TimeUnit.MILLISECONDS)
@SuppressWarnings("NullAway.Init") // Fields are set by JMH.
public class ForcedDestroyBenchmark {
  private Device device;

  @Setup(Level.Invocation)
  public void createAndOpen(Hosted hosted) {
    device = hosted.host().create(Hosted.SPEC);
    device.open();
  }

  @Benchmark
  public void forcedDestroy() {
    device.destroy();
  }
}
