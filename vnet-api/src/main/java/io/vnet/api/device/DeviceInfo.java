package io.vnet.api.device;

import java.util.Optional;
import java.util.OptionalLong;

/**
 * One device as it was when asked.
 *
 * @param id which device
 * @param interfaceName its interface's present name
 * @param alias the second name under which it can be opened, after a rename
 * @param vnet the network-stack instance its interface is in
 * @param homeVnet the one it was born in
 * @param state where it is in its life
 * @param transientDevice whether it goes away at its last close
 * @param hostBacked whether the interface end is in the host's kernel
 * @param network its interface end; of a host device only what vnet itself has set
 */
public record DeviceInfo(
    DeviceId id,
    String interfaceName,
    Optional<String> alias,
    String vnet,
    String homeVnet,
    State state,
    boolean transientDevice,
    boolean hostBacked,
    InterfaceState network) {
  /** Where a device is in its life. */
  public enum State {
    /** Its backend is being opened; an open answers ENXIO. */
    CREATING,
    /** Attached and closed. */
    IDLE,
    /** Held by one handle. */
    OPEN,
    /** The last close is being carried out. */
    CLOSING,
    /** Busy, and a destroyer waits. */
    DYING,
    /** Unlinked; its teardown is under way. */
    TEARDOWN
  }

  /** In bytes. */
  public int mtu() {
    return network.mtu();
  }

  /** The process that opened it; empty while it is closed. */
  public OptionalLong ownerPid() {
    return network.ownerPid();
  }
}
