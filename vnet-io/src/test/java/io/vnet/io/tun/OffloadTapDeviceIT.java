package io.vnet.io.tun;

import io.vnet.api.backend.HostIo;
import io.vnet.io.netns.NetworkNamespace;

/** The same with offloads: {@link TapDeviceIT}. */
class OffloadTapDeviceIT extends TapDeviceIT {
  @Override
  TunLab lab(NetworkNamespace namespace) {
    return new TunLab(namespace, HostIo.EPOLL, true);
  }
}
