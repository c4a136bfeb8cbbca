package io.vnet.api.device;

import io.vnet.api.address.IpPrefix;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * The interface end is an interface of the host's kernel (Linux: {@code /dev/net/tun}).
 *
 * <p>Source: the kernel's Documentation/networking/tuntap.rst and include/uapi/linux/if_tun.h.
 *
 * @param interfaceName the kernel's interface name; empty: the device's own name ({@code tun3}), or
 *     what an adopted descriptor's interface is called. At most 15 bytes
 * @param mode whether the interface may or must exist already
 * @param networkNamespace a namespace file ({@code /run/netns/blue}, {@code /proc/PID/ns/net}) to
 *     make the interface in; empty: the process's own, or where an adopted descriptor's interface
 *     is
 * @param addresses given to the interface after it was made; the administrator's, so a close leaves
 *     them
 * @param offload whether to take all segmentation and checksum offloads that the kernel offers:
 *     super-packets of up to 65,535 bytes come and go, several times as fast; {@link
 *     io.vnet.api.port.PacketPort#offloads} tells which are on. An adopted descriptor has them if
 *     it has a virtio-net header, whatever is said here
 * @param ownership who may attach later, and whether the interface stays
 * @param queues how many queues the interface has, 1 to 256, else EINVAL. One is the default, and
 *     right below several cores: see {@link DeviceHandle#queues}
 * @param descriptors those to adopt, one a queue; empty unless the mode is {@link Mode#ADOPT}
 */
public record HostBacking(
    String interfaceName,
    Mode mode,
    Optional<Path> networkNamespace,
    List<IpPrefix> addresses,
    boolean offload,
    Ownership ownership,
    int queues,
    List<Integer> descriptors)
    implements DeviceSpec.Backing {
  /** Whether the kernel's interface may exist before. */
  public enum Mode {
    /** Make it; EEXIST or EBUSY if the name is in use. */
    CREATE,
    /** Attach to an existing (persistent) one; ENODEV if there is none. */
    ATTACH,
    /** Attach if it exists, else make it. */
    CREATE_OR_ATTACH,
    /** Take over a descriptor that is attached already: {@link HostBacking#adopt}. */
    ADOPT
  }

  /**
   * Who may attach to the interface besides the administrator, and whether it outlives its last
   * descriptor. What is empty stays as it is; a new interface has no owner and does not stay.
   *
   * <p>Without CAP_NET_ADMIN an interface that has an owner can be attached to by that user alone,
   * one that has a group by its members alone, one that has both by that user if he is a member,
   * and one that has <em>neither by whoever may open</em> {@code /dev/net/tun}, often everybody. So
   * give what stays an owner.
   *
   * @param persistent true: it stays when the device is destroyed and the process ends; false: it
   *     goes then, also one that was persistent before, which is how such a one is removed
   * @param owner a user id, 0 to 4,294,967,294; the kernel cannot take an owner away again
   * @param group a group id likewise
   */
  public record Ownership(Optional<Boolean> persistent, OptionalLong owner, OptionalLong group) {
    /** All as it is. */
    public static final Ownership UNCHANGED =
        new Ownership(Optional.empty(), OptionalLong.empty(), OptionalLong.empty());

    /** Refuses null. */
    public Ownership {
      Objects.requireNonNull(persistent, "persistent");
      Objects.requireNonNull(owner, "owner");
      Objects.requireNonNull(group, "group");
    }
  }

  /** Copies the lists; refuses descriptors without the mode for them, and the other way round. */
  public HostBacking {
    Objects.requireNonNull(interfaceName, "interfaceName");
    Objects.requireNonNull(mode, "mode");
    Objects.requireNonNull(networkNamespace, "networkNamespace");
    Objects.requireNonNull(ownership, "ownership");
    addresses = List.copyOf(addresses);
    descriptors = List.copyOf(descriptors);
    if ((mode == Mode.ADOPT) == descriptors.isEmpty()) {
      throw new IllegalArgumentException(mode + " with descriptors " + descriptors);
    }
    if (new HashSet<>(descriptors).size() < descriptors.size()) {
      throw new IllegalArgumentException("one descriptor twice: " + descriptors);
    }
  }

  /** A new interface with the device's name in the process's namespace, without addresses. */
  public static HostBacking create() {
    return new HostBacking(
        "", Mode.CREATE, Optional.empty(), List.of(), false, Ownership.UNCHANGED, 1, List.of());
  }

  /**
   * The interface of descriptors that this process was given: by systemd ({@link
   * InheritedDescriptors}), or by a privileged helper, so that the process itself needs no
   * capability. Several are the queues of one interface.
   *
   * <p>All is checked before anything changes: EBADF: not open; ENOTTY: not of {@code
   * /dev/net/tun}; EBADFD: attached to no interface; EINVAL: of another kind than the device, with
   * packet-information headers (without IFF_NO_PI), or not the queues of one interface. Then they
   * are made non-blocking and close-on-exec.
   *
   * <p><b>Owner:</b> once the device is created the numbers are its own, and it closes them: nobody
   * else may use or close them. If the creation fails they are the caller's still, open, with the
   * settings that they had; only offloads may be off.
   *
   * <p>Where the process may not configure the interface, a device with the interface's own MTU
   * that is not to be brought up, or is up already, does not need to.
   */
  public static HostBacking adopt(int... descriptors) {
    return new HostBacking(
        "",
        Mode.ADOPT,
        Optional.empty(),
        List.of(),
        false,
        Ownership.UNCHANGED,
        descriptors.length,
        IntStream.of(descriptors).boxed().toList());
  }

  /** With another interface name. */
  public HostBacking withInterfaceName(String newName) {
    return with(draft -> draft.interfaceName = newName);
  }

  /** With another mode. */
  public HostBacking withMode(Mode newMode) {
    return with(draft -> draft.mode = newMode);
  }

  /** In the network namespace that this file names. */
  public HostBacking inNetworkNamespace(Path file) {
    return with(draft -> draft.networkNamespace = Optional.of(file));
  }

  /** With these addresses. */
  public HostBacking withAddresses(IpPrefix... newAddresses) {
    return with(draft -> draft.addresses = List.of(newAddresses));
  }

  /** With or without the kernel's offloads. */
  public HostBacking withOffload(boolean newOffload) {
    return with(draft -> draft.offload = newOffload);
  }

  /**
   * Staying when the device is destroyed, or going then. {@code withMode(ATTACH)} with {@code
   * withPersistent(false)} removes a persistent interface: it goes with the device.
   */
  public HostBacking withPersistent(boolean persistent) {
    return withOwnership(
        new Ownership(Optional.of(persistent), ownership.owner(), ownership.group()));
  }

  /** With a user who may attach later without being the administrator. */
  public HostBacking withOwner(long uid) {
    return withOwnership(
        new Ownership(ownership.persistent(), OptionalLong.of(uid), ownership.group()));
  }

  /** With a group whose members may. */
  public HostBacking withGroup(long gid) {
    return withOwnership(
        new Ownership(ownership.persistent(), ownership.owner(), OptionalLong.of(gid)));
  }

  private HostBacking withOwnership(Ownership newOwnership) {
    return with(draft -> draft.ownership = newOwnership);
  }

  /** With so many queues, 1 to 256. */
  public HostBacking withQueues(int newQueues) {
    return with(draft -> draft.queues = newQueues);
  }

  private HostBacking with(Consumer<Draft> change) {
    Draft draft = new Draft();
    change.accept(draft);
    return draft.backing();
  }

  /** The components that a copy may have otherwise. */
  private final class Draft {
    private String interfaceName = HostBacking.this.interfaceName;
    private Mode mode = HostBacking.this.mode;
    private Optional<Path> networkNamespace = HostBacking.this.networkNamespace;
    private List<IpPrefix> addresses = HostBacking.this.addresses;
    private boolean offload = HostBacking.this.offload;
    private Ownership ownership = HostBacking.this.ownership;
    private int queues = HostBacking.this.queues;

    HostBacking backing() {
      return new HostBacking(
          interfaceName,
          mode,
          networkNamespace,
          addresses,
          offload,
          ownership,
          queues,
          descriptors);
    }
  }
}
