package io.vnet.tunnel.core;

import io.vnet.api.packet.Packet;
import io.vnet.tunnel.settings.TunnelDrop;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * What waits for keys: packets, the oldest first, or else a keepalive. Bounded in packets here and
 * in bytes by the core, for all peers together. There is no queue while there are no packets.
 */
final class StagedPackets {
  private final TunnelCore core;
  private final int packetsMax;
  private @Nullable ArrayDeque<Packet> queue;
  private boolean keepalive;

  StagedPackets(TunnelCore core, int packetsMax) {
    this.core = core;
    this.packetsMax = packetsMax;
  }

  /** Whether nothing waits. */
  boolean isEmpty() {
    return queue == null && !keepalive;
  }

  int packets() {
    return queue == null ? 0 : queue.size();
  }

  /** Appends a packet; too many make room or are dropped, the oldest first. */
  void add(Packet packet) {
    while (packets() > 0 && (packets() >= packetsMax || !core.mayStage(packet.length()))) {
      var _ = poll();
      core.drops().count(TunnelDrop.STAGED_OVERFLOW, 1);
    }
    if (!core.mayStage(packet.length())) {
      core.drops().count(TunnelDrop.STAGED_OVERFLOW, 1);
      return;
    }
    if (queue == null) {
      queue = new ArrayDeque<>();
    }
    queue.add(packet);
    core.staged(packet.length());
    keepalive = false; // A packet says as much as a keepalive.
  }

  /** Adds a keepalive, unless there are packets, which say as much. */
  void addKeepalive() {
    if (queue == null) {
      keepalive = true;
    }
  }

  /** Takes the keepalive; false: there is none. */
  boolean takeKeepalive() {
    boolean taken = keepalive;
    keepalive = false;
    return taken;
  }

  @Nullable Packet peek() {
    return queue == null ? null : queue.peek();
  }

  @Nullable Packet poll() {
    if (queue == null) {
      return null;
    }
    Packet packet = queue.remove();
    core.unstaged(packet.length());
    if (queue.isEmpty()) {
      queue = null; // The next time may be long away.
    }
    return packet;
  }

  /** Drops all, counted. */
  void drop() {
    keepalive = false;
    if (queue != null) {
      core.drops().count(TunnelDrop.STAGED_DROPPED, queue.size());
      for (Packet packet : queue) {
        core.unstaged(packet.length());
      }
      queue = null;
    }
  }
}
