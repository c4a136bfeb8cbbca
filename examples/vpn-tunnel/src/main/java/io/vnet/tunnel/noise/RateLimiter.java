package io.vnet.tunnel.noise;

import io.vnet.api.address.IpAddress;

/**
 * How many handshake messages an address may send under load: 20 a second, 5 at once; of IPv6 a /64
 * counts as one. Bounded in memory: when it is full, new addresses are refused. Safe on any thread.
 */
@SuppressWarnings({
  "DoNotCallSuggester",
  "ObjectToString",
  "UnusedVariable"
}) // Until it is written.
public final class RateLimiter {
  /** For this many addresses. */
  public RateLimiter(int capacity) {
    throw new UnsupportedOperationException("" + capacity);
  }

  /**
   * Takes one message's share.
   *
   * @param now monotonic, in nanoseconds
   */
  public boolean isAllowed(IpAddress source, long now) {
    throw new UnsupportedOperationException();
  }
}
