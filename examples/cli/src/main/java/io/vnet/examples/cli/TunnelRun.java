package io.vnet.examples.cli;

import io.vnet.actors.HostSettings;
import io.vnet.actors.VnetHost;
import io.vnet.api.address.Endpoint;
import io.vnet.api.backend.HostIo;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.api.device.InheritedDescriptors;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.netlink.InterfaceAddress;
import io.vnet.io.netlink.Link;
import io.vnet.io.netlink.Netlink;
import io.vnet.io.udp.UdpSettings;
import io.vnet.tunnel.Outside;
import io.vnet.tunnel.WireGuardTunnel;
import io.vnet.tunnel.config.ConfigurationFile;
import io.vnet.tunnel.config.ConfigurationText;
import io.vnet.tunnel.config.EndpointResolver;
import io.vnet.tunnel.config.QuickConfiguration;
import io.vnet.tunnel.config.QuickSettings;
import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.quick.InterfacePort;
import io.vnet.tunnel.quick.Moment;
import io.vnet.tunnel.quick.Programs;
import io.vnet.tunnel.quick.Quick;
import io.vnet.tunnel.quick.QuickRequest;
import io.vnet.tunnel.quick.RoutingTableNames;
import io.vnet.tunnel.quick.Sysctl;
import io.vnet.tunnel.quick.TunPlace;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.settings.TunnelStatus;
import io.vnet.tunnel.settings.ZoneNames;
import io.vnet.tunnel.uapi.UapiServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One run of {@code vnet tunnel}: what was said is checked, then the interface, the tunnel, its
 * socket and what surrounds it are made, in this order, and taken back in the reverse one: at the
 * end, or as far as they got if a step fails. One thread.
 */
final class TunnelRun {
  /** As wireguard-go has it: what Ethernet leaves if the way outside is IPv6. */
  private static final int DEFAULT_MTU = 1420;

  private static final Logger LOG = LoggerFactory.getLogger(TunnelRun.class);
  private static final String TUN_DESCRIPTOR = "WG_TUN_FD";
  private static final String TUN_NAME_FILE = "WG_TUN_NAME_FILE";

  /** Under which the service manager keeps the interface. */
  private static final String KEPT = "tun";

  private final Options options;
  private final Termination termination;
  private final PrintWriter out;
  private final PrintWriter err;

  /** The interface's; that of the one that was taken over, if one is. */
  private String name;

  /** The number of an interface that the service manager has a copy of; 0: of none. */
  private int kept;

  private final Deque<Runnable> closings = new ArrayDeque<>();
  private final AtomicReference<Optional<Throwable>> defect =
      new AtomicReference<>(Optional.empty());

  /**
   * What was said on the command line and in the environment.
   *
   * @param interfaceName of an interface to be made; one that is taken over has its own
   * @param file of wg-quick
   * @param allowHooks whether the file's commands may run
   * @param io how I/O threads talk to the kernel
   * @param crypto who computes
   * @param environment of the process
   */
  record Options(
      String interfaceName,
      Optional<Path> file,
      boolean allowHooks,
      HostIo io,
      Crypto crypto,
      Map<String, String> environment) {}

  /** A file that can be carried out as far as can be known before. */
  private record Plan(
      Path file, QuickSettings settings, QuickRequest request, TunnelChange change) {}

  TunnelRun(Options options, Termination termination, PrintWriter out, PrintWriter err) {
    this.options = options;
    this.name = options.interfaceName;
    this.termination = termination;
    this.out = out;
    this.err = err;
  }

  /** Runs until the termination is requested, by whomever; the exit code. */
  int run() throws InterruptedException {
    Telling manager = Telling.open(this::warn);
    closings.push(manager::close);
    try {
      OptionalInt given = givenDescriptor();
      given.stream()
          .mapToObj(TunPlace::interfaceName)
          .flatMap(Optional::stream)
          .forEach(itsName -> name = itsName);
      Optional<Plan> plan = plan();
      if (!termination.isRequested()) {
        start(plan, given, manager);
        out.println("ready " + name);
        out.flush();
        manager.ready(name);
        termination.await();
        manager.stopping();
      }
    } catch (RuntimeException | Error | InterruptedException e) {
      close().forEach(e::addSuppressed);
      throw e;
    }
    List<Throwable> failures = new ArrayList<>(close());
    defect.get().ifPresent(failures::addFirst);
    failures.forEach(failure -> err.println("vnet: " + failure.getMessage()));
    err.flush();
    return failures.isEmpty() ? 0 : 1;
  }

  /** All of them, whatever becomes of the others. */
  private List<Throwable> close() {
    List<Throwable> failures = new ArrayList<>();
    while (!closings.isEmpty()) {
      try {
        closings.pop().run();
      } catch (RuntimeException | Error e) {
        failures.add(e);
        failures.addAll(List.of(e.getSuppressed()));
      }
    }
    return failures;
  }

  private void warn(String warning) {
    err.println("vnet: warning: " + warning);
    err.flush();
  }

