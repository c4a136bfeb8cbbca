package io.vnet.tunnel.core;

/** What a {@link HandshakeWork} came to; only the core looks into it. Immutable. */
public interface HandshakeResult {}
