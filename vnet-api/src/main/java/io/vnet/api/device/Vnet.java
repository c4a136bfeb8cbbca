package io.vnet.api.device;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * One instance of the network stack: interface names of its own; units are shared by all of a host.
 *
 * <p>A device is born in one (its home) and can be lent to another. Safe on any thread; methods
 * that return a value wait, as in {@link Device}.
 *
 * <p>Source: if_tuntap specification, section 6.3.
 */
public interface Vnet {
  /** Its name: {@code vnet0} is the one a host starts with. */
  String name();

  /**
   * Creates a device here.
   *
   * @throws io.vnet.api.error.VnetException EINVAL: a name that no driver accepts, an MTU out of
   *     range, or this vnet is being removed; EEXIST: the unit or the interface name is in use;
   *     ENOSPC: no unit is left; ENOBUFS: too much memory waits for a stalled reader; ENXIO: this
   *     vnet was removed; ESHUTDOWN: the host is closed; for a host device what the kernel said,
   *     with the remedy
   */
  Device create(DeviceSpec spec);

  /** {@link #create} without waiting. */
  CompletionStage<Device> createAsync(DeviceSpec spec);

  /** The devices whose interfaces are here now, in no order. Never waits. */
  List<DeviceInfo> devices();

  /** The device whose interface has this name here now. Never waits. */
  Optional<Device> find(String interfaceName);

  /**
   * Removes this vnet: no new devices, its home devices destroyed wherever they are, lent ones
   * returned to their homes.
   *
   * @param policy for open home devices: WAIT waits for their close, FORCE does not; REFUSE is
   *     EBUSY if one is open, and may have destroyed others
   * @throws io.vnet.api.error.VnetException EBUSY: vnet0, or REFUSE met an open device; ENXIO:
   *     removed before
   */
  void remove(DestroyPolicy policy);

  /** {@link #remove(DestroyPolicy)} without waiting; completes with the name. */
  CompletionStage<String> removeAsync(DestroyPolicy policy);
}
