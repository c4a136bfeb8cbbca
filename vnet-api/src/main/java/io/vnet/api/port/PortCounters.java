package io.vnet.api.port;

import java.util.EnumMap;
import java.util.Map;

/**
 * What a port has moved, at one moment.
 *
 * @param receivedPackets packets that {@code receive} handed out
 * @param receivedBytes their bytes
 * @param sentPackets packets that {@code send} passed on
 * @param sentBytes their bytes
 * @param splitPackets super-packets that the port split itself, as the other side did not take
 *     them; sent or dropped too
 * @param drops packets that were taken and went nowhere, by reason; reasons without a drop are
 *     absent
 */
public record PortCounters(
    long receivedPackets,
    long receivedBytes,
    long sentPackets,
    long sentBytes,
    long splitPackets,
    Map<DropReason, Long> drops) {
  /** Copies the map. */
  public PortCounters {
    drops = Map.copyOf(drops);
  }

  /** Both together, as of two ports. */
  public PortCounters plus(PortCounters other) {
    Map<DropReason, Long> all = new EnumMap<>(DropReason.class);
    all.putAll(drops);
    other.drops.forEach((reason, packets) -> all.merge(reason, packets, Long::sum));
    return new PortCounters(
        receivedPackets + other.receivedPackets,
        receivedBytes + other.receivedBytes,
        sentPackets + other.sentPackets,
        sentBytes + other.sentBytes,
        splitPackets + other.splitPackets,
        all);
  }

  /** All drops together. */
  public long dropped() {
    return drops.values().stream().mapToLong(Long::longValue).sum();
  }

  /** Drops for one reason. */
  public long dropped(DropReason reason) {
    return drops.getOrDefault(reason, 0L);
  }
}
