package io.vnet.api.device;

import java.util.Objects;

/**
 * What to create. Immutable; start from {@link #of} and change with the {@code with} methods.
 *
 * @param name a driver's name ({@code tun}: lowest free unit) or a driver and a unit ({@code
 *     tap3}). It is parsed when the device is created: EINVAL if no driver accepts it
 * @param mtu in bytes, 72 to 65535, else create answers EINVAL
 * @param queuePackets how many packets wait for the reader of an in-memory device, at least 1
 * @param overflow what the interface end of an in-memory device does when that queue is full
 * @param transientDevice whether the device destroys itself at its last close
 * @param up whether the interface starts up (administratively)
 * @param backing where the interface end is
 */
public record DeviceSpec(
    String name,
    int mtu,
    int queuePackets,
    Overflow overflow,
    boolean transientDevice,
    boolean up,
    Backing backing) {
  /** The MTU of a device unless said otherwise, in bytes. */
  public static final int DEFAULT_MTU = 1500;

  /** The smallest MTU, in bytes (if_tuntap specification, section 4.8). */
  public static final int MIN_MTU = 72;

  /** The largest MTU, in bytes. */
  public static final int MAX_MTU = 65535;

  /** Packets that wait for a reader unless said otherwise: Linux's usual {@code txqueuelen}. */
  public static final int DEFAULT_QUEUE_PACKETS = 500;

  /** Refuses null and a queue without room. */
  public DeviceSpec {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(overflow, "overflow");
    Objects.requireNonNull(backing, "backing");
    if (queuePackets < 1) {
      throw new IllegalArgumentException("queuePackets " + queuePackets + " is below 1");
    }
  }

  /** What happens to a packet that meets a full queue. */
  public enum Overflow {
    /** The sender keeps it and is told when there is room: no loss inside the process. */
    BACK_PRESSURE,
    /** It is dropped and counted as {@code QUEUE_FULL}, as a kernel interface does. */
    TAIL_DROP
  }

  /** Where the interface end is: in this process, or in the host's kernel. */
  public sealed interface Backing permits Memory, HostBacking {}

  /** The interface end is a {@link NetworkEnd} in this process. Needs no privilege. */
  public record Memory() implements Backing {}

  /**
   * An in-memory device, up, with the default MTU.
   *
   * @param name {@code tun}, {@code tap3}, …
   */
  public static DeviceSpec of(String name) {
    return new DeviceSpec(
        name,
        DEFAULT_MTU,
        DEFAULT_QUEUE_PACKETS,
        Overflow.BACK_PRESSURE,
        false,
        true,
        new Memory());
  }

  /** With another MTU, in bytes. */
  public DeviceSpec withMtu(int newMtu) {
    return new DeviceSpec(name, newMtu, queuePackets, overflow, transientDevice, up, backing);
  }

  /** With another queue bound and what happens at it. */
  public DeviceSpec withQueue(int packets, Overflow newOverflow) {
    return new DeviceSpec(name, mtu, packets, newOverflow, transientDevice, up, backing);
  }

  /** Transient or not. */
  public DeviceSpec withTransient(boolean newTransient) {
    return new DeviceSpec(name, mtu, queuePackets, overflow, newTransient, up, backing);
  }

  /** Up or down at first. */
  public DeviceSpec withUp(boolean newUp) {
    return new DeviceSpec(name, mtu, queuePackets, overflow, transientDevice, newUp, backing);
  }

  /** With the interface end in the host's kernel. */
  public DeviceSpec withHost(HostBacking host) {
    return new DeviceSpec(name, mtu, queuePackets, overflow, transientDevice, up, host);
  }
}
