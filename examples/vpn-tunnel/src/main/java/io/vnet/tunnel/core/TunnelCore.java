package io.vnet.tunnel.core;

import io.vnet.api.address.Endpoint;
import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.settings.TunnelStatus;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** The protocol of one tunnel. See the package for threads. */
@SuppressWarnings({
  "DoNotCallSuggester",
  "ObjectToString",
  "UnusedVariable"
}) // Until it is written.
public final class TunnelCore {
  /**
   * @param crypto whose primitives are used
   * @param entropy for keys, indices and jitter
   * @param output where decisions go
   */
  public TunnelCore(Crypto crypto, Entropy entropy, CoreOutput output) {
    throw new UnsupportedOperationException("" + crypto + entropy + output);
  }

  /**
   * Applies a change but for port and mark, which are the caller's; he has taken care of what can
   * fail before.
   *
   * @param now monotonic, in nanoseconds, as everywhere here
   */
  public void change(TunnelChange change, long now) {
    throw new UnsupportedOperationException("" + change + now);
  }

  /** All but port and mark, which are the caller's and 0 here. */
  public TunnelStatus status() {
    throw new UnsupportedOperationException();
  }

  /** Starts the peers: the outside port is open. */
  public void up(long now) {
    throw new UnsupportedOperationException("" + now);
  }

  /** Stops the peers: keys are erased, staged packets dropped, timers off. */
  public void down(long now) {
    throw new UnsupportedOperationException("" + now);
  }

  /** The outside port was opened anew: own addresses in endpoints are forgotten. */
  public void outsideChanged() {
    throw new UnsupportedOperationException();
  }

  /** What went nowhere; safe on any thread. */
  public Drops drops() {
    throw new UnsupportedOperationException();
  }

  /** A message of type 1, 2 or 3 and of its right length, which is given away. */
  public void handshake(byte[] message, Endpoint from, long now, long unixNanos) {
    throw new UnsupportedOperationException("" + message.length + from + now + unixNanos);
  }

  /** What a work came to. */
  public void complete(HandshakeResult result, long now, long unixNanos) {
    throw new UnsupportedOperationException("" + result + now + unixNanos);
  }

  /** A peer's deadline has come; too early does no harm. */
  public void expire(Peer peer, long now, long unixNanos) {
    throw new UnsupportedOperationException("" + peer + now + unixNanos);
  }

  /** The keypair that one's own index names; null: none. Whether it is of use is its to say. */
  public @Nullable Keypair keypair(int localIndex) {
    throw new UnsupportedOperationException("" + localIndex);
  }

  /** Whose the destination of an IP packet is; null: nobody's, or no IP packet. */
  public @Nullable Peer byDestination(MemorySegment segment, long offset, int length) {
    throw new UnsupportedOperationException("" + segment + offset + length);
  }

  /** Whose the source of an IP packet is; null: nobody's, or no IP packet. */
  public @Nullable Peer bySource(MemorySegment segment, long offset, int length) {
    throw new UnsupportedOperationException("" + segment + offset + length);
  }
}
