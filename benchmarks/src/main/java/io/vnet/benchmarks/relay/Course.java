package io.vnet.benchmarks.relay;

import io.vnet.io.netns.NetworkNamespace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** A road that is open, and what is measured on it. */
final class Course implements AutoCloseable {
  private static final double BITS_PER_GIGABIT = 1e9;
  private static final double BYTES_PER_GIGABYTE = 1e9;

  /** What a packet of {@link Road#MTU} carries of a stream of TCP, which has timestamps. */
  private static final double SEGMENT_BYTES = Road.MTU - 52;

  private static final double BYTES_PER_MEBIBYTE = 1 << 20;

  private final Variant variant;
  private final Lengths lengths;
  private final Processes processes;
  private final Road road;

  private Course(Variant variant, Lengths lengths, Processes processes, Road road) {
    this.variant = variant;
    this.lengths = lengths;
    this.processes = processes;
    this.road = road;
  }

  /**
   * How long to measure.
   *
   * @param seconds of each run of iperf3
   * @param pings round trips
   */
  record Lengths(int seconds, int pings) {}

  /** Opens a variant's road and sees that packets come through. */
  static Course open(Variant variant, Lengths lengths, Processes processes)
      throws IOException, InterruptedException {
    try {
      Road road = variant.layout().open(variant, processes);
      try {
        Course course = new Course(variant, lengths, processes, road);
        // A tunnel that is not quite up yet loses an initiation, and the next one comes after 5 s.
        course.run(
            road.near(), "ping", "-n", "-q", "-c", "3", "-i", "0.2", "-w", "20", Road.FAR_ADDRESS);
        return course;
      } catch (IOException | InterruptedException | RuntimeException e) {
        road.close();
        throw e;
      }
    } catch (IOException e) {
      throw processes.explained(variant, e);
    }
  }

  Road road() {
    return road;
  }

  private String run(NetworkNamespace namespace, String... command)
      throws IOException, InterruptedException {
    return processes.run(
        Processes.LIMIT.plusSeconds(lengths.seconds()),
        Processes.inside(namespace, List.of(command)));
  }

  /** Measures once, and how much others did meanwhile. */
  Reading take(Measure measure) throws IOException, InterruptedException {
    double others = Proc.otherSeconds();
    long start = System.nanoTime();
    Map<Quantity, Double> values =
        switch (measure) {
          case TCP_1 -> tcp1();
          case TCP_8 -> tcp8();
          case UDP_64 -> udp();
          case PING ->
              ping(lengths.pings(), Quantity.PING_P50, Quantity.PING_P99, Quantity.PING_P999);
          case PING_LOADED -> loadedPing();
        };
    double seconds = (System.nanoTime() - start) / 1e9;
    return new Reading(values, Math.max(0, Proc.otherSeconds() - others) / seconds);
  }

  private Map<Quantity, Double> tcp1() throws IOException, InterruptedException {
    double allocated = allocatedBytes();
    double before = cpuSeconds();
    String report = iperf3();
    double used = cpuSeconds() - before;
    double bytes = Tools.iperf3(report, "sum_received", "bytes");
    Map<Quantity, Double> values = new EnumMap<>(Quantity.class);
    values.put(Quantity.TCP_1, gigabits(report));
    values.put(Quantity.CPU, used / (bytes / BYTES_PER_GIGABYTE));
    if (variant.java()) {
      values.put(Quantity.ALLOCATED, (allocatedBytes() - allocated) / (bytes / SEGMENT_BYTES));
    }
    return values;
  }

  /** What the programs have used so far. */
  private double cpuSeconds() throws IOException {
    double sum = 0;
    for (Process program : road.programs()) {
      sum += Proc.cpuSeconds(program.pid());
    }
    return sum;
  }

  /** What the threads of the programs' JVMs have allocated so far; 0 if they have none. */
  private double allocatedBytes() throws IOException, InterruptedException {
    double sum = 0;
    if (variant.java()) {
      String jcmd = Path.of(Circumstances.property("java.home"), "bin", "jcmd").toString();
      for (Process program : road.programs()) {
        sum +=
            Tools.allocatedBytes(
                processes.run(
                    Processes.LIMIT,
                    List.of(jcmd, Long.toString(program.pid()), "Thread.print", "-e")));
      }
    }
    return sum;
  }

