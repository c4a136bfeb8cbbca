package io.vnet.api.backend;

import java.time.Duration;
import java.util.Objects;

/**
 * Which I/O threads serve host devices. Immutable; start from {@link #defaults}.
 *
 * @param plain threads for devices whose packets come one by one, at least 1, in turn: one a
 *     direction of a relay is best
 * @param offload threads for devices with offloads, at least 1, in turn, the first ones of those
 *     for plain devices: a thread that moves super-packets is hardly busy, and two that pass them
 *     on to each other are slower than one
 * @param io how they talk to the kernel
 * @param busyPoll how long a thread that has nothing to do goes on looking before it sleeps; zero:
 *     not at all. Takes a processor while there is traffic, for a shorter way to wake up
 */
public record IslandSettings(int plain, int offload, HostIo io, Duration busyPoll) {
  /** Checks the ranges. */
  public IslandSettings {
    Objects.requireNonNull(io, "io");
    if (plain < 1 || offload < 1 || busyPoll.isNegative()) {
      throw new IllegalArgumentException(
          "plain islands %d (at least 1), offload islands %d (at least 1), busyPoll %s (at least 0)"
              .formatted(plain, offload, busyPoll));
    }
  }

  /**
   * Two for plain devices (one on a single processor), one of them for offloads, AUTO, no busy
   * polling.
   */
  public static IslandSettings defaults() {
    return new IslandSettings(
        Math.min(2, Runtime.getRuntime().availableProcessors()), 1, HostIo.AUTO, Duration.ZERO);
  }

  /** With other numbers of threads. */
  public IslandSettings withThreads(int newPlain, int newOffload) {
    return new IslandSettings(newPlain, newOffload, io, busyPoll);
  }

  /** With another way to talk to the kernel. */
  public IslandSettings withIo(HostIo newIo) {
    return new IslandSettings(plain, offload, newIo, busyPoll);
  }

  /** With another time to look before sleeping. */
  public IslandSettings withBusyPoll(Duration newBusyPoll) {
    return new IslandSettings(plain, offload, io, newBusyPoll);
  }
}