  /** Reads the file, asks for its names, and refuses what cannot be done. */
  private Optional<Plan> plan() {
    if (options.file.isEmpty()) {
      return Optional.empty();
    }
    Path file = options.file.get();
    QuickConfiguration configuration = ConfigurationFile.load(file);
    configuration.warnings().forEach(warning -> warn(warning.toString()));
    // Names may take long, so all else is refused before they are asked for.
    check(configuration);
    Map<PublicKey, Endpoint> endpoints = resolve(configuration);
    return termination.isRequested()
        ? Optional.empty()
        : Optional.of(
            new Plan(
                file,
                configuration.quick(),
                request(configuration, endpoints),
                configuration.toChange(endpoints)));
  }

  private QuickRequest request(
      QuickConfiguration configuration, Map<PublicKey, Endpoint> endpoints) {
    return QuickRequest.of(name, configuration, endpoints, RoutingTableNames.ofHost());
  }

  private void check(QuickConfiguration configuration) {
    try {
      Quick.check(request(configuration, Map.of()), Programs.ofHost(), options.allowHooks);
    } catch (VnetException e) {
      throw new UnusableFileException(e);
    }
  }

  /** Nothing if the end was asked for meanwhile. */
  private Map<PublicKey, Endpoint> resolve(QuickConfiguration configuration) {
    CompletableFuture<Map<PublicKey, Endpoint>> found = new CompletableFuture<>();
    Thread asking =
        Thread.ofVirtual()
            .name("vnet-names")
            .start(() -> {
              try {
                found.complete(EndpointResolver.ofSystem().resolve(configuration));
              } catch (Throwable e) {
                found.completeExceptionally(e);
              }
            });
    CompletableFuture<Boolean> end = termination.requested().toCompletableFuture();
    if (await(found.thenApply(_ -> false).applyToEither(end, ended -> ended))) {
      asking.interrupt();
      return Map.of();
    }
    return await(found);
  }

  /** Waits, and throws what a stage failed with. */
  private static <T> T await(CompletionStage<T> stage) {
    try {
      return stage.toCompletableFuture().join();
    } catch (CompletionException e) {
      Throwable cause = Failures.cause(e);
      if (cause instanceof VnetException failure) {
        throw failure.rethrown();
      }
      if (cause instanceof RuntimeException failure) {
        throw failure;
      }
      throw e;
    }
  }

  private void start(Optional<Plan> plan, OptionalInt given, Telling manager) {
    Surroundings surroundings = new Surroundings();
    closings.push(surroundings::afterwards);
    Netlink netlink = Netlink.open();
    closings.push(netlink::close);
    VnetHost host = VnetHost.start(HostSettings.defaults().withIo(options.io));
    closings.push(host::close);
    closings.push(() -> deleteKept(netlink));
    Device device = host.create(spec(netlink, given));
    closings.push(() -> {
      // By force, and whoever deleted the interface may have done it already: gone it is.
      var _ = device.destroyAsync(DestroyPolicy.FORCE);
      await(device.gone());
    });
    DeviceHandle handle = device.open();
    // It may be renamed, and moved away from here, but it keeps its number while it is here.
    int index = netlink.link(handle.interfaceName()).map(Link::index).orElse(0);
    InterfacePort inside = new InterfacePort(handle);
    WireGuardTunnel tunnel =
        WireGuardTunnel.start(
            host, name, inside, Outside.udp(UdpSettings.onPort(0)), options.crypto);
    closings.push(tunnel::close);
    var _ =
        tunnel
            .ended()
            .whenComplete((_, failure) -> {
              defect.set(Optional.ofNullable(failure).map(Failures::cause));
              termination.request();
            });
    UapiServer server = serve(tunnel);
    closings.push(server::close);
    writeName();
    plan.ifPresent(known -> surroundings.bringUp(known, netlink, tunnel));
    InterfaceFollower follower =
        InterfaceFollower.start(handle::interfaceName, inside, tunnel, termination::request);
    closings.push(follower::close);
    closings.push(() -> surroundings.goingDown(netlink, index, tunnel));
    TunPlace.descriptor(handle.interfaceName())
        .ifPresent(fd -> {
          manager.keep(KEPT, fd);
          closings.push(() -> {
            kept = index;
            manager.forget(KEPT);
          });
        });
  }

  /** The manager closes its copy when it comes to it, but hooks find the interface gone. */
  private void deleteKept(Netlink netlink) {
    if (kept == 0) {
      return;
    }
    try {
      netlink.link(kept).map(Link::index).ifPresent(netlink::deleteLink);
    } catch (VnetException e) {
      if (e.errno() != Errno.ENODEV) {
        throw e;
      }
      LOG.debug("the service manager was faster", e);
    }
  }

