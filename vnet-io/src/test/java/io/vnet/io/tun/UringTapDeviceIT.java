package io.vnet.io.tun;

import io.vnet.api.backend.HostIo;
import io.vnet.io.netns.NetworkNamespace;

/** The same over io_uring: {@link TapDeviceIT}. */
class UringTapDeviceIT extends TapDeviceIT {
  @Override
  TunLab lab(NetworkNamespace namespace) {
    return new TunLab(namespace, HostIo.IO_URING);
  }
}
