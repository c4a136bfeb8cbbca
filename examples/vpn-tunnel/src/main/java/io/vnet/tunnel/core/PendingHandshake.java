package io.vnet.tunnel.core;

import io.vnet.tunnel.noise.Handshakes;
import org.jspecify.annotations.Nullable;

/**
 * A handshake that has an index and no keys yet; a peer has one at most. It is what ties a result
 * of a work to the moment when the work was given out: the result counts only while its peer still
 * has this very object. Whatever makes it void (a newer handshake of either side, another private
 * key, the erasing of keys, the peer's removal, the tunnel's going down) takes it away.
 *
 * <p><b>Owner:</b> the core's thread; works carry it along and do not look into it.
 */
final class PendingHandshake {
  private final Peer peer;
  private final int localIndex;
  private final long begun;
  private Handshakes.@Nullable Initiation initiation;

  PendingHandshake(Peer peer, int localIndex, long now) {
    this.peer = peer;
    this.localIndex = localIndex;
    this.begun = now;
  }

  Peer peer() {
    return peer;
  }

  int localIndex() {
    return localIndex;
  }

  long begun() {
    return begun;
  }

  /** What was sent and waits for its response; null: its message is still being made. */
  Handshakes.@Nullable Initiation initiation() {
    return initiation;
  }

  void waitsFor(Handshakes.Initiation sent) {
    initiation = sent;
  }

  void erase() {
    if (initiation != null) {
      initiation.erase();
      initiation = null;
    }
  }
}
