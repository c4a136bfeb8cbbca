package io.vnet.benchmarks.relay;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * One way to relay.
 *
 * @param name a word, for figures and files: {@code vnet_offload}
 * @param title for people
 * @param yardstick the name of the variant it is compared with; its own if it is a yardstick
 * @param command makes {@link #NEAR} and {@link #FAR} in the present network namespace, writes a
 *     line that begins with {@code ready}, and relays until it is told to end
 */
record Variant(String name, String title, String yardstick, List<String> command) {
  /** The device that goes to the client's namespace. */
  static final String NEAR = "tunA";

  /** The device that goes to the server's namespace. */
  static final String FAR = "tunB";

  static final String C_PLAIN = "c_plain";
  static final String C_OFFLOAD = "c_offload";
  static final String NETTY_TUN = "netty_tun";
  static final String VNET_PLAIN = "vnet_plain";
  static final String VNET_EPOLL = "vnet_epoll";
  static final String VNET_OFFLOAD = "vnet_offload";
  static final String VNET_OFFLOAD_URING = "vnet_offload_io_uring";

  /** The lists are not shared. */
  Variant {
    command = List.copyOf(command);
  }

  /** Whether others are compared with it. */
  boolean isYardstick() {
    return name.equals(yardstick);
  }

  /**
   * All that are measured.
   *
   * @param c the compiled {@code relay.c}
   * @param nettyTun the command of {@link NettyTunRelay} without arguments
   * @param vnet the command of {@code ./vnet} without arguments
   */
  static List<Variant> all(Path c, List<String> nettyTun, List<String> vnet) {
    return List.of(
        new Variant(C_PLAIN, "C", C_PLAIN, of(List.of(c.toString()))),
        new Variant(C_OFFLOAD, "C, offload", C_OFFLOAD, of(List.of(c.toString()), "--offload")),
        new Variant(NETTY_TUN, "netty-tun", C_PLAIN, of(nettyTun)),
        new Variant(VNET_PLAIN, "vnet", C_PLAIN, of(with(vnet, "relay"))),
        new Variant(VNET_EPOLL, "vnet, epoll", C_PLAIN, of(with(vnet, "relay"), "--io", "epoll")),
        new Variant(VNET_OFFLOAD, "vnet, offload", C_OFFLOAD, of(with(vnet, "relay"), "--offload")),
        new Variant(
            VNET_OFFLOAD_URING,
            "vnet, offload, io_uring",
            C_OFFLOAD,
            of(with(vnet, "relay"), "--offload", "--io", "io_uring")));
  }

  private static List<String> of(List<String> program, String... options) {
    return with(with(program, NEAR, FAR), options);
  }

  private static List<String> with(List<String> command, String... arguments) {
    List<String> longer = new ArrayList<>(command);
    longer.addAll(List.of(arguments));
    return longer;
  }
}
