package io.vnet.tunnel.core;

import org.jspecify.annotations.Nullable;

/**
 * The costly part of a handshake step, to be done away from the packets' thread. It touches nothing
 * of the core but what is safe on any thread.
 */
public interface HandshakeWork {
  /**
   * Does it, once, on any thread.
   *
   * @return what to hand to {@link TunnelCore#complete}; null: nothing, all is done and counted
   */
  @Nullable HandshakeResult run();

  /** It is not going to be done, or could not be: overwrites what secrets only it has. */
  default void erase() {}
}
