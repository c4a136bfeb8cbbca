package io.vnet.actors;

/**
 * What a host holds, at one moment. All of it is back to what it was once every device, handle and
 * batch is gone.
 *
 * @param devices live devices
 * @param epochReaders registered epoch readers: two a handle, a network end and a port
 * @param batchesLent batches that somebody holds
 * @param batchesLeaked batches that were lost without a release, since the host started
 * @param ringsLent rings of in-memory devices
 * @param mappedBytes off-heap memory, used or waiting for reuse
 * @param retiring destroyed devices and closed ports that wait for readers to leave
 * @param gracePeriodStalls grace periods that took longer than the limit, since the host started
 */
public record HostStatistics(
    int devices,
    int epochReaders,
    int batchesLent,
    long batchesLeaked,
    int ringsLent,
    long mappedBytes,
    int retiring,
    long gracePeriodStalls) {
  /** Whether everything is back to what it was, and nothing was lost on the way. */
  public boolean holdsNothing() {
    return devices == 0
        && epochReaders == 0
        && batchesLent == 0
        && batchesLeaked == 0
        && ringsLent == 0
        && mappedBytes == 0
        && retiring == 0;
  }
}
