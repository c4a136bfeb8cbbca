package io.vnet.benchmarks.relay;

import java.util.List;

/**
 * One way to get packets from a client to a server.
 *
 * @param name a word, for figures and files: {@code vnet_offload}
 * @param title for people
 * @param yardstick the name of the variant it is compared with; its own if it is a yardstick
 * @param java whether it runs in a JVM, whose allocations are measured
 * @param command what is started, as often and with what further arguments as the layout says; runs
 *     until it is told to end
 * @param ready what a line that it writes contains when it is ready
 * @param layout what is built around it
 */
record Variant(
    String name,
    String title,
    String yardstick,
    boolean java,
    List<String> command,
    String ready,
    Road.Layout layout) {
  /** The lists are not shared. */
  Variant {
    command = List.copyOf(command);
  }

  /** Whether others are compared with it. */
  boolean isYardstick() {
    return name.equals(yardstick);
  }
}
