package io.vnet.io.tun;

import io.vnet.api.backend.BackendRequest;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.device.DriverKind;
import io.vnet.api.device.HostBacking;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.port.OffloadFeature;
import io.vnet.io.libc.InterfaceNames;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.loop.IslandLoop;
import io.vnet.io.netlink.Link;
import io.vnet.io.netlink.Netlink;
import io.vnet.io.netlink.NetworkPlan;
import io.vnet.io.netns.NetworkNamespace;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Opens a TUN or TAP interface: node, TUNSETIFF for each queue, MTU, addresses, up, owner,
 * persistence. Only descriptors that went through all of it, and are non-blocking from the start,
 * become a {@link TunBackend}, or several in a {@link TunQueues}.
 *
 * <p><b>Undo:</b> if a step fails, every descriptor that was opened is closed; with it a new
 * interface vanishes, and one that existed gets its MTU, flags, owner and persistence back.
 *
 * <p>Each method blocks. Safe on any thread.
 */
public final class TunOpener {
  private static final int OPEN_FLAGS =
      LinuxConstants.O_RDWR | LinuxConstants.O_NONBLOCK | LinuxConstants.O_CLOEXEC;

  /** The kernel's own bound, MAX_TAP_QUEUES. */
  private static final int QUEUES_MAX = 256;

  /** (uid_t) -1 is nobody's. */
  private static final long ID_MAX = 0xFFFF_FFFEL;

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
   * @param island will see the readiness of each queue
   * @throws VnetException naming the failing call, its errno and the remedy
   */
  public DeviceBackend open(BackendRequest request, IslandLoop island) {
    return open(request, _ -> island);
  }

