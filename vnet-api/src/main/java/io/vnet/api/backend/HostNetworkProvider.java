package io.vnet.api.backend;

import io.vnet.api.error.VnetException;
import java.util.Optional;

/** Found by {@link java.util.ServiceLoader}: a way to reach this host's kernel. */
public interface HostNetworkProvider {
  /** For people: {@code Linux /dev/net/tun}. */
  String name();

  /**
   * Tries whether devices can be made here and now, without leaving anything behind.
   *
   * @return empty if so, else what {@link HostNetwork#open} would fail with: the missing
   *     capability, node or module, and the remedy
   */
  Optional<VnetException> obstacle();

  /**
   * Starts I/O threads.
   *
   * @throws VnetException EOPNOTSUPP on another operating system, and with IO_URING on a kernel
   *     that is too old; EPERM: the kernel forbids it
   */
  HostNetwork start(IslandSettings settings);
}
