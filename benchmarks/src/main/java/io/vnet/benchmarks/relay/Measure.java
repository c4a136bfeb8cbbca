package io.vnet.benchmarks.relay;

/** What is done with a variant when it is its turn; {@link Course#take} says how. */
enum Measure {
  TCP_1,
  TCP_8,
  UDP_64,
  PING,
  PING_LOADED
}
