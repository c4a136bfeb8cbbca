package io.vnet.tunnel.fuzz;

import io.vnet.tunnel.core.Keypair;
import io.vnet.tunnel.core.Peer;
import java.util.HashSet;
import java.util.Set;

/**
 * Keys that a far end can send under, and which of their counters the tunnel must have taken: a
 * window as slow as it is plain.
 */
final class Session {
  private static final long WINDOW = 8128;

  private final FarEnd sender;
  private final Keypair keypair;
  private final Peer receiver;
  private final Set<Long> taken = new HashSet<>();
  private long greatest;
  private long next;

  /**
   * @param receiver whose the keys are at the tunnel
   */
  Session(FarEnd sender, Keypair keypair, Peer receiver) {
    this.sender = sender;
    this.keypair = keypair;
    this.receiver = receiver;
  }

  FarEnd sender() {
    return sender;
  }

  Keypair keypair() {
    return keypair;
  }

  Peer receiver() {
    return receiver;
  }

  /** The greatest counter that was taken; unsigned. */
  long greatest() {
    return greatest;
  }

  /** The next one in order. */
  long takeNext() {
    return next++;
  }

  /** Goes on from here. */
  void jumpTo(long counter) {
    next = counter;
  }

  /** Whether the tunnel has to take an authentic message with this counter; then it has. */
  boolean accept(long counter) {
    boolean ahead = Long.compareUnsigned(counter, greatest) > 0;
    if ((!ahead && Long.compareUnsigned(greatest - counter, WINDOW) > 0) || !taken.add(counter)) {
      return false;
    }
    if (ahead) {
      greatest = counter;
    }
    return true;
  }
}
