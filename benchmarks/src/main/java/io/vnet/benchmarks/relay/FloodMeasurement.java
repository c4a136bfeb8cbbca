package io.vnet.benchmarks.relay;

import io.vnet.benchmarks.Figure;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a flood of handshakes leaves of a tunnel's throughput, over what the same flood leaves that
 * goes to a port where nobody is: the flooder and the kernel take their part in both.
 */
final class FloodMeasurement {
  private static final int ROUNDS = 3;

  private FloodMeasurement() {}

  /** Alternates; the road is a tunnel's. */
  static List<Figure> measure(
      Variant variant,
      boolean quick,
      Course.Lengths lengths,
      Processes processes,
      Progress progress)
      throws IOException, InterruptedException {
    List<Double> flooded = new ArrayList<>();
    List<Double> beside = new ArrayList<>();
    List<Double> rates = new ArrayList<>();
    try (Course course = Course.open(variant, lengths, processes)) {
      TunnelRoad road = (TunnelRoad) course.road();
      for (int round = quick ? 1 : 0; round <= (quick ? 1 : ROUNDS); round++) {
        for (boolean open : List.of(false, true)) {
          progress.show("a flood to " + (open ? "the tunnel's" : "a closed") + " port");
          InetSocketAddress target = road.farPort(open);
          try (Flood flood = new Flood(road.near(), target, road.farKey())) {
            Optional<Double> gigabits = course.take(Measure.TCP_1).value(Quantity.TCP_1);
            // The first round warms up.
            if (round > 0) {
              (open ? flooded : beside).add(gigabits.orElseThrow());
              rates.add(flood.perSecond());
            }
          }
        }
      }
    }
    double left = Summary.of(flooded).median();
    return List.of(
        new Figure("flood_messages_per_s", Summary.of(rates).median()),
        new Figure("flooded_gbit_per_s", left),
        new Figure("flood_ratio", left / Summary.of(beside).median()));
  }
}
