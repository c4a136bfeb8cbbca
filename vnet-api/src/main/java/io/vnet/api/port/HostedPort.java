package io.vnet.api.port;

import java.util.concurrent.CompletionStage;

/**
 * A port that lives on a host's island and in its epoch ({@link PortSite}), which outlive it: the
 * host closes it when it ends, and waits until it is {@link #released}.
 */
public interface HostedPort extends PacketPort {
  /**
   * Completes when the port is closed and makes no use of its site any more: the island watches
   * nothing of it, its grace period is over, its descriptors are closed. Closes nothing itself.
   *
   * @return fails if giving something back has failed; the site is free all the same
   */
  CompletionStage<?> released();
}
