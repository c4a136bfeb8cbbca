package io.vnet.io.netlink;

import io.vnet.api.address.MacAddress;
import io.vnet.api.device.DriverKind;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A network interface as the kernel showed it.
 *
 * @param index the kernel's number for it, at least 1; stays through a rename, and is not given to
 *     another interface soon
 * @param name at most 15 bytes
 * @param kind what made it: {@code tun} (tap too), {@code veth}, {@code bridge}, {@code dummy};
 *     empty: the loopback or hardware
 * @param loopback whether it is a loopback interface
 * @param up administratively up
 * @param carrier whether something is at the other end
 * @param mtu in bytes
 * @param mac empty if it has none of six bytes, as a tun
 * @param alias a text for people; may be empty
 * @param master the index of the bridge (or other) that it is a port of; 0: none
 * @param peer the index of the other end of a veth, valid in the other end's namespace; 0: none
 * @param counters as of the listing
 * @param tun what only tun and tap interfaces have
 */
public record Link(
    int index,
    String name,
    String kind,
    boolean loopback,
    boolean up,
    boolean carrier,
    int mtu,
    Optional<MacAddress> mac,
    String alias,
    int master,
    int peer,
    Counters counters,
    Optional<Tun> tun) {
  /**
   * Since the interface was made.
   *
   * <p>Source: linux/if_link.h, {@code struct rtnl_link_stats64}.
   *
   * @param rxPackets what the interface received: on a tun or tap, what the program wrote
   * @param txPackets what the kernel sent through it: on a tun or tap, what the program read
   * @param multicast packets received for a group
   */
  public record Counters(
      long rxPackets,
      long txPackets,
      long rxBytes,
      long txBytes,
      long rxErrors,
      long txErrors,
      long rxDropped,
      long txDropped,
      long multicast) {}

  /**
   * What a tun or tap interface has besides.
   *
   * <p>Source: linux/if_link.h, {@code IFLA_TUN_*}; {@code tun_fill_info} since Linux 4.17.
   *
   * @param driver tun or tap
   * @param owner the user id that alone may attach besides the administrator; empty: any user
   * @param group the group id whose members alone may; empty: any group
   * @param packetInformation whether each packet has the four-byte PI header
   * @param vnetHeader whether each packet has a virtio-net header
   * @param persistent whether it stays when nobody is attached
   * @param multiQueue whether several descriptors may be attached
   * @param queues descriptors that are attached and enabled; 0 where {@code multiQueue} is off
   * @param disabledQueues descriptors that are attached and disabled
   */
  public record Tun(
      DriverKind driver,
      OptionalLong owner,
      OptionalLong group,
      boolean packetInformation,
      boolean vnetHeader,
      boolean persistent,
      boolean multiQueue,
      int queues,
      int disabledQueues) {}
}
