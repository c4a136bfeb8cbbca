package io.vnet.actors.core;

import io.vnet.api.address.IpPrefix;
import io.vnet.api.address.MacAddress;
import io.vnet.api.device.DeviceName;
import io.vnet.api.device.DeviceOption;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.DriverKind;
import io.vnet.api.device.Framing;
import io.vnet.api.device.InterfaceChange;
import io.vnet.api.device.InterfaceMode;
import io.vnet.api.device.InterfaceState;
import io.vnet.api.device.LinkState;
import io.vnet.api.error.Errno;
import io.vnet.api.packet.Layer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What happens to an interface when it is made, opened, closed, moved and configured. Total
 * functions of {@link InterfaceState}.
 *
 * <p>Source: if_tuntap specification, sections 1.1, 4.1, 4.2, 4.8, 4.9, 6.3 and 7.4.
 */
public final class InterfaceRules {
  /** FreeBSD's default for a tunnel that was never told otherwise. */
  private static final long BAUDRATE = 0;

  private InterfaceRules() {}

  /** A change that was made, or why not. */
  public sealed interface Outcome {
    /** It is in force. */
    record Changed(InterfaceState state) implements Outcome {}

    /** Nothing has changed. */
    record Refused(Errno errno, String reason) implements Outcome {}
  }

  /**
   * A new interface. Unlike FreeBSD's, a tap or vmnet starts promiscuous: what sits at its network
   * end is a network, not one station.
   *
   * @param up whether it starts up and running, which FreeBSD's never does
   */
  public static InterfaceState created(DeviceName name, int mtu, boolean up) {
    boolean ethernet = name.driver().layer() == Layer.L2;
    Optional<MacAddress> mac =
        ethernet ? Optional.of(MacAddress.derivedFrom(name.toString())) : Optional.empty();
    return new InterfaceState(
        up,
        up && ethernet,
        false,
        ethernet,
        false,
        new InterfaceMode(
            ethernet ? InterfaceMode.Kind.BROADCAST : InterfaceMode.Kind.POINT_TO_POINT, true),
        Framing.NONE,
        LinkState.UNKNOWN,
        mtu,
        BAUDRATE,
        mac,
        mac,
        OptionalLong.empty(),
        List.of());
  }

  /**
   * The device was opened.
   *
   * @param bringUp whether this open brings the interface up
   */
  public static InterfaceState opened(
      InterfaceState state, DriverKind driver, long pid, boolean bringUp) {
    Draft draft = new Draft(state);
    if (driver.layer() == Layer.L2) {
      draft.remoteMac = state.mac();
      draft.running = true;
    }
    draft.up |= bringUp;
    draft.ownerPid = OptionalLong.of(pid);
    draft.link = LinkState.UP;
    return draft.state();
  }

  /** The last close was carried out. A vmnet, and a tap with LINK0, keep their configuration. */
  public static InterfaceState closed(InterfaceState state, DriverKind driver) {
    Draft draft = new Draft(state);
    if (!keepsConfiguration(state, driver)) {
      draft.up = false;
      if (state.running()) {
        draft.running = false;
        draft.addresses = List.of();
      }
    }
    draft.link = LinkState.DOWN;
    draft.ownerPid = OptionalLong.empty();
    return draft.state();
  }

  /** Whether a close leaves the interface up, with its addresses. */
  public static boolean keepsConfiguration(InterfaceState state, DriverKind driver) {
    return driver == DriverKind.VMNET || (driver == DriverKind.TAP && state.link0());
  }

  /** The interface is in another vnet: down, without addresses; all else stays. */
  public static InterfaceState moved(InterfaceState state, boolean bringUp) {
    Draft draft = new Draft(state);
    draft.up = bringUp;
    draft.addresses = List.of();
    return draft.state();
  }

  /** What an administrator asks for. */
  public static Outcome configure(InterfaceState state, DriverKind driver, InterfaceChange change) {
    Draft draft = new Draft(state);
    boolean ethernet = driver.layer() == Layer.L2;
    switch (change) {
      case InterfaceChange.Up(var up) -> draft.up = up;
      case InterfaceChange.Mtu(var bytes) -> {
        return withMtu(draft, bytes);
      }
      case InterfaceChange.Mac(var address) -> {
        if (!ethernet) {
          return new Outcome.Refused(Errno.EINVAL, "a tun has no hardware address");
        }
        if (address.isMulticast()) {
          return new Outcome.Refused(Errno.EINVAL, address + " is a group address");
        }
        draft.mac = Optional.of(address);
      }
      case InterfaceChange.AddAddress(var prefix) -> {
        if (state.addresses().contains(prefix)) {
          return new Outcome.Refused(Errno.EEXIST, prefix + " is there already");
        }
        List<IpPrefix> more = new ArrayList<>(state.addresses());
        more.add(prefix);
        draft.addresses = more;
        if (state.addresses().isEmpty()) {
          draft.up = true;
          draft.running = true;
        }
      }
      case InterfaceChange.RemoveAddress(var prefix) -> {
        if (!state.addresses().contains(prefix)) {
          return new Outcome.Refused(Errno.EADDRNOTAVAIL, prefix + " is not there");
        }
        draft.addresses =
            state.addresses().stream().filter(other -> !other.equals(prefix)).toList();
      }
      case InterfaceChange.Link0(var on) -> draft.link0 = on;
      case InterfaceChange.Promiscuous(var on) -> draft.promiscuous = on;
      case InterfaceChange.Monitor(var on) -> draft.monitor = on;
    }
    return new Outcome.Changed(draft.state());
  }

