package io.vnet.tunnel.core;

/**
 * What a {@link HandshakeWork} came to; only the core looks into it. One owner: it is handed to
 * {@link TunnelCore#complete}, or erased.
 */
public sealed interface HandshakeResult
    permits HandshakeWorks.CookieReply,
        HandshakeWorks.InitiationConsumed,
        HandshakeWorks.ResponseMade,
        HandshakeWorks.InitiationMade,
        HandshakeWorks.HandshakeFinished,
        HandshakeWorks.CookieWon {
  /** It goes to no core: overwrites the keys and secrets in it. */
  default void erase() {}
}
