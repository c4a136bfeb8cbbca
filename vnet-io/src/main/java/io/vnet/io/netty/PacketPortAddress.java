package io.vnet.io.netty;

import java.net.SocketAddress;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Names the port of a channel: {@code tun3}, {@code tun3/network}. A value. */
public final class PacketPortAddress extends SocketAddress {
  private static final long serialVersionUID = 1;

  private final String port;

  PacketPortAddress(String port) {
    this.port = Objects.requireNonNull(port, "port");
  }

  /** The port's name. */
  public String port() {
    return port;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof PacketPortAddress address && address.port.equals(port);
  }

  @Override
  public int hashCode() {
    return port.hashCode();
  }

  /** The port's name. */
  @Override
  public String toString() {
    return port;
  }
}