  private DeviceSpec spec(Netlink netlink, OptionalInt given) {
    HostBacking backing =
        given.isPresent() ? HostBacking.adopt(given.getAsInt()) : HostBacking.create();
    // An interface that is there keeps the MTU that somebody gave it.
    int mtu =
        given.isPresent() ? netlink.link(name).map(Link::mtu).orElse(DEFAULT_MTU) : DEFAULT_MTU;
    return DeviceSpec.of("tun")
        .withMtu(mtu)
        .withUp(false)
        .withHost(backing.withInterfaceName(name).withOffload(true));
  }

  /** A parent's, or one that the service manager has kept. */
  private OptionalInt givenDescriptor() {
    String text = options.environment.getOrDefault(TUN_DESCRIPTOR, "");
    if (text.isEmpty()) {
      return InheritedDescriptors.of(options.environment, ProcessHandle.current().pid()).stream()
          .filter(inherited -> inherited.name().equals(KEPT))
          .mapToInt(InheritedDescriptors.Inherited::number)
          .findFirst();
    }
    if (!text.matches("[0-9]{1,9}")) {
      throw new VnetException(
          "adopt",
          TUN_DESCRIPTOR,
          Errno.EINVAL,
          "'" + text + "' is no descriptor's number",
          "unset it, or hand over a descriptor of /dev/net/tun");
    }
    return OptionalInt.of(Integer.parseInt(text));
  }

  private UapiServer serve(WireGuardTunnel tunnel) {
    OptionalInt inherited = UapiServer.inherited(options.environment);
    ZoneNames zones = ZoneNames.ofThisProcess();
    return inherited.isPresent()
        ? UapiServer.adopt(
            inherited.getAsInt(), UapiServer.DIRECTORY, name, tunnel, zones, termination::request)
        : UapiServer.listen(UapiServer.DIRECTORY, name, tunnel, zones, termination::request);
  }

  private void writeName() {
    String file = options.environment.getOrDefault(TUN_NAME_FILE, "");
    if (!file.isEmpty()) {
      try {
        Files.writeString(Path.of(file), name + "\n");
      } catch (IOException e) {
        throw new VnetException(
            "write", file, Errno.EIO, String.valueOf(e.getMessage()), "see " + TUN_NAME_FILE, e);
      }
    }
  }

  /** The tunnel's own part of bringing up. */
  private record Configuring(WireGuardTunnel tunnel, TunnelChange change)
      implements Quick.Configuration {
    @Override
    public int mark() {
      return await(tunnel.status()).mark();
    }

    @Override
    public void apply(OptionalInt mark) {
      await(
          tunnel
              .change(mark.isPresent() ? change.withMark(mark.getAsInt()) : change)
              // Now, so that a port that is taken is told before anything else is made.
              .thenCompose(_ -> tunnel.up()));
    }
  }

  /** What the file asks for around the tunnel; nothing without a file. */
  private final class Surroundings {
    private Optional<Plan> plan = Optional.empty();
    private Optional<Quick> quick = Optional.empty();

    void bringUp(Plan known, Netlink netlink, WireGuardTunnel tunnel) {
      Quick up =
          Quick.up(
              netlink,
              Sysctl.ofHost(),
              Programs.ofHost(),
              known.request,
              new Configuring(tunnel, known.change));
      plan = Optional.of(known);
      quick = Optional.of(up);
      closings.push(up::close);
    }

    /** Saves after the hooks, whatever became of them; saving is a step of its own. */
    void goingDown(Netlink netlink, int index, WireGuardTunnel tunnel) {
      plan.filter(known -> known.settings.saveConfig())
          .ifPresent(known -> closings.push(() -> save(known, netlink, index, tunnel)));
      quick.ifPresent(there -> there.goingDown(Moment.PRE_DOWN));
    }

    /** Not without the interface: its addresses would be lost. */
    private void save(Plan known, Netlink netlink, int index, WireGuardTunnel tunnel) {
      Optional<Link> link = netlink.link(index);
      Optional<TunnelStatus> status = link.isPresent() ? status(tunnel) : Optional.empty();
      if (link.isEmpty() || status.isEmpty()) {
        warn(known.file + " is not saved: the interface is not here any more");
        return;
      }
      QuickSettings settings =
          known.settings.withAddresses(
              netlink.addresses().stream()
                  .filter(
                      address -> address.interfaceIndex() == index && !address.state().kernelMade())
                  .map(InterfaceAddress::prefix)
                  .toList());
      if (settings.mtu().isPresent()) {
        settings = settings.withMtu(link.get().mtu());
      }
      ConfigurationFile.save(
          known.file, ConfigurationText.quick(settings, status.get(), ZoneNames.ofThisProcess()));
    }

    /** Empty if it has ended, with its interface. */
    private static Optional<TunnelStatus> status(WireGuardTunnel tunnel) {
      try {
        return Optional.of(await(tunnel.status()));
      } catch (VnetException e) {
        if (e.errno() != Errno.ESHUTDOWN) {
          throw e;
        }
        return Optional.empty();
      }
    }

    void afterwards() {
      quick.ifPresent(there -> there.goingDown(Moment.POST_DOWN));
    }
  }
}
