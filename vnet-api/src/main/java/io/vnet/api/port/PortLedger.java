package io.vnet.api.port;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * The counters of one port: written by the port, read by anybody at any time, also after close.
 *
 * <p>{@link #received} is for the one receiving thread, {@link #sent} and {@link #split} for the
 * one sending thread at a time: plain additions, published opaquely. {@link #dropped} may be called
 * from any thread. A snapshot is exact once the port is quiet.
 */
@SuppressWarnings("EnumOrdinal") // An index into an array of this process, never stored.
public final class PortLedger {
  private static final VarHandle RECEIVED_PACKETS = handle("receivedPackets");
  private static final VarHandle RECEIVED_BYTES = handle("receivedBytes");
  private static final VarHandle SENT_PACKETS = handle("sentPackets");
  private static final VarHandle SENT_BYTES = handle("sentBytes");
  private static final VarHandle SPLIT_PACKETS = handle("splitPackets");
  private static final DropReason[] REASONS = DropReason.values();

  private long receivedPackets;
  private long receivedBytes;
  private long sentPackets;
  private long sentBytes;
  private long splitPackets;
  private final AtomicLongArray drops = new AtomicLongArray(REASONS.length);

  private static VarHandle handle(String field) {
    try {
      return MethodHandles.lookup().findVarHandle(PortLedger.class, field, long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** Packets handed out to the receiver. */
  public void received(long packets, long bytes) {
    RECEIVED_PACKETS.setOpaque(this, receivedPackets + packets);
    RECEIVED_BYTES.setOpaque(this, receivedBytes + bytes);
  }

  /** Packets passed on for the sender. */
  public void sent(long packets, long bytes) {
    SENT_PACKETS.setOpaque(this, sentPackets + packets);
    SENT_BYTES.setOpaque(this, sentBytes + bytes);
  }

  /** Super-packets that the port has to split itself. By the one sending thread. */
  public void split(long packets) {
    SPLIT_PACKETS.setOpaque(this, splitPackets + packets);
  }

  /** Packets that were taken and went nowhere. */
  public void dropped(DropReason reason, long packets) {
    drops.getAndAdd(reason.ordinal(), packets);
  }

  /** The counters now. */
  public PortCounters snapshot() {
    Map<DropReason, Long> byReason = new EnumMap<>(DropReason.class);
    for (DropReason reason : REASONS) {
      long packets = drops.get(reason.ordinal());
      if (packets != 0) {
        byReason.put(reason, packets);
      }
    }
    return new PortCounters(
        (long) RECEIVED_PACKETS.getOpaque(this),
        (long) RECEIVED_BYTES.getOpaque(this),
        (long) SENT_PACKETS.getOpaque(this),
        (long) SENT_BYTES.getOpaque(this),
        (long) SPLIT_PACKETS.getOpaque(this),
        byReason);
  }
}
