package io.vnet.tunnel.settings;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Names of the interfaces that the zones of link-local endpoints stand for (RFC 4007, section 11).
 * They belong to the network namespace that the tunnel's sockets are in.
 */
public interface ZoneNames {
  /** The index of an interface, not 0; empty if there is none of this name. */
  OptionalInt index(String name);

  /** The name of an interface; empty if there is none with this index. */
  Optional<String> name(int index);

  /**
   * The endpoint at an address that may have a zone.
   *
   * @param address a literal: IPv4, or IPv6 without brackets; a zone behind "%" is a name of an
   *     interface or else a number
   * @throws IllegalArgumentException if it is no literal, or there is no such interface
   */
  default Endpoint endpoint(String address, int port) {
    int percent = address.indexOf('%');
    IpAddress parsed = IpAddress.parse(percent < 0 ? address : address.substring(0, percent));
    if (percent < 0) {
      return Endpoint.of(parsed, port);
    }
    String zone = address.substring(percent + 1);
    OptionalInt index = index(zone);
    if (index.isEmpty() && zone.matches("[1-9][0-9]{0,8}")) {
      index = OptionalInt.of(Integer.parseInt(zone));
    }
    if (index.isEmpty()) {
      throw new IllegalArgumentException("there is no interface '" + zone + "'");
    }
    return new Endpoint(parsed, port, index.getAsInt(), Optional.empty());
  }

  /** The text of an endpoint, with the zone's name instead of its index if it has one. */
  default String text(Endpoint endpoint) {
    Optional<String> zone = endpoint.scopeId() == 0 ? Optional.empty() : name(endpoint.scopeId());
    return zone.isEmpty()
        ? endpoint.toString()
        : "[" + endpoint.address() + "%" + zone.get() + "]:" + endpoint.port();
  }

  /** Those of the calling thread's namespace. */
  static ZoneNames ofThisProcess() {
    return new ZoneNames() {
      @Override
      public OptionalInt index(String name) {
        try {
          NetworkInterface device = name.isEmpty() ? null : NetworkInterface.getByName(name);
          return device == null || device.getIndex() <= 0
              ? OptionalInt.empty()
              : OptionalInt.of(device.getIndex());
        } catch (SocketException e) {
          // It is gone, or interfaces cannot be listed: either way the name says nothing.
          return OptionalInt.empty();
        }
      }

      @Override
      public Optional<String> name(int index) {
        try {
          return index <= 0
              ? Optional.empty()
              : Optional.ofNullable(NetworkInterface.getByIndex(index))
                  .map(NetworkInterface::getName);
        } catch (SocketException e) {
          return Optional.empty();
        }
      }
    };
  }
}
