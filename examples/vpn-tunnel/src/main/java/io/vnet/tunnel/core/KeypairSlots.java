package io.vnet.tunnel.core;

import org.jspecify.annotations.Nullable;

/**
 * The keypairs of a peer: the one to send under, the one before it, whose late messages are still
 * taken, and the next one, which is not sent under before the other side has shown that it has it.
 *
 * <p><b>Invariant:</b> one that leaves its slot is erased, and its index names it no longer.
 *
 * <p>Source: the WireGuard paper, section 6.
 */
final class KeypairSlots {
  private final IndexTable indexes;
  private @Nullable Keypair previous;
  private @Nullable Keypair current;
  private @Nullable Keypair next;

  KeypairSlots(IndexTable indexes) {
    this.indexes = indexes;
  }

  @Nullable Keypair previous() {
    return previous;
  }

  @Nullable Keypair current() {
    return current;
  }

  @Nullable Keypair next() {
    return next;
  }

  /** Takes one of a handshake that this side initiated: it is sent under at once. */
  void becomeCurrent(Keypair keypair) {
    if (next != null) {
      erase(previous);
      erase(current);
      previous = next;
      next = null;
    } else {
      erase(previous);
      previous = current;
    }
    current = keypair;
  }

  /** Takes one of a handshake that the other side initiated. */
  void becomeNext(Keypair keypair) {
    erase(next);
    erase(previous);
    previous = null;
    next = keypair;
  }

  /**
   * A message came under a keypair.
   *
   * @return whether it was the next one: now it is sent under
   */
  boolean confirm(Keypair keypair) {
    if (keypair != next) {
      return false;
    }
    erase(previous);
    previous = current;
    current = keypair;
    next = null;
    return true;
  }

  /** Nothing more is sent under them; what comes under them is still taken. */
  void retire() {
    if (current != null) {
      current.retire();
    }
    if (next != null) {
      next.retire();
    }
  }

  void eraseAll() {
    erase(previous);
    erase(current);
    erase(next);
    previous = null;
    current = null;
    next = null;
  }

  private void erase(@Nullable Keypair keypair) {
    if (keypair != null) {
      indexes.remove(keypair.localIndex(), keypair);
      keypair.erase();
    }
  }
}
