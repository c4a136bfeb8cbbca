package io.vnet.io.tun;

import io.vnet.io.loop.IslandLoop;

/** Which island sees the readiness of the next queue that is opened. */
@FunctionalInterface
public interface IslandChoice {
  /**
   * The next one.
   *
   * @param offload whether the queue's packets come with offloads
   */
  IslandLoop next(boolean offload);
}
