package io.vnet.actors;

import io.vnet.api.backend.HostNetwork;
import io.vnet.api.backend.HostNetworkProvider;
import io.vnet.api.backend.IslandSettings;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The host's kernel, found by ServiceLoader and started when it is first needed. Safe on any
 * thread.
 */
final class HostNetworks implements Supplier<HostNetwork> {
  private final IslandSettings islands;
  private final Supplier<Optional<HostNetworkProvider>> provider;
  private volatile @Nullable HostNetwork started;
  private boolean closed;

  HostNetworks(IslandSettings islands, Supplier<Optional<HostNetworkProvider>> provider) {
    this.islands = islands;
    this.provider = provider;
  }

  @Override
  public synchronized HostNetwork get() {
    if (closed) {
      throw new VnetException("open", "host network", Errno.ESHUTDOWN, "the host is closed", "");
    }
    HostNetwork network = started;
    if (network == null) {
      network = provider.get().orElseThrow(HostNetworks::noProvider).start(islands);
      started = network;
    }
    return network;
  }

  /** The network if it has been started. Never waits. */
  Optional<HostNetwork> ifStarted() {
    return Optional.ofNullable(started);
  }

  static Optional<VnetException> obstacle() {
    Optional<HostNetworkProvider> found = onClassPath();
    return found.isEmpty() ? Optional.of(noProvider()) : found.orElseThrow().obstacle();
  }

  void close() {
    HostNetwork network;
    synchronized (this) {
      closed = true;
      network = started;
      started = null;
    }
    if (network != null) {
      network.close();
    }
  }

  static Optional<HostNetworkProvider> onClassPath() {
    return ServiceLoader.load(HostNetworkProvider.class, HostNetworks.class.getClassLoader())
        .findFirst();
  }

  private static VnetException noProvider() {
    return new VnetException(
        "open",
        "host network",
        Errno.EOPNOTSUPP,
        "no provider for host devices is on the class path",
        "add vnet-io to the application");
  }
}
