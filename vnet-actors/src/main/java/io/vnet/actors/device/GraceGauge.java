package io.vnet.actors.device;

import io.vnet.api.epoch.StalledReader;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What waits for readers, for whoever must not add to it. Written by the {@link GracePeriodActor}.
 * Safe on any thread.
 */
public final class GraceGauge {
  private final int limit;
  private volatile int waiting;
  private volatile long stalls;
  private volatile long lastNanos;
  private volatile List<StalledReader> stalled = List.of();

  /**
   * @param limit how many retired things may wait before new work is refused
   */
  public GraceGauge(int limit) {
    this.limit = limit;
  }

  /** Retired and not yet elapsed. */
  public int waiting() {
    return waiting;
  }

  /** Grace periods that took longer than the limit, since the host started. */
  public long stalls() {
    return stalls;
  }

  /** From the first request of the last grace period to its callbacks; 0: there was none. */
  public long lastNanos() {
    return lastNanos;
  }

  /** Who holds up the present grace period, if it is a long one. */
  public List<StalledReader> stalled() {
    return stalled;
  }

  /**
   * Why nothing new is to be made; empty if it may be. So what waits to be released is bounded
   * although nothing is released early.
   *
   * @param operation of whoever asks
   * @param object what would be made
   */
  public Optional<VnetException> refusal(String operation, String object) {
    int now = waiting;
    return now < limit
        ? Optional.empty()
        : Optional.of(
            new VnetException(
                operation,
                object,
                Errno.ENOBUFS,
                now
                    + " destroyed devices and ports wait for readers to leave"
                    + stalled.stream()
                        .map(StalledReader::owner)
                        .collect(Collectors.joining("', '", ": '", "'")),
                "look at what these threads do inside an epoch section"));
  }

  /** Nothing waits any more: the host has failed, and its readers have drained. */
  void clear() {
    show(0);
    stallOver();
  }

  /** Only the GracePeriodActor writes. */
  void show(int nowWaiting) {
    waiting = nowWaiting;
  }

  void showElapsed(long nanos) {
    lastNanos = nanos;
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // One writer.
  void showStall(List<StalledReader> readers) {
    stalled = List.copyOf(readers);
    stalls++;
  }

  void stallOver() {
    stalled = List.of();
  }
}