  private double residentBytes() throws IOException {
    double sum = 0;
    for (Process program : road.programs()) {
      sum += Proc.residentBytes(program.pid());
    }
    return sum;
  }

  private Map<Quantity, Double> tcp8() throws IOException, InterruptedException {
    String report = iperf3("--parallel", "8");
    return Map.of(
        Quantity.TCP_8, gigabits(report), Quantity.MEMORY, residentBytes() / BYTES_PER_MEBIBYTE);
  }

  private static double gigabits(String report) throws IOException {
    return Tools.iperf3(report, "sum_received", "bits_per_second") / BITS_PER_GIGABIT;
  }

  /**
   * The client sends as fast as it can. What counts is what the kernel has for the server: that is
   * slower than some relays.
   */
  private Map<Quantity, Double> udp() throws IOException, InterruptedException {
    long before = udpArrived();
    String report = iperf3("--udp", "--bitrate", "0", "--length", "64");
    return Map.of(
        Quantity.UDP_64, (udpArrived() - before) / Tools.iperf3(report, "sum", "seconds"));
  }

  private long udpArrived() throws IOException {
    return Tools.udpArrived(
        road.far().call(() -> Files.readAllLines(Path.of("/proc/thread-self/net/snmp"))));
  }

  /** While a stream of TCP takes what it can get. */
  private Map<Quantity, Double> loadedPing() throws IOException, InterruptedException {
    Process server = server();
    Process client =
        processes.start(
            "iperf3",
            Processes.inside(
                road.near(),
                List.of(
                    "iperf3",
                    "--client",
                    Road.FAR_ADDRESS,
                    "--forceflush",
                    "--time",
                    Long.toString(Processes.LIMIT.toSeconds()))));
    try {
      Processes.awaitLine(client, "[ ID]", Processes.LIMIT);
      // A full queue may drop some.
      return ping(
          lengths.pings() / 2, Quantity.LOADED_P50, Quantity.LOADED_P99, Quantity.LOADED_P999);
    } finally {
      client.destroyForcibly().waitFor();
      server.destroyForcibly().waitFor();
    }
  }

  private Map<Quantity, Double> ping(int back, Quantity p50, Quantity p99, Quantity p999)
      throws IOException, InterruptedException {
    String count = Integer.toString(lengths.pings());
    // After the last one it waits for those that are missing.
    String report =
        run(road.near(), "ping", "-n", "-i", "0.002", "-c", count, "-W", "1", Road.FAR_ADDRESS);
    double[] micros = Tools.roundTripMicros(report);
    if (micros.length < back) {
      throw new IOException("of " + count + " pings " + micros.length + " came back");
    }
    return Map.of(
        p50, Summary.percentile(micros, 50),
        p99, Summary.percentile(micros, 99),
        p999, Summary.percentile(micros, 99.9));
  }

  /** A server of its own for each run: none is left busy by a client that failed. */
  private Process server() throws IOException, InterruptedException {
    Process server =
        processes.start(
            "iperf3",
            Processes.inside(
                road.far(), List.of("iperf3", "--server", "--one-off", "--forceflush")));
    try {
      Processes.awaitLine(server, "Server listening", Processes.LIMIT);
      return server;
    } catch (IOException e) {
      server.destroyForcibly().waitFor();
      throw e;
    }
  }

  private String iperf3(String... options) throws IOException, InterruptedException {
    Process server = server();
    try {
      List<String> command =
          new ArrayList<>(List.of("iperf3", "--client", Road.FAR_ADDRESS, "--json", "--time"));
      command.add(Integer.toString(lengths.seconds()));
      command.addAll(List.of(options));
      String report = run(road.near(), command.toArray(String[]::new));
      server.waitFor(Processes.LIMIT);
      return report;
    } finally {
      server.destroyForcibly().waitFor();
    }
  }

  @Override
  public void close() {
    road.close();
  }
}
