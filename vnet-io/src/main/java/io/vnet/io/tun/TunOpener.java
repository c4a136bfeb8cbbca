package io.vnet.io.tun;

import io.vnet.api.address.IpPrefix;
import io.vnet.api.backend.BackendRequest;
import io.vnet.api.device.DriverKind;
import io.vnet.api.device.HostBacking;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.port.OffloadFeature;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NetlinkConstants;
import io.vnet.io.loop.IslandLoop;
import io.vnet.io.netns.NetworkNamespace;
import java.lang.foreign.Arena;
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
    try (Arena arena = Arena.ofConfined()) {
      InterfaceRequest request = new InterfaceRequest(libc, arena, "vnetprobe%d");
      long made =
          request.setTun(
              tun, LinuxConstants.IFF_TUN | LinuxConstants.IFF_NO_PI | LinuxConstants.IFF_TUN_EXCL);
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
    int bytes = name.getBytes(StandardCharsets.UTF_8).length;
    if (bytes == 0 || bytes >= LinuxConstants.IFNAMSIZ) {
      throw new VnetException(
          "open",
          name,
          Errno.ENAMETOOLONG,
          "an interface name has 1 to " + (LinuxConstants.IFNAMSIZ - 1) + " bytes, not " + bytes,
          "use a shorter name");
    }
    if (name.equals(".")
        || name.equals("..")
        || name.chars().anyMatch(c -> c == '/' || c == ':' || c == '%' || c <= ' ')) {
      throw new VnetException(
          "open",
          name,
          Errno.EINVAL,
          "an interface name has no '/', ':', '%' or space",
          "use another name");
    }
  }

  private TunBackend openHere(BackendRequest request, IslandLoop island) {
    String name = request.interfaceName();
    try (Arena arena = Arena.ofConfined()) {
      InterfaceRequest interfaceRequest = new InterfaceRequest(libc, arena, name);
      int socket = socket(LinuxConstants.AF_INET, LinuxConstants.SOCK_DGRAM, 0, name);
      try {
        long flagsBefore = interfaceRequest.flags(socket);
        boolean existed = exists(request, flagsBefore);
        long mtuBefore = existed ? interfaceRequest.mtu(socket) : 0;
        if (mtuBefore < 0) {
          throw failure("SIOCGIFMTU", name, mtuBefore, "");
        }
        int tun = openNode(name);
        try {
          attach(request, interfaceRequest, tun, existed);
          Set<OffloadFeature> offloads;
          try {
            offloads = offload(request, tun);
            configure(request, interfaceRequest, socket);
          } catch (RuntimeException e) {
            if (existed) {
              interfaceRequest.setMtu(socket, (int) mtuBefore);
              interfaceRequest.setFlags(socket, (int) flagsBefore);
            }
            throw e;
          }
          return new TunBackend(
              libc, name, tun, request.name().driver().layer(), request.mtu(), island, offloads);
        } catch (RuntimeException e) {
          libc.close(tun);
          throw e;
        }
      } finally {
        libc.close(socket);
      }
    }
  }

  private static boolean exists(BackendRequest request, long flags) {
    String name = request.interfaceName();
    if (flags < 0 && Errno.ofNumber((int) -flags) != Errno.ENODEV) {
      throw failure("SIOCGIFFLAGS", name, flags, "");
    }
    boolean exists = flags >= 0;
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

  private void attach(
      BackendRequest request, InterfaceRequest interfaceRequest, int tun, boolean existed) {
    int flags =
        LinuxConstants.IFF_NO_PI
            | (request.name().driver() == DriverKind.TUN
                ? LinuxConstants.IFF_TUN
                : LinuxConstants.IFF_TAP)
            | (request.host().offload() ? LinuxConstants.IFF_VNET_HDR : 0)
            | (existed ? 0 : LinuxConstants.IFF_TUN_EXCL);
    long set = interfaceRequest.setTun(tun, flags);
    if (set < 0) {
      String name = request.interfaceName();
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
              arena.allocateFrom(ValueLayout.JAVA_INT, VnetHeader.BYTES).address());
      if (sized < 0) {
        throw failure("TUNSETVNETHDRSZ", request.interfaceName(), sized, "");
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

  private void setOffload(BackendRequest request, int tun, int flags) {
    long set = libc.ioctl(tun, LinuxConstants.TUNSETOFFLOAD, flags);
    if (set < 0) {
      throw failure("TUNSETOFFLOAD", request.interfaceName(), set, "");
    }
  }

  private void configure(BackendRequest request, InterfaceRequest interfaceRequest, int socket) {
    String name = request.interfaceName();
    long mtu = interfaceRequest.setMtu(socket, request.mtu());
    if (mtu < 0) {
      throw failure(
          "SIOCSIFMTU",
          name,
          mtu,
          "the kernel refuses an MTU of " + request.mtu() + " here; use another");
    }
    if (!request.host().addresses().isEmpty()) {
      addAddresses(request, interfaceRequest, socket);
    }
    if (request.up()) {
      long flags = interfaceRequest.flags(socket);
      long up =
          flags < 0
              ? flags
              : interfaceRequest.setFlags(socket, (int) flags | LinuxConstants.IFF_UP);
      if (up < 0) {
        throw failure("SIOCSIFFLAGS", name, up, "");
      }
    }
  }

  private void addAddresses(BackendRequest request, InterfaceRequest interfaceRequest, int socket) {
    String name = request.interfaceName();
    long index = interfaceRequest.index(socket);
    if (index < 0) {
      throw failure("SIOCGIFINDEX", name, index, "");
    }
    int netlink =
        socket(
            LinuxConstants.AF_NETLINK,
            LinuxConstants.SOCK_RAW,
            NetlinkConstants.NETLINK_ROUTE,
            name);
    try (Arena arena = Arena.ofConfined()) {
      for (IpPrefix prefix : request.host().addresses()) {
        long added = AddressRequest.add(libc, arena, netlink, (int) index, prefix);
        if (added < 0) {
          throw failure("RTM_NEWADDR " + prefix, name, added, "");
        }
      }
    } finally {
      libc.close(netlink);
    }
  }

  private int socket(int family, int type, int protocol, String name) {
    long socket = libc.socket(family, type | LinuxConstants.SOCK_CLOEXEC, protocol);
    if (socket < 0) {
      throw failure("socket", name, socket, "");
    }
    return (int) socket;
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

  private static VnetException failure(String operation, String name, long result, String remedy) {
    Errno errno = Errno.ofNumber((int) -result);
    String known =
        switch (errno) {
          case EPERM -> "run with CAP_NET_ADMIN (root)";
          case EMFILE -> MORE_DESCRIPTORS;
          default -> remedy;
        };
    return new VnetException(operation, name, errno, Libc.meaning(result), known);
  }
}
