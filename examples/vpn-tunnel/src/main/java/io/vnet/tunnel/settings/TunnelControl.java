package io.vnet.tunnel.settings;

import java.util.concurrent.CompletionStage;

/** What configures a tunnel and shows it. Safe on any thread; nothing blocks. */
public interface TunnelControl {
  /**
   * Applies a change as a whole or not at all.
   *
   * @return completes when it is in force; fails with a {@link io.vnet.api.error.VnetException}:
   *     EADDRINUSE: the port is taken; EPERM: the mark needs rights; ESHUTDOWN: the tunnel has
   *     ended
   */
  CompletionStage<Void> change(TunnelChange change);

  /** The tunnel as it is; fails with ESHUTDOWN when it has ended. */
  CompletionStage<TunnelStatus> status();
}
