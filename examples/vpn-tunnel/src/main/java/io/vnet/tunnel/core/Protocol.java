package io.vnet.tunnel.core;

/** Times, in nanoseconds, and limits of the protocol (its paper's section 6.1). */
final class Protocol {
  static final long SECOND = 1_000_000_000L;

  /** A keypair's counter beyond which a new handshake is wanted. */
  static final long REKEY_AFTER_MESSAGES = 1L << 60;

  /** Age of a keypair from which its initiator wants a new one when he sends. */
  static final long REKEY_AFTER_TIME = 120 * SECOND;

  /** Age of a keypair from which it is not used any more. */
  static final long REJECT_AFTER_TIME = 180 * SECOND;

  /** Least time between two handshake messages to a peer; before a retransmission. */
  static final long REKEY_TIMEOUT = 5 * SECOND;

  /** Greatest jitter of a timer. */
  static final long JITTER_MAX = 333_000_000L;

  /** Retransmissions before an initiator gives up: 90 s in steps of 5 s, one more is made. */
  static final int ATTEMPTS_MAX = 18;

  /** Silence after which data is answered by a keepalive. */
  static final long KEEPALIVE_TIMEOUT = 10 * SECOND;

  /** Age from which an initiator that only receives wants a new keypair. */
  static final long LAST_MINUTE = REJECT_AFTER_TIME - KEEPALIVE_TIMEOUT - REKEY_TIMEOUT;

  /** Time without new keys after which all are erased. */
  static final long ERASE_AFTER_TIME = 3 * REJECT_AFTER_TIME;

  /** Life of the secret that a loaded side makes cookies with. */
  static final long COOKIE_SECRET_TIME = 120 * SECOND;

  /** How long the other side uses a cookie: less, so that it is not refused on the way. */
  static final long COOKIE_TIME = 115 * SECOND;

  /** Least time between two initiations that are taken from a peer. */
  static final long INITIATION_INTERVAL = SECOND / 50;

  /** How long a handshake message may take to be made before it counts as lost. */
  static final long LOST_AFTER_TIME = 30 * SECOND;

  /** How long load lasts after it was last seen. */
  static final long UNDER_LOAD_AFTER = SECOND;

  private Protocol() {}
}
