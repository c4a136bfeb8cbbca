package io.vnet.tunnel.core;

import io.vnet.tunnel.crypto.TransportCipher;

/**
 * Transport keys of one peer, one for each direction, with the counter of one and the replay window
 * of the other.
 */
@SuppressWarnings({
  "DoNotCallSuggester",
  "ObjectToString",
  "UnusedVariable"
}) // Until it is written.
public final class Keypair {
  Keypair() {}

  /** Whose it is. */
  public Peer peer() {
    throw new UnsupportedOperationException();
  }

  /** What the other side knows it by: goes into each message that is sent. */
  public int remoteIndex() {
    throw new UnsupportedOperationException();
  }

  /** For what is sent. */
  public TransportCipher sendCipher() {
    throw new UnsupportedOperationException();
  }

  /** For what is received. */
  public TransportCipher receiveCipher() {
    throw new UnsupportedOperationException();
  }

  /**
   * Takes the counter of the next message.
   *
   * @return unsigned; {@code REJECT_AFTER_MESSAGES} (which is negative as a signed number, as is
   *     every counter of 2^63 and beyond) if none is left
   */
  public long takeCounter() {
    throw new UnsupportedOperationException();
  }

  /** Whether messages under it are still received at this time. */
  public boolean isReceivable(long now) {
    throw new UnsupportedOperationException("" + now);
  }

  /** Takes the counter of an authentic message into the window; false: it came before. */
  public boolean accept(long counter) {
    throw new UnsupportedOperationException("" + counter);
  }
}
