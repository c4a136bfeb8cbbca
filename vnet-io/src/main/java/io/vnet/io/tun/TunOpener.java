package io.vnet.io.tun;

import io.vnet.api.address.IpPrefix;
import io.vnet.api.backend.BackendRequest;
import io.vnet.api.device.DriverKind;
import io.vnet.api.device.HostBacking;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.offload.Offload;
import io.vnet.api.port.OffloadFeature;
import io.vnet.io.libc.InterfaceNames;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.loop.IslandLoop;
import io.vnet.io.netlink.LinkChange;
import io.vnet.io.netlink.Netlink;
import io.vnet.io.netlink.NetworkPlan;
import io.vnet.io.netns.NetworkNamespace;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;

/**
 * Opens a TUN or TAP interface: node, TUNSETIFF, MTU, addresses, up. Only a descriptor that went
 * through all of it, and is non-blocking from the start, becomes a {@link TunBackend}.
 *
 * <p><b>Undo:</b> if a step fails, every descriptor that was opened is closed; with it a new
 * interface vanishes, and one that existed gets its MTU and flags back.
 *
 * <p>Each method blocks. Safe on any thread.
 */
public final class TunOpener {
  private static final int OPEN_FLAGS =
      LinuxConstants.O_RDWR | LinuxConstants.O_NONBLOCK | LinuxConstants.O_CLOEXEC;

  private static final String MORE_DESCRIPTORS = "close descriptors or raise the limit: ulimit -n";

  private final Libc libc;
  private final String node;

  /**
   * @param libc makes the system calls
   * @param node {@code /dev/net/tun}
   */
  public TunOpener(Libc libc, String node) {
    this.libc = libc;
    this.node = node;
  }

  /**
   * Opens what is asked for.
   *
   * @param island will see its readiness
   * @throws VnetException naming the failing call, its errno and the remedy
   */
  public TunBackend open(BackendRequest request, IslandLoop island) {
    check(request);
    if (request.host().networkNamespace().isEmpty()) {
      return openHere(request, island);
    }
    Path file = request.host().networkNamespace().get();
    try (NetworkNamespace namespace = NetworkNamespace.open(libc, file)) {
      return namespace.call(() -> openHere(request, island));
    }
  }

  /**
   * Tries to make a device, and removes it at once.
   *
   * @throws VnetException why it cannot be made
   */
  public void probe() {
    int tun = openNode("probe");
    try {
      long made =
          setTun(
              tun,
              "vnetprobe%d",
              LinuxConstants.IFF_TUN | LinuxConstants.IFF_NO_PI | LinuxConstants.IFF_TUN_EXCL);
      if (made < 0) {
        // The probe's interface is nobody's, so the remedy is for the one that the user wants.
        throw refused("vnetprobe", "NAME", DriverKind.TUN, made, false);
      }
    } finally {
      libc.close(tun);
    }
  }

  private static void check(BackendRequest request) {
    String name = request.interfaceName();
    if (request.name().driver() == DriverKind.VMNET) {
      throw new VnetException(
          "open",
          name,
          Errno.EOPNOTSUPP,
          "the host's kernel has no vmnet",
          "use tap, or a vmnet in memory");
    }
    InterfaceNames.check("open", name);
  }

  private TunBackend openHere(BackendRequest request, IslandLoop island) {
    String name = request.interfaceName();
    try (Netlink netlink = Netlink.open(libc)) {
      boolean existed = exists(request, netlink.link(name).isPresent());
      int tun = openNode(name);
      try {
        attach(request, tun, existed);
        Set<OffloadFeature> offloads = offload(request, tun);
        plan(request).apply(netlink);
        return new TunBackend(
            libc,
            new TunInterface(libc, tun, name),
            request.name().driver().layer(),
            request.mtu(),
            island,
            offloads);
      } catch (RuntimeException e) {
        libc.close(tun);
        throw e;
      }
    }
  }

  private static boolean exists(BackendRequest request, boolean exists) {
    String name = request.interfaceName();
    if (exists && request.host().mode() == HostBacking.Mode.CREATE) {
      throw new VnetException(
          "create",
          name,
          Errno.EEXIST,
          "an interface of that name exists",
          "use another name, or attach to it if it is a tun or tap device");
    }
    if (!exists && request.host().mode() == HostBacking.Mode.ATTACH) {
      throw new VnetException(
          "attach",
          name,
          Errno.ENODEV,
          "there is no interface of that name",
          "make it first: ip tuntap add name "
              + name
              + " mode "
              + request.name().driver().driverName());
    }
    return exists;
  }

  private void attach(BackendRequest request, int tun, boolean existed) {
    int flags =
        LinuxConstants.IFF_NO_PI
            | (request.name().driver() == DriverKind.TUN
                ? LinuxConstants.IFF_TUN
                : LinuxConstants.IFF_TAP)
            | (request.host().offload() ? LinuxConstants.IFF_VNET_HDR : 0)
            | (existed ? 0 : LinuxConstants.IFF_TUN_EXCL);
    String name = request.interfaceName();
    long set = setTun(tun, name, flags);
    if (set < 0) {
      throw refused(name, name, request.name().driver(), set, existed);
    }
  }

