package io.vnet.actors;

import akka.Done;
import akka.actor.BootstrapSetup;
import akka.actor.Cancellable;
import akka.actor.CoordinatedShutdown;
import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.javadsl.Behaviors;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.vnet.actors.core.ReplyTo;
import io.vnet.actors.device.EventLog;
import io.vnet.actors.device.GraceGauge;
import io.vnet.actors.device.GracePeriodActor;
import io.vnet.actors.device.HostActor;
import io.vnet.actors.device.HostContext;
import io.vnet.actors.device.HostFailure;
import io.vnet.actors.device.Naps;
import io.vnet.actors.device.Node;
import io.vnet.actors.device.NodeTable;
import io.vnet.actors.device.VnetTable;
import io.vnet.actors.port.AnswerLane;
import io.vnet.actors.port.Answers;
import io.vnet.actors.stream.IslandDispatchers;
import io.vnet.actors.stream.PacketStreams;
import io.vnet.api.backend.HostInterface;
import io.vnet.api.backend.HostNetworkProvider;
import io.vnet.api.device.ClonePolicy;
import io.vnet.api.device.Credential;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceEvent;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceInfo;
import io.vnet.api.device.DeviceName;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.LinkEvent;
import io.vnet.api.device.Vnet;
import io.vnet.api.epoch.Epoch;
import io.vnet.api.epoch.StalledReader;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.HostedPort;
import io.vnet.api.port.Island;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PacketPort.Registration;
import io.vnet.api.port.PortSite;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Virtual networking in this process: makes devices and ports, and ends them all when it is closed.
 *
 * <pre>{@code
 * try (VnetHost host = VnetHost.start()) {
 *   Device device = host.create(DeviceSpec.of("tap"));
 *   try (DeviceHandle handle = device.open(); NetworkEnd network = device.networkEnd()) {
 *     …
 *   }
 * }
 * }</pre>
 *
 * <p>Several hosts can live in one process; units, names and memory bounds are a host's own. Safe
 * on any thread. Calls that wait throw EDEADLK on one of the host's I/O threads.
 */