  /**
   * Opens what is asked for.
   *
   * @param islands gives each queue, in order, the island that will see its readiness
   * @throws VnetException naming the failing call, its errno and the remedy
   */
  public DeviceBackend open(BackendRequest request, IslandChoice islands) {
    check(request);
    if (request.host().mode() == HostBacking.Mode.ADOPT) {
      return new TunAdoption(libc, request).adopt(islands);
    }
    if (request.host().networkNamespace().isEmpty()) {
      return openHere(request, islands);
    }
    Path file = request.host().networkNamespace().get();
    try (NetworkNamespace namespace = NetworkNamespace.open(libc, file)) {
      return namespace.call(() -> openHere(request, islands));
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
          new TunDescriptor(libc, tun, "vnetprobe")
              .attach(
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
    HostBacking host = request.host();
    if (request.name().driver() == DriverKind.VMNET) {
      throw new VnetException(
          "open",
          name,
          Errno.EOPNOTSUPP,
          "the host's kernel has no vmnet",
          "use tap, or a vmnet in memory");
    }
    InterfaceNames.check("open", name);
    if (host.queues() < 1 || host.queues() > QUEUES_MAX) {
      throw invalid(
          name, host.queues() + " queues", "an interface has 1 to " + QUEUES_MAX + " queues");
    }
    checkId(name, "owner", host.ownership().owner());
    checkId(name, "group", host.ownership().group());
    if (host.mode() == HostBacking.Mode.ADOPT) {
      if (host.networkNamespace().isPresent()) {
        throw invalid(
            name,
            "an adopted descriptor's interface is in a namespace already",
            "name no namespace; move the interface before");
      }
      if (host.queues() != host.descriptors().size()) {
        throw invalid(
            name,
            host.queues() + " queues of " + host.descriptors().size() + " descriptors",
            "an adopted descriptor is one queue");
      }
    }
  }

  private static void checkId(String name, String what, OptionalLong id) {
    if (id.isPresent() && (id.getAsLong() < 0 || id.getAsLong() > ID_MAX)) {
      throw invalid(name, what + " " + id.getAsLong(), "ids are 0 to " + ID_MAX);
    }
  }

  private static VnetException invalid(String name, String reason, String remedy) {
    return new VnetException("open", name, Errno.EINVAL, reason, remedy);
  }

  private DeviceBackend openHere(BackendRequest request, IslandChoice islands) {
    String name = request.interfaceName();
    TunConfiguration configuration = new TunConfiguration(libc, request);
    try (Netlink netlink = Netlink.open(libc)) {
      Optional<Link> former = netlink.link(name);
      checkMode(request, former.isPresent());
      boolean multiQueue = multiQueue(request, former);
      Undo undo = new Undo();
      try {
        List<TunInterface> queues = attach(request, former.isPresent(), multiQueue, undo);
        TunDescriptor tun = new TunDescriptor(libc, queues.getFirst().fd(), name);
        if (former.isPresent() && multiQueue) {
          checkHeaders(request, netlink.link(name));
        }
        Set<OffloadFeature> offloads = tun.takeOffloads(request.host().offload());
        NetworkPlan.Applied applied = configuration.plan(name).apply(netlink);
        if (former.isPresent()) {
          undo.add(applied::close);
        }
        configuration.own(tun, former, undo);
        return configuration.backend(queues, offloads, islands);
      } catch (RuntimeException | Error e) {
        undo.run(e);
        throw e;
      }
    }
  }

  private static void checkMode(BackendRequest request, boolean exists) {
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
  }

  /**
   * Whether to attach as to an interface with several queues, as one that exists has to be.
   *
   * @throws VnetException EINVAL: it has one; EBUSY: it has several, and somebody is attached,
   *     which the kernel itself would put up with: but packets of a flow would go to either
   */
  private static boolean multiQueue(BackendRequest request, Optional<Link> former) {
    String name = request.interfaceName();
    int queues = request.host().queues();
    Optional<Link.Tun> was = former.flatMap(Link::tun);
    if (was.isEmpty()) {
      return queues > 1;
    }
    Link.Tun tun = was.get();
    if (queues > 1 && !tun.multiQueue() && tun.driver() == request.name().driver()) {
      throw new VnetException(
          "attach",
          name,
          Errno.EINVAL,
          "the existing interface has one queue, not " + queues,
          "use one queue, or make it again: ip tuntap add name "
              + name
              + " mode "
              + tun.driver().driverName()
              + " multi_queue");
    }
    if (tun.multiQueue() && tun.queues() + tun.disabledQueues() > 0) {
      throw busy("attach", name);
    }
    return tun.multiQueue() || queues > 1;
  }

  private List<TunInterface> attach(
      BackendRequest request, boolean existed, boolean multiQueue, Undo undo) {
    String name = request.interfaceName();
    int flags =
        LinuxConstants.IFF_NO_PI
            | LinuxConstants.IFF_NO_CARRIER
            | (request.name().driver() == DriverKind.TUN
                ? LinuxConstants.IFF_TUN
                : LinuxConstants.IFF_TAP)
            | (request.host().offload() ? LinuxConstants.IFF_VNET_HDR : 0)
            | (multiQueue ? LinuxConstants.IFF_MULTI_QUEUE : 0);
    List<TunInterface> queues = new ArrayList<>();
    for (int i = 0; i < request.host().queues(); i++) {
      int tun = openNode(name);
      undo.add(() -> libc.close(tun));
      // What this makes is new: nobody else may have made it meanwhile.
      int exclusive = i == 0 && !existed ? LinuxConstants.IFF_TUN_EXCL : 0;
      long set = new TunDescriptor(libc, tun, name).attach(name, flags | exclusive);
      if (set < 0) {
        throw refused(name, name, request.name().driver(), set, existed);
      }
      if (i == 0) {
        TunInterface first = new TunInterface(libc, tun, name);
        // Before it is up, so that nobody sees it on; a second time for Linux before 6.1.
        first.carrier(false);
        queues.add(first);
      } else {
        queues.getFirst().checkCalled(name);
        queues.add(queues.getFirst().queue(tun));
      }
    }
    return queues;
  }

  /** Who comes second to an interface of several queues gets packets as the first wanted them. */
  private static void checkHeaders(BackendRequest request, Optional<Link> link) {
    if (link.flatMap(Link::tun)
        .filter(tun -> tun.packetInformation() || tun.vnetHeader() != request.host().offload())
        .isPresent()) {
      throw busy("attach", request.interfaceName());
    }
  }

  private static VnetException busy(String operation, String name) {
    return new VnetException(
        operation,
        name,
        Errno.EBUSY,
        "another process is attached to it",
        "stop that process or use another name");
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
          case EBUSY -> existed ? "another process is attached to it" : "somebody has just made it";
          case E2BIG -> "it has as many queues as the kernel allows";
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
          case EBUSY -> existed ? "stop that process or use another name" : "use another name";
          case EINVAL -> existed ? "use another name" : "";
          default -> "";
        });
  }
}
