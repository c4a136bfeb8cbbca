package io.vnet.api.device;

import io.vnet.api.address.IpPrefix;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * The interface end is an interface of the host's kernel (Linux: {@code /dev/net/tun}).
 *
 * @param interfaceName the kernel's interface name; empty: the device's own name ({@code tun3}). At
 *     most 15 bytes
 * @param mode whether the interface may or must exist already
 * @param networkNamespace a namespace file ({@code /run/netns/blue}, {@code /proc/PID/ns/net}) to
 *     make the interface in; empty: the process's own
 * @param addresses given to the interface after it was made; the administrator's, so a close leaves
 *     them
 * @param offload whether to take all segmentation and checksum offloads that the kernel offers:
 *     super-packets of up to 65,535 bytes come and go, several times as fast; {@link
 *     io.vnet.api.port.PacketPort#offloads} tells which are on
 */
public record HostBacking(
    String interfaceName,
    Mode mode,
    Optional<Path> networkNamespace,
    List<IpPrefix> addresses,
    boolean offload)
    implements DeviceSpec.Backing {
  /** Whether the kernel's interface may exist before. */
  public enum Mode {
    /** Make it; EEXIST or EBUSY if the name is in use. */
    CREATE,
    /** Attach to an existing (persistent) one; ENODEV if there is none. */
    ATTACH,
    /** Attach if it exists, else make it. */
    CREATE_OR_ATTACH
  }

  /** Copies the list. */
  public HostBacking {
    Objects.requireNonNull(interfaceName, "interfaceName");
    Objects.requireNonNull(mode, "mode");
    Objects.requireNonNull(networkNamespace, "networkNamespace");
    addresses = List.copyOf(addresses);
  }

  /** A new interface with the device's name in the process's namespace, without addresses. */
  public static HostBacking create() {
    return new HostBacking("", Mode.CREATE, Optional.empty(), List.of(), false);
  }

  /** With another interface name. */
  public HostBacking withInterfaceName(String newName) {
    return new HostBacking(newName, mode, networkNamespace, addresses, offload);
  }

  /** With another mode. */
  public HostBacking withMode(Mode newMode) {
    return new HostBacking(interfaceName, newMode, networkNamespace, addresses, offload);
  }

  /** In the network namespace that this file names. */
  public HostBacking inNetworkNamespace(Path file) {
    return new HostBacking(interfaceName, mode, Optional.of(file), addresses, offload);
  }

  /** With these addresses. */
  public HostBacking withAddresses(IpPrefix... newAddresses) {
    return new HostBacking(interfaceName, mode, networkNamespace, List.of(newAddresses), offload);
  }

  /** With or without the kernel's offloads. */
  public HostBacking withOffload(boolean newOffload) {
    return new HostBacking(interfaceName, mode, networkNamespace, addresses, newOffload);
  }
}
