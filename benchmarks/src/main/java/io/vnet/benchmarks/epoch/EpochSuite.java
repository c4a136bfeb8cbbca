package io.vnet.benchmarks.epoch;

import io.vnet.api.epoch.Epoch;
import io.vnet.benchmarks.Figure;
import io.vnet.benchmarks.Measurement;
import io.vnet.benchmarks.Suite;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.RunnerException;

/**
 * Sections at one and two threads, then grace periods. Where membarrier(2) is not to be had, its
 * figures are left out.
 */
public final class EpochSuite implements Suite {
  private static final String READ_LOCK = "read_lock";
  private static final String UNPROTECTED = "unprotected";

  /** The figures of {@code docs/benchmarks.md}, epoch. */
  public EpochSuite() {}

  @Override
  public List<Figure> measure(Measurement measurement) throws RunnerException {
    Map<String, String> parameters =
        Epoch.create().barrier() == Epoch.Barrier.MEMBARRIER
            ? Map.of()
            : Map.of("barrier", Epoch.Barrier.FULL_FENCE.name());
    List<Figure> figures = new ArrayList<>();
    for (int threads = 1; threads <= 2; threads++) {
      figures.addAll(sections(measurement, threads, parameters));
    }
    for (RunResult result : measurement.run(GracePeriodBenchmark.class, 1, parameters)) {
      String readers = Measurement.counted(result.getParams().getParam("readers"), "reader");
      figures.add(
          new Figure(
              "epoch_" + barrier(result) + "_ns_per_grace_period_" + readers,
              Measurement.mean(result)));
    }
    return figures;
  }

  private static List<Figure> sections(
      Measurement measurement, int threads, Map<String, String> parameters) throws RunnerException {
    String suffix = Measurement.counted(Integer.toString(threads), "thread");
    Map<String, Figure> times = new TreeMap<>();
    List<Figure> allocations = new ArrayList<>();
    for (RunResult result : measurement.run(SectionBenchmark.class, threads, parameters)) {
      String way =
          switch (Measurement.method(result)) {
            case "readLock" -> READ_LOCK;
            case "unprotected" -> UNPROTECTED;
            default -> barrier(result);
          };
      times.put(
          way, new Figure("epoch_" + way + "_ns_per_section_" + suffix, Measurement.mean(result)));
      allocations.add(
          new Figure(
              "epoch_" + way + "_" + suffix + "_bytes_per_op",
              Measurement.bytesPerOperation(result)));
    }
    List<Figure> figures = new ArrayList<>(times.values());
    Figure lock = times.remove(READ_LOCK);
    times.remove(UNPROTECTED);
    if (lock == null) {
      throw new IllegalStateException("the read lock was not measured");
    }
    times.forEach((way, time) ->
        figures.add(time.over(lock, "epoch_" + way + "_over_read_lock_ratio_" + suffix)));
    figures.addAll(allocations);
    return figures;
  }

  private static String barrier(RunResult result) {
    return result.getParams().getParam("barrier").toLowerCase(Locale.ROOT);
  }
}
