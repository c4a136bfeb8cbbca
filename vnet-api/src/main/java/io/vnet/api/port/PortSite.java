package io.vnet.api.port;

import io.vnet.api.epoch.Epoch;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * What a host gives a port to live in. Safe on any thread.
 *
 * @param island whose thread watches the port
 * @param epoch whose sections the port's calls are
 * @param gracePeriod runs what it is given, once, when everybody has left who was inside a section
 *     at the call, on a thread that may block. Never waits itself, and never refuses before the
 *     port is {@linkplain HostedPort#released released}
 */
public record PortSite(Island island, Epoch epoch, Consumer<Runnable> gracePeriod) {
  /** Nothing is missing. */
  public PortSite {
    Objects.requireNonNull(island, "island");
    Objects.requireNonNull(epoch, "epoch");
    Objects.requireNonNull(gracePeriod, "gracePeriod");
  }
}
