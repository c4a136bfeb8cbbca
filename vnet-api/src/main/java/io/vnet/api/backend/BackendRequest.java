package io.vnet.api.backend;

import io.vnet.api.device.DeviceName;
import io.vnet.api.device.HostBacking;

/**
 * What to open in the host's kernel.
 *
 * @param name driver and unit: the kind, and the interface's name unless the backing names one
 * @param mtu in bytes
 * @param up whether to bring the interface up
 * @param host how and where
 */
public record BackendRequest(DeviceName name, int mtu, boolean up, HostBacking host) {
  /** The kernel's name for the interface. */
  public String interfaceName() {
    return host.interfaceName().isEmpty() ? name.toString() : host.interfaceName();
  }
}
