package io.vnet.benchmarks.epoch;

import io.vnet.api.epoch.Epoch;
import io.vnet.benchmarks.Figure;
import io.vnet.benchmarks.Measurement;
import io.vnet.benchmarks.Suite;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.RunnerException;

/**
 * Sections at one and two threads, then grace periods, alone and among busy readers. Where
 * membarrier(2) is not to be had, its figures are left out.
 */
public final class EpochSuite implements Suite {
  private static final String UNPROTECTED = "unprotected";
  private static final Map<String, String> WAYS =
      Map.of(
          "readLock", "read_lock",
          "stampedLock", "stamped_lock",
          "stampedOptimistic", "optimistic_validated_unprotected",
          "countUnlessZero", "count_unless_zero",
          "count", "count",
          "unprotected", UNPROTECTED);

  /** The figures of {@code docs/benchmarks.md}, epoch. */
  public EpochSuite() {}

  @Override
  public List<Figure> measure(Measurement measurement) throws RunnerException {
    Map<String, String> parameters =
        Epoch.create().barrier() == Epoch.Barrier.MEMBARRIER
            ? Map.of()
            : Map.of("barrier", Epoch.Barrier.FULL_FENCE.name());
    List<Figure> figures = new ArrayList<>();
    List<Figure> last = new ArrayList<>();
    for (int threads = 1; threads <= 2; threads++) {
      List<Figure> sections = sections(measurement, threads, parameters);
      figures.addAll(sections);
      if (threads == 1) {
        last.addAll(enterExit(sections));
      }
    }
    for (RunResult result : measurement.run(GracePeriodBenchmark.class, 1, parameters)) {
      String readers = Measurement.counted(result.getParams().getParam("readers"), "reader");
      figures.add(
          new Figure(
              "epoch_" + barrier(result) + "_ns_per_grace_period_" + readers,
              Measurement.mean(result)));
    }
    figures.addAll(new GraceLatency(measurement).measure());
    last.add(new Figure("grace_p99_us", value(figures, "grace_p99_us_2_readers").orElseThrow()));
    figures.addAll(last);
    return figures;
  }

  /** A section alone on its core, without the harness and with it. */
  private static List<Figure> enterExit(List<Figure> sections) {
    List<Figure> figures = new ArrayList<>();
    double harness = value(sections, "epoch_unprotected_ns_per_section_1_thread").orElseThrow();
    value(sections, "epoch_membarrier_ns_per_section_1_thread")
        .ifPresent(section -> {
          figures.add(new Figure("epoch_enter_exit_net_of_unprotected_ns", section - harness));
          figures.add(new Figure("epoch_enter_exit_ns", section));
        });
    return figures;
  }

  private static OptionalDouble value(List<Figure> figures, String name) {
    return figures.stream()
        .filter(figure -> figure.name().equals(name))
        .mapToDouble(Figure::value)
        .findFirst();
  }

  private static List<Figure> sections(
      Measurement measurement, int threads, Map<String, String> parameters) throws RunnerException {
    String suffix = Measurement.counted(Integer.toString(threads), "thread");
    Map<String, Figure> times = new TreeMap<>();
    Set<String> epochs = new TreeSet<>();
    List<Figure> allocations = new ArrayList<>();
    for (RunResult result : measurement.run(SectionBenchmark.class, threads, parameters)) {
      String way = WAYS.getOrDefault(Measurement.method(result), "");
      if (way.isEmpty()) {
        way = barrier(result);
        epochs.add(way);
      }
      times.put(
          way, new Figure("epoch_" + way + "_ns_per_section_" + suffix, Measurement.mean(result)));
      allocations.add(
          new Figure(
              "epoch_" + way + "_" + suffix + "_bytes_per_op",
              Measurement.bytesPerOperation(result)));
    }
    List<Figure> figures = new ArrayList<>(times.values());
    for (String epoch : epochs) {
      Figure time = Objects.requireNonNull(times.get(epoch));
      times.forEach((way, other) -> {
        if (!epochs.contains(way) && !way.equals(UNPROTECTED)) {
          figures.add(time.over(other, "epoch_" + epoch + "_over_" + way + "_ratio_" + suffix));
        }
      });
    }
    figures.addAll(allocations);
    return figures;
  }

  private static String barrier(RunResult result) {
    return result.getParams().getParam("barrier").toLowerCase(Locale.ROOT);
  }
}
