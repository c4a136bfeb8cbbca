package io.vnet.api.device;

import io.vnet.api.address.IpPrefix;
import io.vnet.api.address.MacAddress;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The interface end of an in-memory device, as its administrator and its opener left it.
 *
 * <p>Source: if_tuntap specification, sections 1.1, 2.1 and 4.8.
 *
 * @param up administratively up: packets pass
 * @param running resources are there: set by an open (tap, vmnet) or the first address (tun); a
 *     close of a running interface removes its addresses
 * @param link0 a tap keeps its configuration over a close, as a vmnet always does
 * @param promiscuous a tap or vmnet takes frames for other unicast addresses too
 * @param monitor a tap or vmnet counts frames and passes none on
 * @param mode point-to-point or broadcast, and multicast
 * @param framing what stands before each packet on a tun's handle
 * @param link follows opens and closes
 * @param mtu in bytes
 * @param baudrate in bits per second; says nothing about speed
 * @param mac the interface's hardware address; empty on a tun
 * @param remoteMac the address that the opener keeps for itself; empty on a tun; filters nothing
 * @param ownerPid the process that opened the device; empty while it is closed
 * @param addresses in the order in which they were added
 */
public record InterfaceState(
    boolean up,
    boolean running,
    boolean link0,
    boolean promiscuous,
    boolean monitor,
    InterfaceMode mode,
    Framing framing,
    LinkState link,
    int mtu,
    long baudrate,
    Optional<MacAddress> mac,
    Optional<MacAddress> remoteMac,
    OptionalLong ownerPid,
    List<IpPrefix> addresses) {
  /** Copies the list. */
  public InterfaceState {
    addresses = List.copyOf(addresses);
  }

  /** One line for people, {@code Opened by PID 4121} with tab and newline; empty while closed. */
  public String statusText() {
    return ownerPid.isPresent() ? "\tOpened by PID " + ownerPid.getAsLong() + "\n" : "";
  }
}
