package io.vnet.benchmarks.relay;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Variants that are measured beside each other.
 *
 * @param name that of the benchmark: begins its figures, names its section and its chart
 * @param title over the chart
 * @param yardstick what the variants are compared with, for people: {@code C}
 * @param yardsticks the same where there is room to say which of several
 * @param chartEnd the longest bar of the chart
 * @param variants with the yardsticks that they are compared with
 * @param promised the ratios that its last figures are
 */
record Comparison(
    String name,
    String title,
    String yardstick,
    String yardsticks,
    double chartEnd,
    List<Variant> variants,
    List<Promise> promised) {
  static final String C_PLAIN = "c_plain";
  static final String C_OFFLOAD = "c_offload";
  static final String NETTY_TUN = "netty_tun";
  static final String VNET_PLAIN = "vnet_plain";
  static final String VNET_EPOLL = "vnet_epoll";
  static final String VNET_OFFLOAD = "vnet_offload";

  static final String WIREGUARD_GO = "wireguard_go";
  static final String NEWEST = "wireguard_go_newest";
  static final String VNET_TUNNEL = "vnet";
  private static final String PORTABLE = "vnet_portable_crypto";
  private static final String MANY_PEERS = "vnet_10000_peers";

  /** As many as a provider of tunnels may have on one interface. */
  private static final int IDLE_PEERS = 10_000;

  private static final String SAME_OFFLOADS = "C with the same offloads (netty-tun: to C without)";
  private static final double RELAYS_END = 3;
  private static final double TUNNELS_END = 10;
  private static final String READY = "ready";
  private static final String OFFLOAD = "--offload";
  private static final String IO = "--io";
  private static final String EPOLL = "epoll";
  private static final String IO_URING = "io_uring";
  private static final String QUEUES = "--queues";

  /** The lists are not shared. */
  Comparison {
    variants = List.copyOf(variants);
    promised = List.copyOf(promised);
  }

  /**
   * A ratio of throughput with one stream.
   *
   * @param figure its name
   * @param variant above the line
   * @param over below it
   */
  record Promise(String figure, String variant, String over) {}

  /**
   * How the programs are started, without arguments.
   *
   * @param c the compiled {@code relay.c}
   * @param nettyTun {@link NettyTunRelay}
   * @param io {@link PortRelay}
   * @param vnet {@code ./vnet}
   * @param newestWireGuardGo a wireguard-go newer than that of the distribution, if there is one
   */
  record Programs(
      Path c,
      List<String> nettyTun,
      List<String> io,
      List<String> vnet,
      Optional<Path> newestWireGuardGo) {
    /** The lists are not shared. */
    Programs {
      nettyTun = List.copyOf(nettyTun);
      io = List.copyOf(io);
      vnet = List.copyOf(vnet);
    }

    private List<Variant> yardsticks() {
      return List.of(
          between(C_PLAIN, "C", C_PLAIN, false, of(List.of(c.toString()))),
          between(C_OFFLOAD, "C, offload", C_OFFLOAD, false, of(List.of(c.toString()), OFFLOAD)));
    }

    private Variant relay(String name, String title, String yardstick, String... options) {
      return between(name, title, yardstick, true, of(with(vnet, "relay"), options));
    }

    private Variant port(String name, String title, String yardstick, String... options) {
      return between(name, title, yardstick, true, of(io, options));
    }

    private static Variant between(
        String name, String title, String yardstick, boolean java, List<String> command) {
      return new Variant(name, title, yardstick, java, command, READY, RelayRoad::open);
    }

    /** It says what it does only if it is asked to. */
    private static Variant wireGuardGo(String name, String title, String program) {
      return new Variant(
          name,
          title,
          WIREGUARD_GO,
          false,
          List.of("env", "LOG_LEVEL=verbose", program, "-f"),
          "UAPI listener started",
          TunnelRoad.withIdlePeers(0));
    }

    private Variant tunnel(String name, String title, int idlePeers, String... options) {
      return new Variant(
          name,
          title,
          WIREGUARD_GO,
          true,
          with(with(vnet, "tunnel"), options),
          READY,
          TunnelRoad.withIdlePeers(idlePeers));
    }
  }

  /** What a user starts, beside C and what else there is for the JVM. */
  static Comparison relay(Programs programs) {
    List<Variant> variants = new ArrayList<>(programs.yardsticks());
    variants.add(Programs.between(NETTY_TUN, "netty-tun", C_PLAIN, true, of(programs.nettyTun())));
    variants.add(programs.relay(VNET_PLAIN, "vnet", C_PLAIN));
    variants.add(programs.relay(VNET_EPOLL, "vnet, epoll", C_PLAIN, IO, EPOLL));
    variants.add(programs.relay(VNET_OFFLOAD, "vnet, offload", C_OFFLOAD, OFFLOAD));
    variants.add(
        programs.relay(
            "vnet_offload_epoll", "vnet, offload, epoll", C_OFFLOAD, OFFLOAD, IO, EPOLL));
    return new Comparison(
        "relay",
        "Relays between two tun devices, ratio to C with the same offloads",
        "C",
        SAME_OFFLOADS,
        RELAYS_END,
        variants,
        List.of(
            new Promise("ratio_plain", VNET_PLAIN, C_PLAIN),
            new Promise("ratio_offload", VNET_OFFLOAD, C_OFFLOAD),
            new Promise("ratio_netty_tun", VNET_OFFLOAD, NETTY_TUN)));
  }

  /**
   * The ways that a program has to use the library. With two queues the streams of batches are the
   * command's own, whose threads are then four, or two with offloads.
   */
  static Comparison io(Programs programs) {
    List<Variant> variants = new ArrayList<>(programs.yardsticks());
    for (String how : List.of("batches", "packets", "direct")) {
      variants.add(programs.port(how + "_io_uring", how, C_PLAIN, how, IO, IO_URING));
      variants.add(programs.port(how + "_epoll", how + ", epoll", C_PLAIN, how, IO, EPOLL));
      variants.add(programs.port(how + "_offload", how + ", offload", C_OFFLOAD, how, OFFLOAD));
    }
    String two = "2";
    variants.add(
        programs.relay(
            "batches_2_queues", "batches, 2 queues", C_PLAIN, IO, IO_URING, QUEUES, two));
    variants.add(
        programs.relay(
            "batches_offload_2_queues",
            "batches, offload, 2 queues",
            C_OFFLOAD,
            OFFLOAD,
            QUEUES,
            two));
    variants.add(
        programs.port(
            "direct_2_queues", "direct, 2 queues", C_PLAIN, "direct", IO, IO_URING, QUEUES, two));
    variants.add(
        programs.port(
            "direct_offload_2_queues",
            "direct, offload, 2 queues",
            C_OFFLOAD,
            "direct",
            OFFLOAD,
            QUEUES,
            two));
    return new Comparison(
        "io",
        "Ways to move packets between two devices, ratio to C with the same offloads",
        "C",
        SAME_OFFLOADS,
        RELAYS_END,
        variants,
        List.of(
            new Promise("ratio_batches", "batches_io_uring", C_PLAIN),
            new Promise("ratio_packets", "packets_io_uring", C_PLAIN),
            new Promise("ratio_direct", "direct_io_uring", C_PLAIN),
            new Promise("ratio_batches_offload", "batches_offload", C_OFFLOAD),
            new Promise("ratio_packets_offload", "packets_offload", C_OFFLOAD),
            new Promise("ratio_direct_offload", "direct_offload", C_OFFLOAD)));
  }

  /** WireGuard tunnels: what a user starts at both ends, beside the reference in user space. */
  static Comparison tunnel(Programs programs) {
    List<Variant> variants = new ArrayList<>();
    variants.add(Programs.wireGuardGo(WIREGUARD_GO, "wireguard-go", "wireguard-go"));
    programs
        .newestWireGuardGo()
        .ifPresent(path ->
            variants.add(Programs.wireGuardGo(NEWEST, "wireguard-go, newest", path.toString())));
    variants.add(programs.tunnel(VNET_TUNNEL, "vnet", 0));
    variants.add(programs.tunnel(PORTABLE, "vnet, JDK's crypto", 0, "--crypto", "portable"));
    variants.add(programs.tunnel("vnet_epoll", "vnet, epoll", 0, IO, EPOLL));
    variants.add(programs.tunnel(MANY_PEERS, "vnet, 10,000 peers", IDLE_PEERS));
    List<Promise> promised = new ArrayList<>();
    promised.add(new Promise("ratio_10000_peers", MANY_PEERS, VNET_TUNNEL));
    if (programs.newestWireGuardGo().isPresent()) {
      promised.add(new Promise("ratio_wireguard_go_newest", VNET_TUNNEL, NEWEST));
    }
    promised.add(new Promise("ratio_wireguard_go", VNET_TUNNEL, WIREGUARD_GO));
    return new Comparison(
        "tunnel",
        "WireGuard tunnels, ratio to wireguard-go",
        "wireguard-go",
        "the wireguard-go of the distribution",
        TUNNELS_END,
        variants,
        promised);
  }

  /**
   * Only some of them, and what these are compared with.
   *
   * @param names none: all
   * @throws IllegalArgumentException naming what is called so by nobody
   */
  Comparison only(List<String> names) {
    if (names.isEmpty()) {
      return this;
    }
    Set<String> kept = new HashSet<>(names);
    for (Variant variant : variants) {
      if (names.contains(variant.name())) {
        kept.add(variant.yardstick());
      }
    }
    List<Variant> chosen =
        variants.stream().filter(variant -> kept.contains(variant.name())).toList();
    if (chosen.size() < kept.size()) {
      throw new IllegalArgumentException(
          "--only needs names of "
              + variants.stream().map(Variant::name).collect(Collectors.joining(", ")));
    }
    return new Comparison(
        name,
        title,
        yardstick,
        yardsticks,
        chartEnd,
        chosen,
        promised.stream()
            .filter(promise -> kept.containsAll(List.of(promise.variant(), promise.over())))
            .toList());
  }

  private static List<String> of(List<String> program, String... options) {
    return with(with(program, RelayRoad.NEAR, RelayRoad.FAR), options);
  }

  private static List<String> with(List<String> command, String... arguments) {
    List<String> longer = new ArrayList<>(command);
    longer.addAll(List.of(arguments));
    return longer;
  }
}
