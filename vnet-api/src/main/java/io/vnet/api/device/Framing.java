package io.vnet.api.device;

/**
 * What stands before each packet on the handle of a tun.
 *
 * <p>Source: if_tuntap specification, sections 2.1, 4.8 and 7; tun(4), TUNSLMODE and TUNSIFHEAD.
 */
public enum Framing {
  /** Nothing: the version of the IP packet says its family. */
  NONE,
  /**
   * On packets that are read, the destination as a BSD socket address: 16 bytes for IPv4 (length,
   * family 2, port 0, address, 8 zero bytes), 28 for IPv6 (length, family 28, port 0, flow 0,
   * address, scope 0). On packets that are written, nothing. FreeBSD's LMODE.
   */
  DESTINATION,
  /**
   * The address family both ways, 4 bytes, big-endian: 2 for IPv4, 28 for IPv6, as FreeBSD numbers
   * them. FreeBSD's IFHEAD.
   */
  FAMILY
}
