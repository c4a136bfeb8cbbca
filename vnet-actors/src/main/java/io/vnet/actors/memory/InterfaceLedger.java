package io.vnet.actors.memory;

import io.vnet.api.device.InterfaceCounters;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * The counters of one interface. Each has one writer at a time (the handle's sender those that are
 * "in", the network end's sender those that are "out"), so an addition is a plain read and an
 * opaque write. Read by anybody.
 */
final class InterfaceLedger {
  private static final int IN_PACKETS = 0;
  private static final int IN_BYTES = 1;
  private static final int IN_MULTICASTS = 2;
  private static final int OUT_PACKETS = 3;
  private static final int OUT_BYTES = 4;
  private static final int OUT_MULTICASTS = 5;
  private static final int OUT_ERRORS = 6;
  private static final int OUT_QUEUE_DROPS = 7;
  private static final int IN_ERRORS = 8;

  private final AtomicLongArray counters = new AtomicLongArray(IN_ERRORS + 1);

  private void add(int counter, long amount) {
    counters.setOpaque(counter, counters.getPlain(counter) + amount);
  }

  /** The network got a packet. */
  void in(int bytes, boolean multicast) {
    add(IN_PACKETS, 1);
    add(IN_BYTES, bytes);
    if (multicast) {
      add(IN_MULTICASTS, 1);
    }
  }

  /** A packet was queued for the reader. */
  void out(int bytes, boolean multicast) {
    outBytes(bytes, multicast);
    add(OUT_PACKETS, 1);
  }

  /** A frame was queued and met a closed tap. */
  void outMetClosed(int bytes, boolean multicast) {
    outBytes(bytes, multicast);
    add(OUT_ERRORS, 1);
  }

  /** No memory was there for a packet of the network's. */
  void outError() {
    add(OUT_ERRORS, 1);
  }

  private void outBytes(int bytes, boolean multicast) {
    add(OUT_BYTES, bytes);
    if (multicast) {
      add(OUT_MULTICASTS, 1);
    }
  }

  /** A packet met a full queue. */
  void outQueueDrop() {
    add(OUT_QUEUE_DROPS, 1);
  }

  /** No memory was there for a packet of the handle's. */
  void inError() {
    add(IN_ERRORS, 1);
  }

  InterfaceCounters snapshot() {
    return new InterfaceCounters(
        counters.getOpaque(IN_PACKETS),
        counters.getOpaque(IN_BYTES),
        counters.getOpaque(IN_MULTICASTS),
        counters.getOpaque(IN_ERRORS),
        counters.getOpaque(OUT_PACKETS),
        counters.getOpaque(OUT_BYTES),
        counters.getOpaque(OUT_MULTICASTS),
        counters.getOpaque(OUT_ERRORS),
        counters.getOpaque(OUT_QUEUE_DROPS));
  }
}
