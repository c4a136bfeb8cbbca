package io.vnet.benchmarks.udp;

import com.sun.management.ThreadMXBean;
import io.vnet.benchmarks.Figure;
import io.vnet.benchmarks.Measurement;
import io.vnet.benchmarks.Suite;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Both ways live and idle in one JVM, measured in turn; who begins a round changes. Not by JMH:
 * what is measured is two threads that talk through the kernel, not a method.
 */
public final class UdpSuite implements Suite {
  private static final int ROUNDS = 5;
  private static final int WARM_UP_ROUNDS = 2;
  private static final long RUN_NANOS = TimeUnit.MILLISECONDS.toNanos(1000);
  private static final long QUICK_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
  private static final long LIMIT_NANOS = TimeUnit.SECONDS.toNanos(30);
  private static final double BITS = 8;

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /** The figures of {@code docs/benchmarks.md}, udp. */
  public UdpSuite() {}

  /**
   * One run of one way.
   *
   * @param gigabits a second, received
   * @param bytesPerPacket allocated by all threads for each datagram received
   */
  private record Run(double gigabits, double bytesPerPacket) {}

  @Override
  public List<Figure> measure(Measurement measurement) {
    boolean quick = measurement.quick();
    PrintStream progress = measurement.progress();
    try (Way vnet = new VnetWay();
        Way netty = new NettyWay()) {
      List<Way> ways = List.of(vnet, netty);
      List<List<Run>> runs = List.of(new ArrayList<>(), new ArrayList<>());
      int rounds = quick ? 1 : WARM_UP_ROUNDS + ROUNDS;
      for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < ways.size(); i++) {
          int turn = (round + i) % ways.size();
          Run run = run(ways.get(turn), quick ? QUICK_NANOS : RUN_NANOS);
          boolean counts = quick || round >= WARM_UP_ROUNDS;
          if (counts) {
            runs.get(turn).add(run);
          }
          progress.printf(
              Locale.ROOT,
              "udp: %s %s: %.2f Gbit/s, %.2f bytes allocated a datagram%n",
              counts ? "round" : "warm-up",
              ways.get(turn).name(),
              run.gigabits(),
              run.bytesPerPacket());
        }
      }
      return figures(ways, runs);
    }
  }

  private static Run run(Way way, long nanos) {
    Flow flow = way.flow();
    long receivedBefore = flow.receivedBytes();
    long lostBefore = flow.lostBytes();
    long allocatedBefore = THREADS.getTotalThreadAllocatedBytes();
    long began = System.nanoTime();
    flow.start();
    long now = began;
    // Once cold, the first train may take longer than a quick run.
    while (now - began < nanos
        || (flow.receivedBytes() == receivedBefore && now - began < LIMIT_NANOS)) {
      LockSupport.parkNanos(LOOK_NANOS);
      flow.rescue();
      now = System.nanoTime();
    }
    long received = flow.receivedBytes() - receivedBefore;
    long allocated = THREADS.getTotalThreadAllocatedBytes() - allocatedBefore;
    flow.stop();
    if (received == 0) {
      throw new IllegalStateException(
          way.name()
              + ": nothing was received, "
              + (flow.lostBytes() - lostBefore)
              + " bytes lost");
    }
    double datagrams = (double) received / Flow.DATAGRAM_BYTES;
    return new Run(received * BITS / (now - began), allocated / datagrams);
  }

  private static List<Figure> figures(List<Way> ways, List<List<Run>> runs) {
    List<Figure> figures = new ArrayList<>();
    List<Figure> medians = new ArrayList<>();
    List<Figure> allocations = new ArrayList<>();
    for (int i = 0; i < ways.size(); i++) {
      String name = "udp_" + ways.get(i).name();
      double[] gigabits = runs.get(i).stream().mapToDouble(Run::gigabits).sorted().toArray();
      double[] bytes = runs.get(i).stream().mapToDouble(Run::bytesPerPacket).sorted().toArray();
      Figure median = new Figure(name + "_gbit_per_s", median(gigabits));
      medians.add(median);
      figures.add(median);
      figures.add(new Figure(name + "_gbit_per_s_min", gigabits[0]));
      figures.add(new Figure(name + "_gbit_per_s_max", gigabits[gigabits.length - 1]));
      allocations.add(new Figure(name + "_bytes_per_packet", median(bytes)));
    }
    figures.addAll(allocations.subList(1, allocations.size()));
    figures.add(medians.getFirst().over(medians.getLast(), "udp_ratio"));
    figures.add(new Figure("udp_bytes_per_packet", allocations.getFirst().value()));
    return figures;
  }

  private static double median(double[] sorted) {
    return Arrays.stream(sorted)
        .skip((sorted.length - 1) / 2)
        .limit(2 - sorted.length % 2)
        .average()
        .orElseThrow();
  }
}
