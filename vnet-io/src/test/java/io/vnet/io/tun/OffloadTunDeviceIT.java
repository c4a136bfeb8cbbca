package io.vnet.io.tun;

import io.vnet.api.backend.HostIo;
import io.vnet.io.netns.NetworkNamespace;

/** The same with offloads: {@link TunDeviceIT}. */
class OffloadTunDeviceIT extends TunDeviceIT {
  @Override
  TunLab lab(NetworkNamespace namespace) {
    return new TunLab(namespace, HostIo.EPOLL, true);
  }
}
