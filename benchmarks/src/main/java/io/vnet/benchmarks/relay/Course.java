package io.vnet.benchmarks.relay;

import io.vnet.io.netns.NetworkNamespace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * A relay that runs, and the three network namespaces around it: its own, the client's and the
 * server's. The relay makes both devices in its own, from where they are moved; its descriptors
 * stay with them. All courses have the same addresses and never meet.
 *
 * <p>The namespaces have no names: they end with the last descriptor and process, however this
 * process ends.
 */
final class Course implements AutoCloseable {
  private static final String NEAR_ADDRESS = "10.78.0.1";
  private static final String FAR_ADDRESS = "10.78.0.2";

  /** Room for what a tunnel adds to a packet of 1500 bytes. */
  static final int MTU = 1420;

  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final double BITS_PER_GIGABIT = 1e9;
  private static final double BYTES_PER_GIGABYTE = 1e9;

  /** What a packet of {@link #MTU} carries of a stream of TCP, which has timestamps. */
  private static final double SEGMENT_BYTES = MTU - 52;

  private static final double BYTES_PER_MEBIBYTE = 1 << 20;

  private final Variant variant;
  private final Lengths lengths;
  private final Processes processes;
  private final NetworkNamespace near;
  private final NetworkNamespace far;
  private final NetworkNamespace middle;
  private final Process relay;

  private Course(
      Variant variant,
      Lengths lengths,
      Processes processes,
      NetworkNamespace near,
      NetworkNamespace far,
      NetworkNamespace middle,
      Process relay) {
    this.variant = variant;
    this.lengths = lengths;
    this.processes = processes;
    this.near = near;
    this.far = far;
    this.middle = middle;
    this.relay = relay;
  }

  /**
   * How long to measure.
   *
   * @param seconds of each run of iperf3
   * @param pings round trips
   */
  record Lengths(int seconds, int pings) {}

  /** Starts a relay and lays the way through it. */
  static Course open(Variant variant, Lengths lengths, Processes processes)
      throws IOException, InterruptedException {
    List<NetworkNamespace> namespaces = new ArrayList<>();
    try {
      for (int i = 0; i < 3; i++) {
        namespaces.add(NetworkNamespace.create());
      }
      NetworkNamespace near = namespaces.get(0);
      NetworkNamespace far = namespaces.get(1);
      NetworkNamespace middle = namespaces.get(2);
      Process relay = processes.start(variant.name(), inside(middle, variant.command()));
      Course course = new Course(variant, lengths, processes, near, far, middle, relay);
      Processes.awaitLine(relay, "ready", LIMIT);
      // The server's side first: what the client's side sends meets a device that is up.
      course.place(Variant.FAR, far, FAR_ADDRESS);
      course.place(Variant.NEAR, near, NEAR_ADDRESS);
      course.run(near, "ping", "-n", "-q", "-c", "3", "-i", "0.01", "-W", "5", FAR_ADDRESS);
      return course;
    } catch (IOException e) {
      namespaces.forEach(NetworkNamespace::close);
      throw processes.explained(variant, e);
    } catch (InterruptedException | RuntimeException e) {
      namespaces.forEach(NetworkNamespace::close);
      throw e;
    }
  }

  private void place(String device, NetworkNamespace namespace, String address)
      throws IOException, InterruptedException {
    run(middle, "ip", "link", "set", device, "netns", namespace.path().toString());
    // Without an address of IPv6 the kernel sends nothing of its own.
    run(namespace, "ip", "link", "set", device, "addrgenmode", "none");
    run(namespace, "ip", "address", "add", address + "/24", "dev", device);
    run(namespace, "ip", "link", "set", device, "mtu", Integer.toString(MTU), "up");
  }

  private String run(NetworkNamespace namespace, String... command)
      throws IOException, InterruptedException {
    return processes.run(LIMIT.plusSeconds(lengths.seconds()), inside(namespace, List.of(command)));
  }

  private static List<String> inside(NetworkNamespace namespace, List<String> command) {
    List<String> inside = new ArrayList<>(List.of("nsenter", "--net=" + namespace.path(), "--"));
    inside.addAll(command);
    return inside;
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
    double before = Proc.cpuSeconds(relay.pid());
    String report = iperf3();
    double used = Proc.cpuSeconds(relay.pid()) - before;
    double bytes = Tools.iperf3(report, "sum_received", "bytes");
    Map<Quantity, Double> values = new EnumMap<>(Quantity.class);
    values.put(Quantity.TCP_1, gigabits(report));
    values.put(Quantity.CPU, used / (bytes / BYTES_PER_GIGABYTE));
    if (variant.java()) {
      values.put(Quantity.ALLOCATED, (allocatedBytes() - allocated) / (bytes / SEGMENT_BYTES));
    }
    return values;
  }

  /** What the threads of the relay's JVM have allocated so far; 0 if it has none. */
  private double allocatedBytes() throws IOException, InterruptedException {
    if (!variant.java()) {
      return 0;
    }
    String jcmd = Path.of(Circumstances.property("java.home"), "bin", "jcmd").toString();
    return Tools.allocatedBytes(
        processes.run(LIMIT, List.of(jcmd, Long.toString(relay.pid()), "Thread.print", "-e")));
  }

  private Map<Quantity, Double> tcp8() throws IOException, InterruptedException {
    String report = iperf3("--parallel", "8");
    return Map.of(
        Quantity.TCP_8,
        gigabits(report),
        Quantity.MEMORY,
        Proc.residentBytes(relay.pid()) / BYTES_PER_MEBIBYTE);
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
        far.call(() -> Files.readAllLines(Path.of("/proc/thread-self/net/snmp"))));
  }

  /** While a stream of TCP takes what it can get. */
  private Map<Quantity, Double> loadedPing() throws IOException, InterruptedException {
    Process server = server();
    Process client =
        processes.start(
            "iperf3",
            inside(
                near,
                List.of(
                    "iperf3",
                    "--client",
                    FAR_ADDRESS,
                    "--forceflush",
                    "--time",
                    Long.toString(LIMIT.toSeconds()))));
    try {
      Processes.awaitLine(client, "[ ID]", LIMIT);
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
    String report = run(near, "ping", "-n", "-i", "0.002", "-c", count, "-W", "1", FAR_ADDRESS);
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
            "iperf3", inside(far, List.of("iperf3", "--server", "--one-off", "--forceflush")));
    try {
      Processes.awaitLine(server, "Server listening", LIMIT);
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
          new ArrayList<>(List.of("iperf3", "--client", FAR_ADDRESS, "--json", "--time"));
      command.add(Integer.toString(lengths.seconds()));
      command.addAll(List.of(options));
      String report = run(near, command.toArray(String[]::new));
      server.waitFor(LIMIT);
      return report;
    } finally {
      server.destroyForcibly().waitFor();
    }
  }

  /** Ends the relay, then lets the namespaces go: it must not see its devices vanish. */
  @Override
  public void close() {
    Processes.end(List.of(relay));
    near.close();
    far.close();
    middle.close();
  }
}
