package io.vnet.examples.cli;

import io.vnet.api.device.Device;
import io.vnet.api.port.PacketPort;
import java.util.List;
import java.util.OptionalLong;
import org.HdrHistogram.Histogram;

/** Two devices with traffic through them, on whatever they are built. */
interface DemoScene extends AutoCloseable {
  /** What is to be seen, in a line or two. */
  String description();

  /** The device ports whose counters the live table shows. */
  List<PacketPort> ports();

  /** Round trips since the last call, in nanoseconds. */
  Histogram roundTrips();

  /** Bytes that arrived over TCP so far; empty where nothing speaks TCP. */
  OptionalLong tcpBytes();

  /** The device to be destroyed while packets flow. */
  Device victim();

  /** Ends the traffic and the other device after the victim is gone; waits for it. */
  void wind();

  /**
   * For each place where packets change hands, what went in and where it is; after {@link #wind}.
   */
  List<Account> accounts();

  @Override
  void close();

  /**
   * One place where packets change hands.
   *
   * @param place from where to where
   * @param in packets that went in
   * @param out packets that came out
   * @param dropped packets counted as dropped there
   */
  record Account(String place, long in, long out, long dropped) {
    /** Whether nothing is missing. */
    boolean balanced() {
      return in == out + dropped;
    }
  }
}
