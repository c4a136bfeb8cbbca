package io.vnet.api.device;

import io.vnet.api.address.IpPrefix;
import io.vnet.api.address.MacAddress;

/**
 * What an administrator can change about the interface end of a device, open or not. The errors are
 * those of an in-memory device; of a host device's the kernel decides, and it has neither {@link
 * Link0} nor {@link Promiscuous} nor {@link Monitor} here: EOPNOTSUPP.
 *
 * <p>Source: if_tuntap specification, sections 4.9 and 7.4.
 */
public sealed interface InterfaceChange {
  /**
   * Up or down. Going down drops what waits for the reader; the reader stays. A host's kernel also
   * takes the interface's routes and IPv6 addresses away.
   */
  record Up(boolean up) implements InterfaceChange {}

  /** The MTU in bytes: EINVAL outside 72..65535. */
  record Mtu(int bytes) implements InterfaceChange {}

  /** The hardware address: EINVAL on a tun, or for a group address. */
  record Mac(MacAddress address) implements InterfaceChange {}

  /**
   * One more address: EEXIST if it is there. The first one brings the interface up, but not one in
   * a host's kernel.
   */
  record AddAddress(IpPrefix prefix) implements InterfaceChange {}

  /** One address less: EADDRNOTAVAIL if it is not there. */
  record RemoveAddress(IpPrefix prefix) implements InterfaceChange {}

  /** Whether a tap keeps its configuration over a close (IFF_LINK0). */
  record Link0(boolean on) implements InterfaceChange {}

  /** Whether a tap or vmnet takes frames for others (IFF_PROMISC). */
  record Promiscuous(boolean on) implements InterfaceChange {}

  /** Whether a tap or vmnet only counts (IFF_MONITOR). */
  record Monitor(boolean on) implements InterfaceChange {}
}
