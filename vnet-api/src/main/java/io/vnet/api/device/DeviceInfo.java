package io.vnet.api.device;

import java.util.Optional;

/**
 * One device as it was when asked.
 *
 * @param id which device
 * @param interfaceName its interface's name
 * @param vnet the network-stack instance it lives in
 * @param mtu in bytes
 * @param state where it is in its life
 * @param ownerPid the process that opened it, empty if closed
 * @param transientDevice whether it goes away at its last close
 * @param hostBacked whether the interface end is in the host's kernel
 */
public record DeviceInfo(
    DeviceId id,
    String interfaceName,
    String vnet,
    int mtu,
    State state,
    Optional<Long> ownerPid,
    boolean transientDevice,
    boolean hostBacked) {
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
    /** Held, and a destroyer waits for the close. */
    DYING,
    /** Unlinked; its teardown is under way. */
    TEARDOWN
  }
}
