package io.vnet.tunnel.core;

import io.vnet.tunnel.settings.TunnelDrop;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLongArray;

/** What went nowhere, by reason. Safe on any thread. */
@SuppressWarnings("EnumOrdinal") // An index into an array of this process, never stored.
public final class Drops {
  private static final TunnelDrop[] REASONS = TunnelDrop.values();

  private final AtomicLongArray counts = new AtomicLongArray(REASONS.length);

  /** Counts so many. */
  public void count(TunnelDrop reason, long number) {
    counts.getAndAdd(reason.ordinal(), number);
  }

  /** What has occurred up to now. */
  public Map<TunnelDrop, Long> snapshot() {
    Map<TunnelDrop, Long> byReason = new EnumMap<>(TunnelDrop.class);
    for (TunnelDrop reason : REASONS) {
      long number = counts.get(reason.ordinal());
      if (number != 0) {
        byReason.put(reason, number);
      }
    }
    return byReason;
  }
}
