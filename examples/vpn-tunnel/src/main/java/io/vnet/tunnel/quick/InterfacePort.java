package io.vnet.tunnel.quick;

import io.vnet.api.port.ForwardingPort;
import io.vnet.api.port.PacketPort;

/**
 * A device's port whose MTU is that of its interface now, whoever changed it; the device itself
 * knows what it was given. For a device with offloads, whose packets may have any length.
 *
 * <p>Calls go straight through: no system call, copy, allocation or thread hop a batch.
 */
public final class InterfacePort extends ForwardingPort {
  private volatile int mtu;

  /** Over a port, with its MTU at first. */
  public InterfacePort(PacketPort port) {
    super(port);
    this.mtu = port.mtu();
  }

  /** The interface has another MTU, in bytes. */
  public void mtu(int newMtu) {
    mtu = newMtu;
  }

  @Override
  public int mtu() {
    return mtu;
  }
}
