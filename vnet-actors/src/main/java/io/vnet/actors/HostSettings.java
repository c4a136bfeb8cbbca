package io.vnet.actors;

import io.vnet.api.backend.HostIo;
import io.vnet.api.backend.IslandSettings;
import io.vnet.api.device.ClonePolicy;
import java.time.Duration;

/**
 * The limits of one host. Immutable; start from {@link #defaults}.
 *
 * @param islands the I/O threads for host devices
 * @param batchMemoryBytes off-heap memory for batches, at the most; as much again for those of
 *     super-packets
 * @param ringMemoryBytes off-heap memory for in-memory devices' rings, at the most; a device that
 *     is used both ways takes 2 MiB
 * @param stallLimit a grace period that takes longer names its readers in the log
 * @param retiringMax how many destroyed devices and closed ports may wait for readers to leave
 *     before creations, and further ports, are refused with ENOBUFS
 * @param policy what opens may make and do at first
 */
public record HostSettings(
    IslandSettings islands,
    long batchMemoryBytes,
    long ringMemoryBytes,
    Duration stallLimit,
    int retiringMax,
    ClonePolicy policy) {
  private static final long MEBIBYTE = 1024 * 1024;
  private static final int DEFAULT_RETIRING_MAX = 4096;

  /** Checks the ranges. */
  public HostSettings {
    if (retiringMax < 1) {
      throw new IllegalArgumentException("retiringMax " + retiringMax + " is below 1");
    }
    if (batchMemoryBytes < MEBIBYTE || ringMemoryBytes < 2 * MEBIBYTE) {
      throw new IllegalArgumentException(
          "batchMemoryBytes "
              + batchMemoryBytes
              + " (at least 1 MiB), ringMemoryBytes "
              + ringMemoryBytes
              + " (at least 2 MiB)");
    }
  }

  /** {@link IslandSettings#defaults}, 256 MiB of batches, 1 GiB of rings, one second. */
  public static HostSettings defaults() {
    return new HostSettings(
        IslandSettings.defaults(),
        256 * MEBIBYTE,
        1024 * MEBIBYTE,
        Duration.ofSeconds(1),
        DEFAULT_RETIRING_MAX,
        ClonePolicy.defaults());
  }

  /** With other I/O threads. */
  public HostSettings withIslands(IslandSettings newIslands) {
    return new HostSettings(
        newIslands, batchMemoryBytes, ringMemoryBytes, stallLimit, retiringMax, policy);
  }

  /** With another way to talk to the kernel. */
  public HostSettings withIo(HostIo newIo) {
    return withIslands(islands.withIo(newIo));
  }

  /** With other memory bounds, in bytes. */
  public HostSettings withMemory(long newBatchMemoryBytes, long newRingMemoryBytes) {
    return new HostSettings(
        islands, newBatchMemoryBytes, newRingMemoryBytes, stallLimit, retiringMax, policy);
  }

  /** With another limit for grace periods and another bound for what waits for them. */
  public HostSettings withGracePeriods(Duration newStallLimit, int newRetiringMax) {
    return new HostSettings(
        islands, batchMemoryBytes, ringMemoryBytes, newStallLimit, newRetiringMax, policy);
  }

  /** With another policy. */
  public HostSettings withPolicy(ClonePolicy newPolicy) {
    return new HostSettings(
        islands, batchMemoryBytes, ringMemoryBytes, stallLimit, retiringMax, newPolicy);
  }
}