  /**
   * All that the kernel knows, or none. What a process before left on a persistent device holds for
   * the device, not for the descriptor, so both are set.
   */
  private Set<OffloadFeature> offload(BackendRequest request, int tun) {
    if (!request.host().offload()) {
      setOffload(request, tun, 0);
      return Set.of();
    }
    try (Arena arena = Arena.ofConfined()) {
      long sized =
          libc.ioctl(
              tun,
              LinuxConstants.TUNSETVNETHDRSZ,
              arena.allocateFrom(ValueLayout.JAVA_INT, Offload.HEADER_BYTES).address());
      if (sized < 0) {
        throw failure("TUNSETVNETHDRSZ", request, sized);
      }
    }
    int segmentation =
        LinuxConstants.TUN_F_CSUM | LinuxConstants.TUN_F_TSO4 | LinuxConstants.TUN_F_TSO6;
    int datagrams = LinuxConstants.TUN_F_USO4 | LinuxConstants.TUN_F_USO6;
    long both = libc.ioctl(tun, LinuxConstants.TUNSETOFFLOAD, segmentation | datagrams);
    if (both >= 0) {
      return EnumSet.allOf(OffloadFeature.class);
    }
    // USO: since Linux 6.2.
    setOffload(request, tun, segmentation);
    return EnumSet.of(OffloadFeature.CHECKSUM, OffloadFeature.TSO4, OffloadFeature.TSO6);
  }

  private static VnetException failure(String call, BackendRequest request, long result) {
    Errno errno = Errno.ofNumber((int) -result);
    return new VnetException(call, request.interfaceName(), errno, Libc.meaning(result), "");
  }

  private void setOffload(BackendRequest request, int tun, int flags) {
    long set = libc.ioctl(tun, LinuxConstants.TUNSETOFFLOAD, flags);
    if (set < 0) {
      throw failure("TUNSETOFFLOAD", request, set);
    }
  }

  /** The result of TUNSETIFF. */
  private long setTun(int tun, String name, int flags) {
    try (Arena arena = Arena.ofConfined()) {
      // struct ifreq: a name and a union, here of flags.
      MemorySegment request = arena.allocate(LinuxConstants.IFREQ_BYTES, 8);
      request.setString(0, name, StandardCharsets.UTF_8);
      request.set(ValueLayout.JAVA_SHORT, LinuxConstants.IFNAMSIZ, (short) flags);
      return libc.ioctl(tun, LinuxConstants.TUNSETIFF, request.address());
    }
  }

  /** An address that is there already stays and is no error; others are not touched. */
  private static NetworkPlan plan(BackendRequest request) {
    String name = request.interfaceName();
    NetworkPlan plan = NetworkPlan.empty().link(name, new LinkChange.Mtu(request.mtu()));
    if (request.up()) {
      plan = plan.link(name, new LinkChange.Up(true));
    }
    for (IpPrefix prefix : request.host().addresses()) {
      plan = plan.address(name, prefix);
    }
    return plan;
  }

  private int openNode(String name) {
    long tun = libc.open(node, OPEN_FLAGS);
    if (tun >= 0) {
      return (int) tun;
    }
    Errno errno = Errno.ofNumber((int) -tun);
    throw new VnetException(
        "open",
        name,
        errno,
        node
            + switch (errno) {
              case ENOENT -> " is missing";
              case ENODEV, ENXIO -> " has no driver";
              case EACCES, EPERM -> " may not be opened by this user";
              default -> ": " + Libc.meaning(tun);
            },
        switch (errno) {
          case ENOENT ->
              "load the module (modprobe tun), or start the container with --device /dev/net/tun";
          case ENODEV, ENXIO -> "load the module: modprobe tun";
          case EACCES, EPERM -> "run as root, or get read and write permission on " + node;
          case EMFILE -> MORE_DESCRIPTORS;
          default -> "";
        });
  }

  private static VnetException refused(
      String name, String wanted, DriverKind kind, long result, boolean existed) {
    Errno errno = Errno.ofNumber((int) -result);
    return new VnetException(
        "TUNSETIFF",
        name,
        errno,
        switch (errno) {
          case EPERM -> "this user may not make or attach to it";
          case EBUSY -> "another process is attached to it";
          case EINVAL ->
              existed ? "the existing interface is of another kind" : Libc.meaning(result);
          default -> Libc.meaning(result);
        },
        switch (errno) {
          case EPERM ->
              "run with CAP_NET_ADMIN (root), or have an administrator make it for you: ip tuntap add"
                  + " name "
                  + wanted
                  + " mode "
                  + kind.driverName()
                  + " user $USER";
          case EBUSY -> "stop that process or use another name";
          case EINVAL -> existed ? "use another name" : "";
          default -> "";
        });
  }
}
