package io.vnet.tunnel.core;

import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.crypto.TransportCipher;
import io.vnet.tunnel.noise.TransportKeys;

/**
 * Transport keys of one peer, one for each direction, with the counter of one and the replay window
 * of the other.
 *
 * <p><b>Owner:</b> the core's thread. A keypair that leaves its peer's slots is erased at once, and
 * it may do so in every call of the core but {@code beginSending}, {@code sent}, {@code stage} and
 * the lookups. So nobody keeps one beyond such a call: it is looked up again by its index, or asked
 * for by {@link Peer#beginSending}.
 *
 * <p><b>Cost:</b> no method allocates or takes a lock; {@code takeCounter} is an addition, {@code
 * accept} reads and writes one word of a ring of 1 KiB.
 */
public final class Keypair {
  /** The counter from which on none may be used; unsigned, 2^64 - 2^13 - 1. */
  public static final long REJECT_AFTER_MESSAGES = 0xFFFF_FFFF_FFFF_DFFFL;

  private final Peer peer;
  private final TransportCipher sendCipher;
  private final TransportCipher receiveCipher;
  private final int localIndex;
  private final int remoteIndex;
  private final boolean initiator;
  private final long birth;
  private final ReplayWindow window = new ReplayWindow();
  private long nextCounter;
  private boolean retired;

  private Keypair(
      Peer peer,
      TransportCipher sendCipher,
      TransportCipher receiveCipher,
      TransportKeys keys,
      boolean initiator,
      long birth) {
    this.peer = peer;
    this.sendCipher = sendCipher;
    this.receiveCipher = receiveCipher;
    this.localIndex = keys.localIndex();
    this.remoteIndex = keys.remoteIndex();
    this.initiator = initiator;
    this.birth = birth;
  }

  /**
   * Makes one of a finished handshake.
   *
   * @param keys are erased
   * @param initiator whether this side initiated the handshake
   */
  static Keypair of(Crypto crypto, Peer peer, TransportKeys keys, boolean initiator, long now) {
    try {
      TransportCipher send = crypto.transportCipher(keys.send());
      TransportCipher receive;
      try {
        receive = crypto.transportCipher(keys.receive());
      } catch (RuntimeException e) {
        send.close();
        throw e;
      }
      return new Keypair(peer, send, receive, keys, initiator, now);
    } finally {
      keys.erase();
    }
  }

  /** Whose it is. */
  public Peer peer() {
    return peer;
  }

  /** What the other side knows it by: goes into each message that is sent. */
  public int remoteIndex() {
    return remoteIndex;
  }

  /** For what is sent. */
  public TransportCipher sendCipher() {
    return sendCipher;
  }

  /** For what is received. */
  public TransportCipher receiveCipher() {
    return receiveCipher;
  }

  /**
   * Takes the counter of the next message.
   *
   * @return unsigned; {@link #REJECT_AFTER_MESSAGES} (which is negative as a signed number, as is
   *     every counter of 2^63 and beyond) if none is left
   */
  public long takeCounter() {
    long counter = nextCounter;
    if (Long.compareUnsigned(counter, REJECT_AFTER_MESSAGES) < 0) {
      nextCounter = counter + 1;
    }
    return counter;
  }

  /** Whether messages under it are still received at this time. */
  public boolean isReceivable(long now) {
    return now - birth < Protocol.REJECT_AFTER_TIME;
  }

  /** Takes the counter of an authentic message into the window; false: it came before. */
  public boolean accept(long counter) {
    return window.accept(counter);
  }

  int localIndex() {
    return localIndex;
  }

  boolean isSendable(long now) {
    return !retired
        && now - birth < Protocol.REJECT_AFTER_TIME
        && Long.compareUnsigned(nextCounter, REJECT_AFTER_MESSAGES) < 0;
  }

  /** Whether, after sending under it, a new one is due. */
  boolean isUsedUp(long now) {
    return Long.compareUnsigned(nextCounter, Protocol.REKEY_AFTER_MESSAGES) > 0
        || (initiator && now - birth >= Protocol.REKEY_AFTER_TIME);
  }

  /** Whether, after receiving, a new one is due although nothing is sent. */
  boolean isInLastMinute(long now) {
    return initiator && now - birth >= Protocol.LAST_MINUTE;
  }

  /** Nothing is sent under it any more; receiving goes on. */
  void retire() {
    retired = true;
  }

  /** For tests of what happens near the counter's ends. */
  void setNextCounter(long counter) {
    nextCounter = counter;
  }

  /** Overwrites the keys. */
  void erase() {
    retired = true;
    sendCipher.close();
    receiveCipher.close();
  }
}
