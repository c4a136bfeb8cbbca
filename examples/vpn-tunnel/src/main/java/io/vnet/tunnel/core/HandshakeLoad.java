package io.vnet.tunnel.core;

import org.jspecify.annotations.Nullable;

/**
 * Whether so many handshake messages wait that their senders have to show first, by a cookie, that
 * they are where they say; and the secret that cookies are made of, which changes with time.
 *
 * <p>Source: the WireGuard paper, section 5.3.
 */
final class HandshakeLoad {
  private static final int SECRET_BYTES = 32;

  private final Entropy entropy;
  private final int waitingUnderLoad;
  private boolean wasLoaded;
  private long lastLoaded;
  private byte @Nullable [] secret;
  private long secretMade;

  /**
   * @param entropy for secrets
   * @param waitingUnderLoad how many waiting messages are load
   */
  HandshakeLoad(Entropy entropy, int waitingUnderLoad) {
    this.entropy = entropy;
    this.waitingUnderLoad = waitingUnderLoad;
  }

  /**
   * What load asks for; null: there is none, and has not been for a while.
   *
   * @param waiting messages
   */
  HandshakeWorks.@Nullable Load at(long now, int waiting) {
    if (waiting >= waitingUnderLoad) {
      wasLoaded = true;
      lastLoaded = now;
    }
    if (!wasLoaded || now - lastLoaded >= Protocol.UNDER_LOAD_AFTER) {
      wasLoaded = false;
      return null;
    }
    byte[] held = secret;
    if (held == null || now - secretMade >= Protocol.COOKIE_SECRET_TIME) {
      held = new byte[SECRET_BYTES];
      entropy.fill(held);
      secret = held;
      secretMade = now;
    }
    return new HandshakeWorks.Load(held, now);
  }

  /** The next cookies are of another secret. */
  void forgetSecret() {
    secret = null;
  }
}
