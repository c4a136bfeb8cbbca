package io.vnet.io.udp;

import io.vnet.api.backend.HostIo;

/** The same over io_uring: {@link UdpPortIT}. */
class UringUdpPortIT extends UdpPortIT {
  @Override
  UdpLab lab() {
    return new UdpLab(HostIo.IO_URING);
  }
}
