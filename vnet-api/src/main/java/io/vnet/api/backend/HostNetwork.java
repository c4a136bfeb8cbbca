package io.vnet.api.backend;

import io.vnet.api.port.Island;
import java.util.List;

/**
 * The host's kernel as a maker of devices, with the I/O threads that serve them. Safe on any
 * thread. Closing it stops its I/O threads; its backends, and the ports on them, must be released
 * before.
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

  /**
   * The next I/O thread, in turn, for a port beside the devices; starts one if none is there yet.
   *
   * @param superPackets whether of those that serve devices with offloads
   * @throws io.vnet.api.error.VnetException ESHUTDOWN: closed; else what its start fails with
   */
  Island island(boolean superPackets);

  /** The tun and tap interfaces of the process's own network namespace. Blocks. */
  List<HostInterface> interfaces();

  /** Stops the I/O threads and waits for them. */
  @Override
  void close();
}
