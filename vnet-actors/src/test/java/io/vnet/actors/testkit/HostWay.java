package io.vnet.actors.testkit;

import io.vnet.actors.HostSettings;
import io.vnet.actors.VnetHost;
import io.vnet.api.backend.HostIo;
import io.vnet.api.device.HostBacking;
import io.vnet.io.netns.NetworkNamespace;

/** How a host device's packets are read and written. */
public enum HostWay {
  EPOLL(HostIo.EPOLL, false),
  IO_URING(HostIo.IO_URING, false),
  OFFLOAD(HostIo.AUTO, true),
  OFFLOAD_IO_URING(HostIo.IO_URING, true);

  private final HostIo io;
  private final boolean offload;

  HostWay(HostIo io, boolean offload) {
    this.io = io;
    this.offload = offload;
  }

  /** A host whose devices are served so. */
  public VnetHost host() {
    return VnetHost.start(HostSettings.defaults().withIo(io));
  }

  /** An interface in a namespace, with offloads or without. */
  public HostBacking backing(NetworkNamespace namespace) {
    return HostBacking.create().inNetworkNamespace(namespace.path()).withOffload(offload);
  }
}
