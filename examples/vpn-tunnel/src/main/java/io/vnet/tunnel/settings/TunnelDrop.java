package io.vnet.tunnel.settings;

/**
 * Why a datagram or a packet went nowhere. Every one that the tunnel takes is passed on or counted.
 */
public enum TunnelDrop {
  /** A datagram of no type, or not of its type's length. */
  MALFORMED,
  /** A message for an index that nobody has, or has not for this. */
  UNKNOWN_INDEX,
  /** A transport message under keys that are too old or used up. */
  EXPIRED_KEY,
  /** A transport message that is not authentic. */
  BAD_TAG,
  /** A transport message that came before, or far too late. */
  REPLAY,
  /** An authentic message whose text is no IP packet. */
  BAD_INNER,
  /** An authentic packet from an address that is not its peer's. */
  DISALLOWED_SOURCE,
  /** A handshake message, while too many were waiting. */
  HANDSHAKE_QUEUE_FULL,
  /** A handshake message by somebody who does not know the public key. */
  BAD_MAC1,
  /** A handshake message that was answered with a cookie, under load. */
  COOKIE_SENT,
  /** A handshake message beyond what its address may send, under load. */
  RATE_LIMITED,
  /** A handshake message that is not authentic. */
  BAD_HANDSHAKE,
  /** An initiation by somebody who is no peer. */
  UNKNOWN_PEER,
  /** An initiation that is not newer than the last one. */
  INITIATION_REPLAY,
  /** An initiation too soon after the last one. */
  INITIATION_FLOOD,
  /** A cookie reply that fits nothing, or is not authentic. */
  BAD_COOKIE,
  /** A packet from inside that is no IP packet. */
  BAD_OUTGOING,
  /** A packet from inside whose destination is no peer's. */
  NO_PEER,
  /** A packet from inside that waited while newer ones came and there was no more room. */
  STAGED_OVERFLOW,
  /** Packets that waited when a handshake was given up, keys were erased or the peer went away. */
  STAGED_DROPPED,
  /** A message for a peer whose endpoint nobody knows. */
  NO_ENDPOINT,
  /** A message that the outside port did not pass on. */
  SEND_FAILED,
  /** A packet that the inside port did not pass on. */
  DELIVER_FAILED
}
