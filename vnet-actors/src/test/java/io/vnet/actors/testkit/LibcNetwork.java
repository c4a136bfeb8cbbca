package io.vnet.actors.testkit;

import io.vnet.api.backend.BackendRequest;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.backend.HostInterface;
import io.vnet.api.backend.HostNetwork;
import io.vnet.api.backend.HostNetworkProvider;
import io.vnet.api.backend.IslandSettings;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.Libc;
import io.vnet.io.loop.IslandLoop;
import io.vnet.io.tun.TunOpener;
import java.util.List;
import java.util.Optional;

/** The kernel's devices through a C library of the test's, on one I/O thread. */
public final class LibcNetwork implements HostNetworkProvider, HostNetwork {
  private final TunOpener opener;
  private final IslandLoop island = new IslandLoop();

  /** Over that library. */
  public LibcNetwork(Libc libc) {
    this.opener = new TunOpener(libc, "/dev/net/tun");
  }

  @Override
  public String name() {
    return "/dev/net/tun through a test's C library";
  }

  @Override
  public Optional<VnetException> obstacle() {
    return Optional.empty();
  }

  @Override
  public HostNetwork start(IslandSettings settings) {
    return this;
  }

  @Override
  public DeviceBackend open(BackendRequest request) {
    return opener.open(request, island);
  }

  @Override
  public List<IslandLoop> islands() {
    return List.of(island);
  }

  @Override
  public IslandLoop island(boolean superPackets) {
    return island;
  }

  @Override
  public List<HostInterface> interfaces() {
    return List.of();
  }

  @Override
  public void close() {
    island.close();
  }
}
