package io.vnet.api.port;

/**
 * Where packets are counted that went nowhere: a {@link PacketPort}, or a count of one's own. Safe
 * on any thread.
 */
@FunctionalInterface
public interface DropCounter {
  /** Counts packets that were dropped. */
  void countDrop(DropReason reason, long packets);
}
