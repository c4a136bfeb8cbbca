package io.vnet.tunnel.config;

/**
 * Where a peer is reached, as it is written: a name or an address, and a port.
 *
 * @param line where it stands, from 1
 * @param host a name, an IPv4 address, or an IPv6 address without brackets, perhaps with a zone
 * @param port 0 to 65535
 */
public record EndpointName(int line, String host, int port) {
  /** Whether the host is an address, so that nobody has to be asked. */
  public boolean isLiteral() {
    return host.indexOf(':') >= 0 || host.matches("[0-9.]+");
  }

  /** As it is written. */
  @Override
  public String toString() {
    return host.indexOf(':') < 0 ? host + ":" + port : "[" + host + "]:" + port;
  }
}