  /**
   * What the holder of the handle asks for; TRANSIENT is the softc's own.
   *
   * @param value of the option's type
   */
  public static Outcome set(
      InterfaceState state, DriverKind driver, DeviceOption<?> option, Object value) {
    if (!option.knownTo(driver)) {
      return new Outcome.Refused(
          Errno.ENOTTY, "a " + driver.driverName() + " has no option " + option);
    }
    Draft draft = new Draft(state);
    if (option == DeviceOption.FRAMING) {
      draft.framing = DeviceOption.FRAMING.type().cast(value);
    } else if (option == DeviceOption.INTERFACE_MODE) {
      if (state.up()) {
        return new Outcome.Refused(Errno.EBUSY, "the interface is up");
      }
      draft.mode = DeviceOption.INTERFACE_MODE.type().cast(value);
    } else if (option == DeviceOption.OWNER_PID) {
      draft.ownerPid = OptionalLong.of(DeviceOption.OWNER_PID.type().cast(value));
    } else if (option == DeviceOption.REMOTE_MAC) {
      draft.remoteMac = Optional.of(DeviceOption.REMOTE_MAC.type().cast(value));
    } else if (option == DeviceOption.MTU) {
      return withMtu(draft, DeviceOption.MTU.type().cast(value));
    } else if (option == DeviceOption.BAUDRATE) {
      draft.baudrate = DeviceOption.BAUDRATE.type().cast(value);
    } else {
      return new Outcome.Refused(Errno.ENOTTY, "no option " + option);
    }
    return new Outcome.Changed(draft.state());
  }

  /** An option's present value; TRANSIENT is the softc's own. Empty if the driver has none. */
  public static Optional<Object> get(
      InterfaceState state, DriverKind driver, DeviceOption<?> option) {
    if (!option.knownTo(driver)) {
      return Optional.empty();
    }
    if (option == DeviceOption.FRAMING) {
      return Optional.of(state.framing());
    }
    if (option == DeviceOption.INTERFACE_MODE) {
      return Optional.of(state.mode());
    }
    if (option == DeviceOption.OWNER_PID) {
      return Optional.of(state.ownerPid().orElse(0));
    }
    if (option == DeviceOption.REMOTE_MAC) {
      return Optional.of(state.remoteMac().orElseThrow());
    }
    if (option == DeviceOption.MTU) {
      return Optional.of(state.mtu());
    }
    return option == DeviceOption.BAUDRATE ? Optional.of(state.baudrate()) : Optional.empty();
  }

  private static Outcome withMtu(Draft draft, int bytes) {
    if (bytes < DeviceSpec.MIN_MTU || bytes > DeviceSpec.MAX_MTU) {
      return new Outcome.Refused(
          Errno.EINVAL,
          "MTU " + bytes + " is not within " + DeviceSpec.MIN_MTU + ".." + DeviceSpec.MAX_MTU);
    }
    draft.mtu = bytes;
    return new Outcome.Changed(draft.state());
  }

  /** A state being changed. */
  private static final class Draft {
    boolean up;
    boolean running;
    boolean link0;
    boolean promiscuous;
    boolean monitor;
    InterfaceMode mode;
    Framing framing;
    LinkState link;
    int mtu;
    long baudrate;
    Optional<MacAddress> mac;
    Optional<MacAddress> remoteMac;
    OptionalLong ownerPid;
    List<IpPrefix> addresses;

    Draft(InterfaceState from) {
      up = from.up();
      running = from.running();
      link0 = from.link0();
      promiscuous = from.promiscuous();
      monitor = from.monitor();
      mode = from.mode();
      framing = from.framing();
      link = from.link();
      mtu = from.mtu();
      baudrate = from.baudrate();
      mac = from.mac();
      remoteMac = from.remoteMac();
      ownerPid = from.ownerPid();
      addresses = from.addresses();
    }

    InterfaceState state() {
      return new InterfaceState(
          up,
          running,
          link0,
          promiscuous,
          monitor,
          mode,
          framing,
          link,
          mtu,
          baudrate,
          mac,
          remoteMac,
          ownerPid,
          addresses);
    }
  }
}
