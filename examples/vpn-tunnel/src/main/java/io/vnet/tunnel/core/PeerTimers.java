package io.vnet.tunnel.core;

/**
 * A peer's one-shot timers as moments, {@link #OFF} if not armed. Arming and cancelling is the
 * writing of a field; nobody is told but when the earliest moment becomes earlier than the one that
 * was announced last, or that one has come. An announced moment that has been cancelled or put off
 * meanwhile is found out when it comes: then nothing is due, and the next one is announced.
 *
 * <p><b>Owner:</b> the core's thread.
 */
final class PeerTimers {
  static final long OFF = Long.MAX_VALUE;

  /** A handshake is to be begun, at once: so that this happens where the wall clock is known. */
  long beginHandshake = OFF;

  /** Of the protocol: {@code retransmitHandshake}. */
  long retransmit = OFF;

  /** {@code sendKeepalive}. */
  long keepalive = OFF;

  /** {@code newHandshake}. */
  long newHandshake = OFF;

  /** {@code zeroKeyMaterial}. */
  long zeroKeys = OFF;

  /** {@code persistentKeepalive}. */
  long persistentKeepalive = OFF;

  /** The moment that was announced last; {@link #OFF}: none. */
  long announced = OFF;

  long earliest() {
    return Math.min(
        Math.min(Math.min(beginHandshake, retransmit), Math.min(keepalive, newHandshake)),
        Math.min(zeroKeys, persistentKeepalive));
  }

  void cancelAll() {
    beginHandshake = OFF;
    retransmit = OFF;
    keepalive = OFF;
    newHandshake = OFF;
    zeroKeys = OFF;
    persistentKeepalive = OFF;
  }
}
