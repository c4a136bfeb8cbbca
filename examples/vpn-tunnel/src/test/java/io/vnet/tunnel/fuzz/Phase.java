package io.vnet.tunnel.fuzz;

/** Where a peer's life is when hostile datagrams come. */
enum Phase {
  /** Nothing has happened yet. */
  NO_SESSION,
  /** The tunnel has sent an initiation and waits for the response, which does not come. */
  INITIATED,
  /** The same, and a cookie has come. */
  INITIATED_WITH_COOKIE,
  /** The tunnel has answered an initiation; its keys have not been confirmed. */
  RESPONDED,
  /** There are keys of a handshake that the tunnel has begun. */
  ESTABLISHED_AS_INITIATOR,
  /** There are keys of a handshake that the peer has begun. */
  ESTABLISHED_AS_RESPONDER,
  /** There are keys, and the tunnel waits for the response to another initiation. */
  REKEYING_AS_INITIATOR,
  /** There are keys, and newer ones that have not been confirmed. */
  REKEYING_AS_RESPONDER,
  /** There are keys, and the former ones are still received under. */
  REKEYED,
  /** There are keys, and so many handshake messages that cookies are asked for. */
  UNDER_LOAD,
  /** The keys are too old. */
  EXPIRED,
  /** The tunnel is down. */
  DOWN,
  /** The private key was taken away; keys are still received under. */
  WITHOUT_PRIVATE_KEY
}
