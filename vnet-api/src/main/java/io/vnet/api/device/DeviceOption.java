package io.vnet.api.device;

import io.vnet.api.address.MacAddress;
import io.vnet.api.packet.Layer;
import java.util.Optional;

/**
 * What the holder of a handle can read and set: the driver's ioctls by name and type.
 *
 * <p>Source: if_tuntap specification, section 4.8; tun(4), tap(4).
 *
 * @param <T> the type of its value
 */
public final class DeviceOption<T> {
  /** The device goes away by itself at its last close (TUNSTRANSIENT). */
  public static final DeviceOption<Boolean> TRANSIENT =
      new DeviceOption<>("TRANSIENT", Boolean.class, Optional.empty());

  /** What stands before each packet; tun only (TUNSLMODE, TUNSIFHEAD). Survives a close. */
  public static final DeviceOption<Framing> FRAMING =
      new DeviceOption<>("FRAMING", Framing.class, Optional.of(Layer.L3));

  /** Point-to-point or broadcast; tun only; EBUSY while the interface is up (TUNSIFMODE). */
  public static final DeviceOption<InterfaceMode> INTERFACE_MODE =
      new DeviceOption<>("INTERFACE_MODE", InterfaceMode.class, Optional.of(Layer.L3));

  /** Who counts as the opener; tun only (TUNSIFPID). */
  public static final DeviceOption<Long> OWNER_PID =
      new DeviceOption<>("OWNER_PID", Long.class, Optional.of(Layer.L3));

  /** An address that the opener keeps there; tap and vmnet only (SIOCSIFADDR on the device). */
  public static final DeviceOption<MacAddress> REMOTE_MAC =
      new DeviceOption<>("REMOTE_MAC", MacAddress.class, Optional.of(Layer.L2));

  /** The MTU in bytes: EINVAL outside 72..65535 (TUNSIFINFO). */
  public static final DeviceOption<Integer> MTU =
      new DeviceOption<>("MTU", Integer.class, Optional.empty());

  /** The rate that the interface shows, in bits per second (TUNSIFINFO). */
  public static final DeviceOption<Long> BAUDRATE =
      new DeviceOption<>("BAUDRATE", Long.class, Optional.empty());

  private final String name;
  private final Class<T> type;
  private final Optional<Layer> only;

  private DeviceOption(String name, Class<T> type, Optional<Layer> only) {
    this.name = name;
    this.type = type;
    this.only = only;
  }

  /** The constant's name. */
  public String name() {
    return name;
  }

  /** The class of its values. */
  public Class<T> type() {
    return type;
  }

  /** Whether a driver knows it; else ENOTTY. */
  public boolean knownTo(DriverKind driver) {
    return only.isEmpty() || only.get() == driver.layer();
  }

  @Override
  public String toString() {
    return name;
  }
}
