package io.vnet.benchmarks.lifecycle;

import io.vnet.benchmarks.Figure;
import io.vnet.benchmarks.Measurement;
import io.vnet.benchmarks.Suite;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.RunnerException;

/** Lives of devices among few and among many, then packets through one. */
public final class LifecycleSuite implements Suite {
  private static final double MICROS_PER_SECOND = 1e6;

  /** The figures of {@code docs/benchmarks.md}, lifecycle. */
  public LifecycleSuite() {}

  @Override
  public List<Figure> measure(Measurement measurement) throws RunnerException {
    List<Figure> figures = new ArrayList<>();
    for (RunResult result : measurement.run(LifeBenchmark.class, 1, Map.of())) {
      double micros = Measurement.mean(result);
      if (Measurement.method(result).equals("cycle")) {
        figures.add(
            new Figure(
                "lifecycle_cycles_per_second_" + devices(result), MICROS_PER_SECOND / micros));
        figures.add(
            new Figure(
                "lifecycle_cycle_" + devices(result) + "_bytes_per_op",
                Measurement.bytesPerOperation(result)));
      } else {
        figures.add(new Figure("lifecycle_us_per_open_close_" + devices(result), micros));
      }
    }
    for (RunResult result : measurement.run(ForcedDestroyBenchmark.class, 1, Map.of())) {
      for (int rank : new int[] {50, 99}) {
        figures.add(
            new Figure(
                "lifecycle_forced_destroy_p" + rank + "_us_" + devices(result),
                Measurement.percentile(result, rank)));
      }
    }
    figures.addAll(packets(measurement));
    figures.addAll(new Scale(measurement.quick(), measurement.progress()).measure());
    return figures;
  }

  private static List<Figure> packets(Measurement measurement) throws RunnerException {
    List<Figure> figures = new ArrayList<>();
    List<Figure> others = new ArrayList<>();
    List<Figure> allocations = new ArrayList<>();
    Figure device = null;
    for (RunResult result : measurement.run(PacketBenchmark.class, 1, Map.of())) {
      String way =
          switch (Measurement.method(result)) {
            case "arrayBlockingQueue" -> "array_blocking_queue";
            case String method -> method;
          };
      Figure time = new Figure("lifecycle_" + way + "_ns_per_packet", Measurement.mean(result));
      figures.add(time);
      if (way.equals("device")) {
        device = time;
      } else {
        others.add(new Figure(way, time.value()));
      }
      allocations.add(
          new Figure(
              "lifecycle_" + way + "_packet_bytes_per_op", Measurement.bytesPerOperation(result)));
    }
    if (device == null) {
      throw new IllegalStateException("the device was not measured");
    }
    for (Figure other : others) {
      figures.add(device.over(other, "lifecycle_device_over_" + other.name() + "_ratio"));
    }
    figures.addAll(allocations);
    return figures;
  }

  private static String devices(RunResult result) {
    return Measurement.counted(result.getParams().getParam("devices"), "device");
  }
}
