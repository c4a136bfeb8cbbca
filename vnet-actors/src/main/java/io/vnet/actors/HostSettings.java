package io.vnet.actors;

import java.time.Duration;

/**
 * The limits of one host. Immutable; start from {@link #defaults}.
 *
 * @param islands I/O threads for host devices, at least 1
 * @param batchMemoryBytes off-heap memory for batches, at the most
 * @param ringMemoryBytes off-heap memory for in-memory devices' rings, at the most; a device that
 *     is used both ways takes 2 MiB
 * @param stallLimit a grace period that takes longer names its readers in the log
 */
public record HostSettings(
    int islands, long batchMemoryBytes, long ringMemoryBytes, Duration stallLimit) {
  private static final long MEBIBYTE = 1024 * 1024;

  /** Checks the ranges. */
  public HostSettings {
    if (islands < 1 || batchMemoryBytes < MEBIBYTE || ringMemoryBytes < 2 * MEBIBYTE) {
      throw new IllegalArgumentException(
          "islands "
              + islands
              + " (at least 1), batchMemoryBytes "
              + batchMemoryBytes
              + " (at least 1 MiB), ringMemoryBytes "
              + ringMemoryBytes
              + " (at least 2 MiB)");
    }
  }

  /** Two islands (one on a single processor), 256 MiB of batches, 1 GiB of rings, one second. */
  public static HostSettings defaults() {
    return new HostSettings(
        Math.min(2, Runtime.getRuntime().availableProcessors()),
        256 * MEBIBYTE,
        1024 * MEBIBYTE,
        Duration.ofSeconds(1));
  }

  /** With another number of I/O threads. */
  public HostSettings withIslands(int newIslands) {
    return new HostSettings(newIslands, batchMemoryBytes, ringMemoryBytes, stallLimit);
  }

  /** With other memory bounds, in bytes. */
  public HostSettings withMemory(long newBatchMemoryBytes, long newRingMemoryBytes) {
    return new HostSettings(islands, newBatchMemoryBytes, newRingMemoryBytes, stallLimit);
  }
}
