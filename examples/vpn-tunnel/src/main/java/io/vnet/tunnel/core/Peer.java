package io.vnet.tunnel.core;

import io.vnet.api.address.Endpoint;
import io.vnet.api.packet.Packet;
import io.vnet.tunnel.key.PublicKey;
import org.jspecify.annotations.Nullable;

/**
 * The other end: its handshake, keypair slots, timers, endpoint and staged packets. Times are
 * monotonic, in nanoseconds.
 *
 * <p><b>Sending</b> a batch's packets for one peer: {@link #beginSending}; a keypair: one {@link
 * Keypair#takeCounter} a packet, then {@link #sent} once; none: {@link #stage} each packet.
 *
 * <p><b>Receiving</b> messages one after the other under one keypair from one endpoint: each is
 * opened and {@linkplain Keypair#accept accepted}, then {@link #received} once.
 */
@SuppressWarnings({
  "DoNotCallSuggester",
  "ObjectToString",
  "UnusedVariable"
}) // Until it is written.
public final class Peer {
  Peer() {}

  /** Its name. */
  public PublicKey publicKey() {
    throw new UnsupportedOperationException();
  }

  /** Where it is; null: nobody knows yet. */
  public @Nullable Endpoint endpoint() {
    throw new UnsupportedOperationException();
  }

  /**
   * The keypair to send under now.
   *
   * @return null: there is none that may be used, or no endpoint: stage
   */
  public @Nullable Keypair beginSending(long now) {
    throw new UnsupportedOperationException("" + now);
  }

  /**
   * Says that messages under the current keypair were handed to the outside port.
   *
   * @param bytes of UDP payload
   * @param data whether one at least was no keepalive
   */
  public void sent(long now, long bytes, boolean data) {
    throw new UnsupportedOperationException("" + now + bytes + data);
  }

  /**
   * Says that authentic, accepted messages came; before their packets are passed on.
   *
   * @param keypair under which
   * @param from where the last of them came from
   * @param bytes of UDP payload
   * @param data whether one at least was no keepalive
   */
  public void received(long now, Keypair keypair, Endpoint from, long bytes, boolean data) {
    throw new UnsupportedOperationException("" + now + keypair + from + bytes + data);
  }

  /** Keeps a packet, finished and not padded, until it can be sent, and wants a handshake. */
  public void stage(Packet packet, long now) {
    throw new UnsupportedOperationException("" + packet + now);
  }

  /**
   * The next staged packet; it may be an empty one, which is a keepalive.
   *
   * @return null: there is none
   */
  public @Nullable Packet pollStaged() {
    throw new UnsupportedOperationException();
  }

  /** When {@link TunnelCore#expire} is to be called for it; {@link Long#MAX_VALUE}: not at all. */
  public long deadline() {
    throw new UnsupportedOperationException();
  }
}
