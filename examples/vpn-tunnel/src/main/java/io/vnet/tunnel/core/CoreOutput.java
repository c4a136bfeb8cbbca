package io.vnet.tunnel.core;

import io.vnet.api.address.Endpoint;

/**
 * Where the core's decisions go. Called on the core's thread, within a call of the core; must not
 * call the core again before that has returned.
 */
public interface CoreOutput {
  /**
   * Sends a handshake message or cookie reply.
   *
   * @param message is given away
   */
  void send(byte[] message, Endpoint to);

  /** Does a work, elsewhere or later, and hands its result to {@link TunnelCore#complete}. */
  void work(HandshakeWork work);

  /**
   * The peer has staged packets or a keepalive to send and may send now: takes them by {@link
   * Peer#takeKeepalive} and {@link Peer#pollStaged}, once this call of the core has returned and
   * before anything else is sent to the peer.
   */
  void flush(Peer peer);

  /**
   * The peer's {@link Peer#deadline} is earlier than what was told of last, or that moment has
   * come. A deadline that is put off or cancelled is not told of: whoever looks at the moment he
   * was told finds it later, or {@code expire} finds nothing to do. A deadline that has come
   * already, which is how a handshake is begun, is to be served before waiting for anything.
   */
  void deadline(Peer peer);

  /** A peer was made. */
  void added(Peer peer);

  /** A peer is gone; nothing of it may be used any more. */
  void removed(Peer peer);
}
