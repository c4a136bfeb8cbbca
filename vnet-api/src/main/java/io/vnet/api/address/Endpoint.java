package io.vnet.api.address;

import java.util.Objects;
import java.util.Optional;

/**
 * Where a datagram goes to or came from: an IP address, a UDP port and, where that matters, the
 * way.
 *
 * @param address of the other side
 * @param port 0 to 65535
 * @param scopeId the interface index (RFC 4007's zone) that a link-local IPv6 address belongs to,
 *     as an unsigned number; 0: none, as for IPv4
 * @param source the own address and interface that datagrams from there arrived at and answers
 *     leave by; empty: the kernel chooses
 */
public record Endpoint(IpAddress address, int port, int scopeId, Optional<Source> source) {
  private static final int PORT_MAX = 65535;

  /**
   * The own side of a way.
   *
   * @param address of this host, of the other side's family
   * @param interfaceIndex the interface; 0: whichever the route says
   */
  public record Source(IpAddress address, int interfaceIndex) {
    /** Refuses a negative index. */
    public Source {
      if (interfaceIndex < 0) {
        throw new IllegalArgumentException("an interface index is not negative: " + interfaceIndex);
      }
    }
  }

  /** Refuses a port out of range, a scope of IPv4 and a source of another family. */
  public Endpoint {
    Objects.requireNonNull(source, "source");
    if (port < 0 || port > PORT_MAX) {
      throw new IllegalArgumentException("a port is 0 to 65535, not " + port);
    }
    if (scopeId != 0 && !address.v6()) {
      throw new IllegalArgumentException(address + " has no scope: it is IPv4");
    }
    if (source.isPresent() && source.get().address().v6() != address.v6()) {
      throw new IllegalArgumentException(
          "from " + source.get().address() + " to " + address + ": two address families");
    }
  }

  /** One without scope and source. */
  public static Endpoint of(IpAddress address, int port) {
    return new Endpoint(address, port, 0, Optional.empty());
  }

  /**
   * Parses {@code 192.0.2.1:51820}, {@code [2001:db8::1]:51820} or {@code [fe80::1%2]:51820}, where
   * 2 is an interface index: names of interfaces belong to a network namespace and are not looked
   * up.
   *
   * @throws IllegalArgumentException naming the text
   */
  public static Endpoint parse(String text) {
    int colon = text.lastIndexOf(':');
    boolean bracketed = text.startsWith("[");
    int addressEnd = bracketed ? text.indexOf(']') : colon;
    if (colon < 0 || addressEnd < 0 || (bracketed && addressEnd != colon - 1)) {
      throw bad(text, "ADDRESS:PORT or [IPV6]:PORT is needed");
    }
    String address = text.substring(bracketed ? 1 : 0, addressEnd);
    if (!bracketed && address.indexOf(':') >= 0) {
      throw bad(text, "an IPv6 address stands in brackets");
    }
    if (bracketed && address.indexOf(':') < 0) {
      throw bad(text, "only an IPv6 address stands in brackets");
    }
    int zone = address.indexOf('%');
    long scope =
        zone < 0 ? 0 : number(text, address.substring(zone + 1), 0xFFFF_FFFFL, "interface index");
    IpAddress parsed;
    try {
      parsed = IpAddress.parse(zone < 0 ? address : address.substring(0, zone));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("'" + text + "' is no endpoint: " + e.getMessage(), e);
    }
    if (zone >= 0 && !parsed.v6()) {
      throw bad(text, "IPv4 has no zone");
    }
    int port = (int) number(text, text.substring(colon + 1), PORT_MAX, "port");
    return new Endpoint(parsed, port, (int) scope, Optional.empty());
  }

  private static long number(String text, String digits, long max, String what) {
    boolean decimal =
        !digits.isEmpty()
            && digits.length() <= 10
            && digits.chars().allMatch(c -> c >= '0' && c <= '9');
    long value = decimal ? Long.parseLong(digits) : -1;
    if (value < 0 || value > max) {
      throw bad(text, "'" + digits + "' is no " + what);
    }
    return value;
  }

  private static IllegalArgumentException bad(String text, String why) {
    return new IllegalArgumentException("'" + text + "' is no endpoint: " + why);
  }

  /** The same that leaves by this address and interface. */
  public Endpoint withSource(Source newSource) {
    return new Endpoint(address, port, scopeId, Optional.of(newSource));
  }

  /** The same whose way the kernel chooses. */
  public Endpoint withoutSource() {
    return source.isEmpty() ? this : new Endpoint(address, port, scopeId, Optional.empty());
  }

  /** What {@link #parse} takes; the source is not in it. */
  @Override
  public String toString() {
    return address.v6()
        ? "["
            + address
            + (scopeId == 0 ? "" : "%" + Integer.toUnsignedString(scopeId))
            + "]:"
            + port
        : address + ":" + port;
  }
}
