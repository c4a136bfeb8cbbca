package io.vnet.api.backend;

import io.vnet.api.port.Island;
import java.util.List;

/**
 * The host's kernel as a maker of devices, with the I/O threads that serve them. Safe on any
 * thread. Closing it stops its I/O threads; its backends must be released before.
 */
public interface HostNetwork extends AutoCloseable {
  /**
   * Makes or attaches to a host interface, or takes over its descriptors, and configures it; each
   * queue will be served by an island. Blocks. If a step fails the earlier ones are undone and
   * every descriptor that was opened is closed.
   *
   * @throws io.vnet.api.error.VnetException with the failing call's name and errno, and the remedy
   */
  DeviceBackend open(BackendRequest request);

  /** The I/O threads that run, at least one; more may start as devices are opened. */
  List<? extends Island> islands();

  /** The tun and tap interfaces of the process's own network namespace. Blocks. */
  List<HostInterface> interfaces();

  /** Stops the I/O threads and waits for them. */
  @Override
  void close();
}
