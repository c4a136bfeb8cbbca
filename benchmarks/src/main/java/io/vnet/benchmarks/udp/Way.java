package io.vnet.benchmarks.udp;

/** Two sockets and a thread for each. */
interface Way extends AutoCloseable {
  /** A word for the figures. */
  String name();

  /** What goes from one to the other. */
  Flow flow();

  @Override
  void close();
}
