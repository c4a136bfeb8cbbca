package io.vnet.benchmarks.relay;

/** What is known of a variant after a round. */
enum Quantity {
  TCP_1("tcp_1_stream_gbit_per_s", "TCP, 1 stream", "Gb/s", 2, true),
  TCP_8("tcp_8_streams_gbit_per_s", "TCP, 8 streams", "Gb/s", 2, true),
  UDP_64("udp_64_bytes_packets_per_s", "UDP, 64 bytes", "packets/s", 0, true),
  PING_P50("ping_p50_us", "round trip, p50", "µs", 0, false),
  PING_P99("ping_p99_us", "round trip, p99", "µs", 0, false),
  PING_P999("ping_p999_us", "round trip, p99.9", "µs", 0, false),
  LOADED_P50("loaded_ping_p50_us", "under load, p50", "µs", 0, false),
  LOADED_P99("loaded_ping_p99_us", "under load, p99", "µs", 0, false),
  LOADED_P999("loaded_ping_p999_us", "under load, p99.9", "µs", 0, false),
  CPU("cpu_s_per_gigabyte", "CPU, TCP 1 stream", "s/GB", 2, false),
  MEMORY("resident_mebibytes", "resident memory", "MiB", 1, false),
  ALLOCATED("allocated_bytes_per_segment", "allocated a segment", "B", 2, false);

  private final String key;
  private final String title;
  private final String unit;
  private final int decimals;
  private final boolean moreIsBetter;

  Quantity(String key, String title, String unit, int decimals, boolean moreIsBetter) {
    this.key = key;
    this.title = title;
    this.unit = unit;
    this.decimals = decimals;
    this.moreIsBetter = moreIsBetter;
  }

  /** For figures, the unit in it. */
  String key() {
    return key;
  }

  /** For people, without the unit. */
  String title() {
    return title;
  }

  String unit() {
    return unit;
  }

  /** How many places after the point tell something. */
  int decimals() {
    return decimals;
  }

  boolean moreIsBetter() {
    return moreIsBetter;
  }
}
