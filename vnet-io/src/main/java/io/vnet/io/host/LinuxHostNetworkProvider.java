package io.vnet.io.host;

import io.vnet.api.backend.HostNetwork;
import io.vnet.api.backend.HostNetworkProvider;
import io.vnet.api.backend.IslandSettings;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.tun.TunOpener;
import java.util.Optional;

/** Host devices of Linux through {@code /dev/net/tun}. Made by ServiceLoader. */
public final class LinuxHostNetworkProvider implements HostNetworkProvider {
  private static final String NODE = "/dev/net/tun";

  /** For ServiceLoader. */
  public LinuxHostNetworkProvider() {}

  @Override
  public String name() {
    return "Linux " + NODE;
  }

  @Override
  public Optional<VnetException> obstacle() {
    try {
      new TunOpener(NativeLibc.load(), NODE).probe();
      return Optional.empty();
    } catch (VnetException e) {
      return Optional.of(e);
    }
  }

  @Override
  public HostNetwork start(IslandSettings settings) {
    Libc libc = NativeLibc.load();
    return new LinuxHostNetwork(new TunOpener(libc, NODE), Islands.start(settings, libc));
  }
}
