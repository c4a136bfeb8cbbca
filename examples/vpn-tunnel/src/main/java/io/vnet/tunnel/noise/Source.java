package io.vnet.tunnel.noise;

import io.vnet.api.address.IpAddress;

/**
 * What counts as one source of handshake messages: an IPv4 address, mapped into IPv6 or not, or an
 * IPv6 /64.
 *
 * <p>Comparable, so that a bin of a map which somebody fills on purpose becomes a tree.
 */
record Source(boolean v6, long high, long low) implements Comparable<Source> {
  static Source of(IpAddress source) {
    IpAddress address = Cookies.reduced(source);
    return new Source(address.v6(), address.high(), address.v6() ? 0 : address.low());
  }

  @Override
  public int compareTo(Source other) {
    int byHigh = Long.compare(high, other.high);
    int byLow = byHigh == 0 ? Long.compare(low, other.low) : byHigh;
    return byLow == 0 ? Boolean.compare(v6, other.v6) : byLow;
  }
}
