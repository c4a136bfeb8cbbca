package io.vnet.benchmarks;

import java.io.PrintStream;
import java.util.Collection;
import java.util.Map;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * How benchmarks are run: in a JVM each, for as long as their annotations say, with the allocation
 * counted; or quickly, in this JVM, once and cold, which shows that they work and measures nothing.
 */
public final class Measurement {
  private final boolean quick;
  private final PrintStream progress;

  Measurement(boolean quick, PrintStream progress) {
    this.quick = quick;
    this.progress = progress;
  }

  /** Runs all benchmark methods of a class, each with all its parameters but for those given. */
  public Collection<RunResult> run(Class<?> benchmarks, int threads, Map<String, String> parameters)
      throws RunnerException {
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .include("^" + benchmarks.getName().replace(".", "\\.") + "\\.")
            .threads(threads)
            .addProfiler(GCProfiler.class)
            .shouldFailOnError(true)
            .jvmArgs("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow");
    parameters.forEach(options::param);
    if (quick) {
      options
          .forks(0)
          .warmupIterations(0)
          .measurementIterations(1)
          .measurementTime(TimeValue.milliseconds(5));
    }
    return new Runner(
            options.build(),
            OutputFormatFactory.createFormatInstance(
                progress, quick ? VerboseMode.SILENT : VerboseMode.NORMAL))
        .run();
  }

  /** Whether to show only that it works. */
  public boolean quick() {
    return quick;
  }

  /** Where progress is told. */
  public PrintStream progress() {
    return progress;
  }

  /** The name of a result's benchmark method. */
  public static String method(RunResult result) {
    String name = result.getParams().getBenchmark();
    return name.substring(name.lastIndexOf('.') + 1);
  }

  /** The mean, in the benchmark's unit. */
  public static double mean(RunResult result) {
    return result.getPrimaryResult().getScore();
  }

  /** A percentile of the times of single calls, in the benchmark's unit. */
  public static double percentile(RunResult result, double rank) {
    return result.getPrimaryResult().getStatistics().getPercentile(rank);
  }

  /**
   * What all threads of the JVM allocated on the heap, in bytes an operation. The median of the
   * iterations: the profiler counts a benchmark's tear-down into the last of them.
   */
  public static double bytesPerOperation(RunResult result) {
    Result<?> allocation = result.getSecondaryResults().get("gc.alloc.rate.norm");
    if (allocation == null) {
      throw new IllegalStateException("the profiler reported " + result.getSecondaryResults());
    }
    return allocation.getStatistics().getPercentile(50);
  }

  /** {@code 1_device}, {@code 2_devices}. */
  public static String counted(String number, String noun) {
    return number + "_" + noun + (number.equals("1") ? "" : "s");
  }
}