public final class VnetHost implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(VnetHost.class);
  private static final AtomicLong HOST_NUMBERS = new AtomicLong();
  private static final String CONTROL_DISPATCHER = "vnet.control-dispatcher";
  private static final int SLAB_BYTES = SlabPool.DEFAULT_SLAB_BYTES;
  // Some 15 super-packets a batch.
  private static final int SUPER_SLAB_BYTES = 1024 * 1024;
  // Of longer packets the smaller slabs would hold fewer than eight.
  private static final int JUMBO_MTU = SLAB_BYTES / 8;
  private static final int RING_BYTES = 1024 * 1024;
  private static final int BLOCKING_THREADS = 16;
  private static final long BLOCKING_IDLE_SECONDS = 2;
  private static final long RECHECK_MILLIS = 1;

  private final ActorSystem<?> system;
  private final boolean ownsSystem;
  private final HostContext context;
  private final SlabPool batchSlabs;
  private final BatchPool batches;
  private final SlabPool superSlabs;
  private final BatchPool superBatches;
  private final ThreadPoolExecutor blocking;
  private final HostNetworks networks;
  private final IslandDispatchers dispatchers;
  private final HostPorts ports = new HostPorts();
  private final ActorRef<HostActor.Command> root;
  private final HostActor.Actors actors;
  private final Vnet vnet0 = new HostVnet(this, HostActor.VNET0);
  private final Cancellable shutdownTask;
  private final Map<Long, CompletableFuture<?>> unanswered = new ConcurrentHashMap<>();
  private final AtomicLong requests = new AtomicLong();
  private final AtomicReference<@Nullable CompletableFuture<HostStatistics>> terminated =
      new AtomicReference<>();
  private final CompletableFuture<HostActor.Terminated> devicesGone = new CompletableFuture<>();
  private volatile boolean gone;

  private VnetHost(
      ActorSystem<?> system,
      boolean ownsSystem,
      HostSettings settings,
      Supplier<Optional<HostNetworkProvider>> provider,
      Function<HostContext, Behavior<HostActor.Command>> rootBehavior) {
    if (!system.settings().config().hasPath(CONTROL_DISPATCHER)) {
      throw new IllegalStateException(
          CONTROL_DISPATCHER
              + " is not configured: reference.conf of vnet-actors is missing; a single jar has to"
              + " append those of all its parts, and a configuration of your own has to fall back on"
              + " ConfigFactory.load()");
    }
    String name = "vnet-host-" + HOST_NUMBERS.getAndIncrement();
    this.system = system;
    this.ownsSystem = ownsSystem;
    this.blocking = blockingThreads(name);
    this.networks = new HostNetworks(settings.islands(), provider);
    this.batchSlabs = new SlabPool(SLAB_BYTES, slabs(settings.batchMemoryBytes(), SLAB_BYTES));
    this.batches = new BatchPool(batchSlabs);
    this.superSlabs =
        new SlabPool(SUPER_SLAB_BYTES, slabs(settings.batchMemoryBytes(), SUPER_SLAB_BYTES));
    this.superBatches = new BatchPool(superSlabs);
    this.dispatchers = new IslandDispatchers(system);
    Epoch epoch = Epoch.create();
    Executor control =
        system.dispatchers().lookup(DispatcherSelector.fromConfig(CONTROL_DISPATCHER));
    this.context =
        new HostContext(
            epoch,
            new SlabPool(RING_BYTES, slabs(settings.ringMemoryBytes(), RING_BYTES)),
            new BatchPool(batchSlabs, 1, 0, 0),
            new NodeTable(),
            new VnetTable(epoch),
            new AtomicReference<>(settings.policy()),
            new EventLog(blocking, System::nanoTime),
            new GraceGauge(settings.retiringMax()),
            new HostFailure(_ -> refuse(), this::actorsStopped),
            blocking,
            new AnswerLane(control, ForkJoinPool.commonPool()),
            networks,
            new Naps(control),
            System::nanoTime,
            settings.stallLimit().toNanos(),
            new AtomicLong(),
            this::checkMayWait);
    this.root =
        system.systemActorOf(
            rootBehavior.apply(context), name, DispatcherSelector.fromConfig(CONTROL_DISPATCHER));
    CompletableFuture<HostActor.Actors> started = new CompletableFuture<>();
    root.tell(new HostActor.WhoIsThere(started::complete));
    this.actors = started.join();
    this.shutdownTask =
        CoordinatedShutdown.get(system)
            .addCancellableTask(
                CoordinatedShutdown.PhaseBeforeActorSystemTerminate(),
                name,
                () -> terminate().thenApply(_ -> Done.getInstance()));
  }

  /** A host with an actor system of its own and the default limits. */
  public static VnetHost start() {
    return start(HostSettings.defaults());
  }

  /** A host with an actor system of its own. */
  public static VnetHost start(HostSettings settings) {
    return start(settings, HostNetworks::onClassPath);
  }

  /** With another way to reach the kernel than what is on the class path. */
  static VnetHost start(HostSettings settings, Supplier<Optional<HostNetworkProvider>> provider) {
    return start(settings, provider, HostActor::create);
  }

  /** With another way to reach the kernel and another root of the host's actors. */
  static VnetHost start(
      HostSettings settings,
      Supplier<Optional<HostNetworkProvider>> provider,
      Function<HostContext, Behavior<HostActor.Command>> root) {
    ActorSystem<Void> system =
        ActorSystem.create(
            Behaviors.empty(), "vnet-" + HOST_NUMBERS.get(), BootstrapSetup.create(ownConfig()));
    return new VnetHost(system, true, settings, provider, root);
  }

  /**
   * A host on an application's actor system. The host ends when it is closed, or as a task of the
   * system's coordinated shutdown; it never ends the system.
   */
  public static VnetHost on(ActorSystem<?> system, HostSettings settings) {
    return new VnetHost(system, false, settings, HostNetworks::onClassPath, HostActor::create);
  }

  private static Config ownConfig() {
    return ConfigFactory.parseString(
            """
            akka.jvm-shutdown-hooks = off
            akka.coordinated-shutdown.run-by-jvm-shutdown-hook = off
            akka.log-dead-letters-during-shutdown = off
            akka.stdout-loglevel = OFF
            """)
        .withFallback(ConfigFactory.load());
  }

  private static int slabs(long bytes, int slabBytes) {
    return (int) Math.min(Integer.MAX_VALUE, bytes / slabBytes);
  }

  private static ThreadPoolExecutor blockingThreads(String name) {
    AtomicLong number = new AtomicLong();
    ThreadPoolExecutor threads =
        new ThreadPoolExecutor(
            BLOCKING_THREADS,
            BLOCKING_THREADS,
            BLOCKING_IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task ->
                Thread.ofPlatform()
                    .daemon()
                    .name(name + "-blocking-" + number.getAndIncrement())
                    .unstarted(task));
    threads.allowCoreThreadTimeOut(true);
    return threads;
  }

  /**
   * Creates a device in {@link #vnet0} and waits until it is ready.
   *
   * @throws VnetException as {@link Vnet#create}
   */
  public Device create(DeviceSpec spec) {
    return vnet0.create(spec);
  }

  /** {@link #create} without waiting. */
  public CompletionStage<Device> createAsync(DeviceSpec spec) {
    return vnet0.createAsync(spec);
  }

  /**
   * Opens a device by a name of its node, and makes it if the {@link #policy} lets the caller:
   * {@code tun} is always a new device, {@code tun3} that one, an alias the one it stands for.
   *
   * @throws VnetException ENOENT: there is no such device, and none may be made; ENXIO: it is being
   *     created or destroyed; EBUSY: it is open; else as {@link Vnet#create}
   */
  public DeviceHandle open(String name, Credential caller) {
    checkMayWait("open");
    return Answers.join(openAsync(name, caller).toCompletableFuture());
  }

  /** {@link #open} without waiting. A handle nobody takes (the stage was cancelled) is closed. */
  public CompletionStage<DeviceHandle> openAsync(String name, Credential caller) {
    Optional<Node> node = context.nodes().find(name);
    if (node.isPresent()) {
      return device(node.get()).openAsync();
    }
    if (gone) {
      return CompletableFuture.failedStage(closedException("open", name));
    }
    Optional<DeviceName> wanted = DeviceName.match(name);
    if (wanted.isEmpty()
        || wanted.get().unit() > DeviceName.MAX_UNIT
        || !policy().mayClone(wanted.get().driver(), caller)) {
      return CompletableFuture.failedStage(
          new VnetException(
              "open",
              name,
              Errno.ENOENT,
              "there is no such device, and this caller may not make it by opening it",
              "create it first, or change the policy"));
    }
    return vnet0
        .createAsync(DeviceSpec.of(name))
        .thenCompose(Device::openAsync)
        .exceptionallyCompose(failure ->
            Answers.unwrap(failure) instanceof VnetException refused
                    && refused.operation().equals("create")
                    && refused.errno() == Errno.EEXIST
                    && context.nodes().find(name).isPresent()
                ? openAsync(name, caller)
                : CompletableFuture.failedStage(Answers.unwrap(failure)));
  }

  /** What opens may make and do. */
  public ClonePolicy policy() {
    return context.policy().get();
  }

  /** Changes what opens may make and do, from the next one on. */
  public void setPolicy(ClonePolicy newPolicy) {
    context.policy().set(newPolicy);
  }

  /** The vnet that the host started with. */
  public Vnet vnet0() {
    return vnet0;
  }

  /**
   * Makes another vnet.
   *
   * @throws VnetException EEXIST: the name is in use; EINVAL: it is empty; ESHUTDOWN
   */
  public Vnet createVnet(String name) {
    checkMayWait("create vnet");
    return vnetCreated(name, Answers.join(requestVnet(name)));
  }

  /** {@link #createVnet} without waiting. */
  public CompletionStage<Vnet> createVnetAsync(String name) {
    return requestVnet(name).thenApplyAsync(reply -> vnetCreated(name, reply), context.answers());
  }

  private CompletableFuture<HostActor.VnetReply> requestVnet(String name) {
    return request("create vnet", name, reply -> root.tell(new HostActor.CreateVnet(name, reply)));
  }

  private Vnet vnetCreated(String name, HostActor.VnetReply reply) {
    return switch (reply) {
      case HostActor.VnetCreated _ -> new HostVnet(this, name);
      case HostActor.VnetRefused(var cause) -> throw cause.rethrown();
    };
  }

  /** The vnet of this name. */
  public Optional<Vnet> vnet(String name) {
    return context.vnets().contains(name)
        ? Optional.of(new HostVnet(this, name))
        : Optional.empty();
  }

  /** The vnets, in order of their names. */
  public List<Vnet> vnets() {
    return context.vnets().names().stream().<Vnet>map(name -> new HostVnet(this, name)).toList();
  }

  /** The device that has this name or alias now. */
  public Optional<Device> find(String name) {
    return context.nodes().find(name).filter(node -> node.info().isPresent()).map(this::device);
  }

  private HostDevice device(Node node) {
    return new HostDevice(
        this,
        node.id(),
        node.interfaceName(),
        node.info().map(DeviceInfo::mtu).orElse(DeviceSpec.DEFAULT_MTU));
  }

  /** The devices as they are now, in no order. Never waits. */
  public List<DeviceInfo> devices() {
    return context.nodes().all().stream().flatMap(node -> node.info().stream()).toList();
  }

  /**
   * The tun and tap interfaces of the host's kernel, in the process's own network namespace.
   *
   * @throws VnetException EOPNOTSUPP: vnet-io is missing, or the operating system is another
   */
  public List<HostInterface> hostInterfaces() {
    return networks.get().interfaces();
  }

  /** Why host devices cannot be made here and now; empty if they can. */
  public static Optional<VnetException> hostObstacle() {
    return HostNetworks.obstacle();
  }

  /**
   * Batches for this host's ports without offloads. Whoever acquires one releases it or hands it
   * over.
   */
  public BatchPool batches() {
    return batches;
  }

  /**
   * Batches for a port of this host: larger ones if super-packets or jumbo frames may come from it.
   */
  public BatchPool batches(PacketPort port) {
    return port.offloads().isEmpty() && port.mtu() <= JUMBO_MTU ? batches : superBatches;
  }

  /** Streams over a port of this host. Make one per port: its stages share the port's ownership. */
  public PacketStreams streams(PacketPort port) {
    return new PacketStreams(port, batches(port), system, dispatchers);
  }

  /**
   * Opens a port beside the devices, on one of the host's I/O threads, in its epoch and with its
   * grace periods; the host closes it when it ends. With vnet-io:
   *
   * <pre>{@code
   * UdpPort port = host.openPort(site -> UdpPort.open(UdpSettings.onPort(51820), site));
   * }</pre>
   *
   * <p>The thread is one of those that serve devices with offloads, in turn.
   *
   * @param opener is called once, on this thread, and what it throws is thrown here; it makes a
   *     port of the site that it is given, or nothing
   * @throws VnetException EOPNOTSUPP: vnet-io is missing, or the operating system is another;
   *     ESHUTDOWN: the host is closed; ENOBUFS: too much waits for a reader that stalls
   */
  public <P extends HostedPort> P openPort(Function<PortSite, P> opener) {
    return openPortOn(() -> networks.get().island(true), opener);
  }

  /**
   * The same on a certain thread: a stream between this port and a device on the same island
   * ({@code handle.island()}) changes no threads.
   *
   * @param island of this host
   * @throws VnetException EINVAL: it is not; else as {@link #openPort(Function)}
   */
  public <P extends HostedPort> P openPort(Island island, Function<PortSite, P> opener) {
    return openPortOn(() -> checkedOwn(island), opener);
  }

  private <P extends HostedPort> P openPortOn(
      Supplier<Island> island, Function<PortSite, P> opener) {
    context
        .gauge()
        .refusal("open", "port")
        .ifPresent(refusal -> {
          throw refusal;
        });
    return ports.open(
        () -> opener.apply(new PortSite(island.get(), context.epoch(), this::afterGracePeriod)),
        () -> closedException("open", "port"));
  }

  private Island checkedOwn(Island island) {
    if (!networks.get().islands().contains(island)) {
      throw new VnetException(
          "open",
          "port",
          Errno.EINVAL,
          island.name() + " is no I/O thread of this host",
          "use that of one of its host devices, or leave the choice to the host");
    }
    return island;
  }

  /** Through the actor, which reports who stalls it, while there is one. */
  private void afterGracePeriod(Runnable done) {
    if (terminated.get() != null) {
      blocking.execute(() -> whenElapsed(context.epoch().begin(), done));
      return;
    }
    var _ =
        this.<GracePeriodActor.Elapsed>request(
                "retire",
                "port",
                reply -> actors.gracePeriod().tell(new GracePeriodActor.Retire(0, reply)))
            .whenCompleteAsync(
                (_, ended) -> {
                  if (ended == null) {
                    done.run();
                  } else {
                    whenElapsed(context.epoch().begin(), done);
                  }
                },
                blocking);
  }

  private void whenElapsed(long token, Runnable done) {
    if (context.epoch().elapsed(token)) {
      done.run();
    } else {
      recheck().execute(() -> whenElapsed(token, done));
    }
  }

  private Executor recheck() {
    return CompletableFuture.delayedExecutor(RECHECK_MILLIS, TimeUnit.MILLISECONDS, blocking);
  }

  /**
   * Tells of each step in the life of this host's devices from now on, in order, on a thread where
   * the listener may block.
   */
  public Registration onEvent(Consumer<DeviceEvent> listener) {
    return context.events().listen(listener);
  }

  /** Tells of links that change, some time after they did, and only if they are still changed. */
  public Registration onLink(Consumer<LinkEvent> listener) {
    return context.events().listenLink(listener);
  }

  /** Tells of readers that hold up a grace period for longer than the limit. */
  public Registration onStalledReader(Consumer<StalledReader> listener) {
    return context.events().listenStalls(listener);
  }

  /**
   * Completes when every grace period that was asked for before has elapsed, so that each device
   * destroyed before has no reader left; with what the host holds then.
   */
  public CompletionStage<HostStatistics> drainGracePeriods() {
    return this.<GracePeriodActor.Elapsed>request(
            "drain",
            "grace periods",
            reply -> actors.gracePeriod().tell(new GracePeriodActor.Barrier(reply)))
        .thenApplyAsync(_ -> statistics(), context.answers());
  }

  /**
   * What the last grace period took: from the first request that it serves to its callbacks,
   * without the ways of request and callback between threads. Zero: there was none.
   */
  public Duration lastGracePeriod() {
    return Duration.ofNanos(context.gauge().lastNanos());
  }

  /** The actor system on which the host runs. */
  public ActorSystem<?> system() {
    return system;
  }

  /** What the host holds now. */
  public HostStatistics statistics() {
    return new HostStatistics(
        context.nodes().all().size(),
        context.epoch().readers(),
        batches.lent() + superBatches.lent() + context.singles().lent(),
        batches.leaked() + superBatches.leaked() + context.singles().leaked(),
        context.rings().lent(),
        context.rings().mappedBytes() + batchSlabs.mappedBytes() + superSlabs.mappedBytes(),
        context.gauge().waiting(),
        context.gauge().stalls());
  }

  /**
   * Ends the host: no new devices and ports, all devices destroyed by force, all ports closed, all
   * readers drained, all memory and descriptors released.
   *
   * @return completes when nothing is left, with what the host still holds: batches that somebody
   *     has not released
   */
  public CompletionStage<HostStatistics> terminate() {
    CompletableFuture<HostStatistics> mine = new CompletableFuture<>();
    CompletableFuture<HostStatistics> first = terminated.compareAndExchange(null, mine);
    if (first != null) {
      return first.minimalCompletionStage();
    }
    ports.refuse();
    root.tell(new HostActor.Terminate(devicesGone::complete));
    CompletableFuture<Done> portsGone =
        CompletableFuture.supplyAsync(ports::close, blocking).thenCompose(Function.identity());
    // Who is refused goes on without the actors: a port must not wait for them any more.
    var _ =
        devicesGone
            .thenRunAsync(this::refuse, blocking)
            .thenAcceptBothAsync(portsGone, (_, _) -> finish(mine), blocking);
    return mine.minimalCompletionStage();
  }

  /**
   * Why the host ended by itself: one of its own actors has failed, which is a defect. Whoever
   * waited was answered with ESHUTDOWN and this as the cause, handles were revoked with the same
   * errno, and what the devices held is released as after {@link #terminate}, whose stage says
   * when.
   *
   * @return empty if it did not
   */
  public Optional<VnetException> failure() {
    return context.failure().cause();
  }

  /** No actor is left, and not in order. */
  private void actorsStopped() {
    blocking.execute(() ->
        context
            .failure()
            .release(
                context,
                recheck()::execute,
                () -> devicesGone.complete(new HostActor.Terminated())));
    var _ = terminate();
  }

  /** Answers all who wait; who asks from now on is answered without asking anybody. */
  private void refuse() {
    gone = true;
    ports.refuse();
    unanswered
        .values()
        .forEach(answer -> answer.completeExceptionally(closedException("wait", "host")));
  }

  private void finish(CompletableFuture<HostStatistics> done) {
    shutdownTask.cancel();
    closeNetworks();
    context.singles().close();
    batches.close();
    batchSlabs.close();
    superBatches.close();
    superSlabs.close();
    context.rings().close();
    blocking.shutdown();
    if (ownsSystem) {
      system.terminate();
      system.getWhenTerminated().thenRun(() -> done.complete(statistics()));
    } else {
      done.complete(statistics());
    }
  }

  /** No device and no port is left, so what fails here keeps nobody from ending. */
  private void closeNetworks() {
    try {
      networks.close();
    } catch (RuntimeException e) {
      LOG.error("closing the host network failed", e);
    }
  }

  /** {@link #terminate}, and waits for it. */
  @Override
  public void close() {
    checkMayWait("close");
    terminate().toCompletableFuture().join();
  }

  HostContext context() {
    return context;
  }

  HostActor.Actors actors() {
    return actors;
  }

  /** Sends a request whose answer comes, or ESHUTDOWN does. */
  <T> CompletableFuture<T> request(String operation, String object, Consumer<ReplyTo<T>> send) {
    CompletableFuture<T> answer = new CompletableFuture<>();
    long number = requests.incrementAndGet();
    unanswered.put(number, answer);
    if (gone) {
      answer.completeExceptionally(closedException(operation, object));
      unanswered.remove(number);
      return answer;
    }
    send.accept(reply -> {
      unanswered.remove(number);
      answer.complete(reply);
    });
    return answer;
  }

  void checkMayWait(String operation) {
    if (networks.ifStarted().stream()
        .flatMap(network -> network.islands().stream())
        .anyMatch(island -> island.inIsland())) {
      throw new VnetException(
          operation,
          "",
          Errno.EDEADLK,
          "an I/O thread of the host would wait for itself",
          "use what does not wait: the Async method, receive and send, a stream");
    }
  }

  private VnetException closedException(String operation, String object) {
    Optional<VnetException> failure = failure();
    if (failure.isEmpty()) {
      return new VnetException(
          operation, object, Errno.ESHUTDOWN, "the host is closed", "start another host");
    }
    VnetException cause = failure.get();
    return new VnetException(
        operation,
        object,
        Errno.ESHUTDOWN,
        "the host has failed: " + cause.object() + ", " + cause.reason(),
        cause.remedy(),
        cause);
  }
}
