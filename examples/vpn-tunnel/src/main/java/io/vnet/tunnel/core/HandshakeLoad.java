package io.vnet.tunnel.core;

import io.vnet.api.address.IpAddress;
import io.vnet.tunnel.noise.SourceShares;
import org.jspecify.annotations.Nullable;

/**
 * Whether so many handshake messages wait that their senders have to show first, by a cookie, that
 * they are where they say; the secret that cookies are made of, which changes with time; and the
 * share that each source has of what is looked at meanwhile.
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

  /** Made when there is load for the first time. */
  private @Nullable SourceShares shares;

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

  /** Takes one message's part of its source's share of the looking; false: there is none left. */
  boolean hasShare(IpAddress source, HandshakeWorks.Load load) {
    SourceShares known = shares;
    if (known == null) {
      known = new SourceShares(entropy.nextLong(), load.now());
      shares = known;
    }
    return known.take(source, load.now());
  }

  /** It goes on: shares bound the queue, so what they keep away is load, too. */
  void goesOn(HandshakeWorks.Load load) {
    lastLoaded = load.now();
  }

  /** The next cookies are of another secret. */
  void forgetSecret() {
    secret = null;
  }
}
