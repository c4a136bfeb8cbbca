package io.vnet.benchmarks.relay;

import java.util.List;

/**
 * One way to relay.
 *
 * @param name a word, for figures and files: {@code vnet_offload}
 * @param title for people
 * @param yardstick the name of the variant it is compared with; its own if it is a yardstick
 * @param java whether it runs in a JVM, whose allocations are measured
 * @param command makes {@link #NEAR} and {@link #FAR} in the present network namespace, writes a
 *     line that begins with {@code ready}, and relays until it is told to end
 */
record Variant(String name, String title, String yardstick, boolean java, List<String> command) {
  /** The device that goes to the client's namespace. */
  static final String NEAR = "tunA";

  /** The device that goes to the server's namespace. */
  static final String FAR = "tunB";

  /** The lists are not shared. */
  Variant {
    command = List.copyOf(command);
  }

  /** Whether others are compared with it. */
  boolean isYardstick() {
    return name.equals(yardstick);
  }
}
