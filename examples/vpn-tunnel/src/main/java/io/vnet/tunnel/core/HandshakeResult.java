package io.vnet.tunnel.core;

/** What a {@link HandshakeWork} came to; only the core looks into it. Immutable. */
public sealed interface HandshakeResult
    permits HandshakeWorks.CookieReply,
        HandshakeWorks.InitiationConsumed,
        HandshakeWorks.ResponseMade,
        HandshakeWorks.InitiationMade,
        HandshakeWorks.HandshakeFinished,
        HandshakeWorks.CookieWon {}
