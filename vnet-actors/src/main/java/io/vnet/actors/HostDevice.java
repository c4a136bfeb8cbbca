package io.vnet.actors;

import akka.actor.typed.ActorRef;
import io.vnet.actors.core.ReplyTo;
import io.vnet.actors.device.DriverActor;
import io.vnet.actors.device.Node;
import io.vnet.actors.device.SoftcActor;
import io.vnet.actors.device.VnetActor;
import io.vnet.actors.memory.MemoryBackend;
import io.vnet.actors.port.Answers;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.DestroyRequest;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceId;
import io.vnet.api.device.DeviceInfo;
import io.vnet.api.device.InterfaceChange;
import io.vnet.api.device.InterfaceCounters;
import io.vnet.api.device.NetworkEnd;
import io.vnet.api.device.Vnet;
import io.vnet.api.epoch.Epoch;
import io.vnet.api.epoch.EpochReader;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;

/**
 * A device by its identity: turns calls into messages.
 *
 * <p>Opening is the short way: inside an epoch section this thread finds the node by name, checks
 * that it is the same device, loads the pointer, and tells the softc or sees the sentinel. The
 * softc cannot have stopped before the section ends.
 */
final class HostDevice implements Device {
  private static final ProcessHandle PROCESS = ProcessHandle.current();

  private final VnetHost host;
  private final DeviceId id;
  private final String interfaceName;
  private final int mtu;

  HostDevice(VnetHost host, DeviceId id, String interfaceName, int mtu) {
    this.host = host;
    this.id = id;
    this.interfaceName = interfaceName;
    this.mtu = mtu;
  }

  @Override
  public DeviceId id() {
    return id;
  }

  @Override
  public String interfaceName() {
    return interfaceName;
  }

  @Override
  public int mtu() {
    return mtu;
  }

  @Override
  public DeviceHandle open() {
    host.checkMayWait("open");
    return opened(Answers.join(requestOpen()));
  }

  @Override
  public CompletionStage<DeviceHandle> openAsync() {
    CompletableFuture<DeviceHandle> taken = new CompletableFuture<>();
    var _ =
        requestOpen()
            .thenAcceptAsync(
                reply -> {
                  switch (reply) {
                    case SoftcActor.Opened(var handle) -> {
                      if (!taken.complete(handle)) {
                        handle.close();
                      }
                    }
                    case SoftcActor.OpenRefused(var cause) -> taken.completeExceptionally(cause);
                  }
                },
                host.context().answers())
            .exceptionally(failure -> {
              taken.completeExceptionally(Answers.unwrap(failure));
              return null;
            });
    return taken;
  }

  private CompletableFuture<SoftcActor.OpenReply> requestOpen() {
    return host.request(
        "open",
        id.toString(),
        reply -> {
          try {
            withSoftc(
                "open",
                softc -> {
                  softc
                      .softc()
                      .tell(new SoftcActor.Open(host.context().nextNumber(), PROCESS.pid(), reply));
                  return softc;
                });
          } catch (VnetException e) {
            reply.tell(new SoftcActor.OpenRefused(e));
          }
        });
  }

  private DeviceHandle opened(SoftcActor.OpenReply reply) {
    return switch (reply) {
      case SoftcActor.Opened(var handle) -> handle;
      case SoftcActor.OpenRefused(var cause) -> throw cause.rethrown();
    };
  }

  @Override
  public NetworkEnd networkEnd() {
    return withSoftc(
        "attach",
        softc -> {
          if (softc.backend() instanceof MemoryBackend memory) {
            return memory.attach();
          }
          throw new VnetException(
              "attach",
              id.toString(),
              Errno.EOPNOTSUPP,
              "the interface end of a host device is in the kernel",
              "use the interface " + interfaceName);
        });
  }

  @Override
  public DeviceInfo info() {
    return node().flatMap(Node::info).orElseThrow(() -> goneException("inspect"));
  }

  @Override
  public void rename(String newName) {
    host.checkMayWait("rename");
    var _ = Answers.join(requestRename(newName));
  }

  @Override
  public CompletionStage<DeviceId> renameAsync(String newName) {
    return requestRename(newName).minimalCompletionStage();
  }

  private CompletableFuture<DeviceId> requestRename(String newName) {
    return onVnet("rename", reply -> new VnetActor.Rename(id, newName, reply));
  }

  @Override
  public void moveTo(Vnet target) {
    host.checkMayWait("move");
    var _ = Answers.join(requestMove(target));
  }

  @Override
  public CompletionStage<DeviceId> moveToAsync(Vnet target) {
    return requestMove(target).minimalCompletionStage();
  }

  private CompletableFuture<DeviceId> requestMove(Vnet target) {
    return onVnet("move", reply -> new VnetActor.Move(id, target.name(), reply));
  }

  /**
   * Asks the vnet that has the interface now, and again if it was moved meanwhile, perhaps back: a
   * device that lives is in some vnet.
   */
  private CompletableFuture<DeviceId> onVnet(
      String operation, Function<ReplyTo<VnetActor.Reply>, VnetActor.Command> command) {
    Optional<String> vnet = node().map(Node::vnet);
    if (vnet.isEmpty()) {
      return CompletableFuture.failedFuture(goneException(operation));
    }
    return host.<VnetActor.Reply>request(
            operation,
            id.toString(),
            reply -> {
              if (!host.context().vnets().tell(vnet.get(), command.apply(reply))) {
                reply.tell(new VnetActor.NotHere());
              }
            })
        .thenComposeAsync(reply ->
            switch (reply) {
              case VnetActor.Done _ -> CompletableFuture.completedFuture(id);
              case VnetActor.Refused(var cause) -> CompletableFuture.failedFuture(cause);
              case VnetActor.NotHere _ ->
                  isAlive()
                      ? onVnet(operation, command)
                      : CompletableFuture.failedFuture(goneException(operation));
            });
  }

  @Override
  public void configure(InterfaceChange change) {
    host.checkMayWait("configure");
    var _ = Answers.join(requestConfigure(change));
  }

  @Override
  public CompletionStage<DeviceId> configureAsync(InterfaceChange change) {
    return requestConfigure(change).minimalCompletionStage();
  }

  private CompletableFuture<DeviceId> requestConfigure(InterfaceChange change) {
    return host.<SoftcActor.Reply>request(
            "configure",
            id.toString(),
            reply -> {
              try {
                var _ =
                    withSoftc(
                        "configure",
                        softc -> {
                          softc.softc().tell(new SoftcActor.Configure(change, reply));
                          return softc;
                        });
              } catch (VnetException e) {
                reply.tell(new SoftcActor.Refused(e));
              }
            })
        .thenComposeAsync(reply ->
            switch (reply) {
              case SoftcActor.Done _ -> CompletableFuture.completedFuture(id);
              case SoftcActor.Refused(var cause) -> CompletableFuture.failedFuture(cause);
            });
  }

  @Override
  public InterfaceCounters counters() {
    // What may block does not in an epoch section.
    boolean blocking = withSoftc("count", softc -> softc.backend().blocking());
    return blocking
        ? hostCounters()
        : withSoftc("count", softc -> softc.backend().interfaceCounters());
  }

  private InterfaceCounters hostCounters() {
    host.checkMayWait("count");
    SoftcActor.CountReply answer =
        Answers.join(
            host.<SoftcActor.CountReply>request(
                "count",
                id.toString(),
                reply -> {
                  try {
                    var _ =
                        withSoftc(
                            "count",
                            softc -> {
                              softc.softc().tell(new SoftcActor.Count(reply));
                              return softc;
                            });
                  } catch (VnetException e) {
                    reply.tell(new SoftcActor.NotCounted(e));
                  }
                }));
    return switch (answer) {
      case SoftcActor.Counted(var counters) -> counters;
      case SoftcActor.NotCounted(var cause) -> throw cause.rethrown();
    };
  }

  @Override
  public void destroy(DestroyPolicy policy) {
    host.checkMayWait("destroy");
    CancellableDestroy request = requestDestroy(policy);
    boolean interrupted = false;
    while (true) {
      try {
        request.reply.get();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
        request.cancel();
      } catch (ExecutionException e) {
        break;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    var _ = destroyed(Answers.join(request.reply));
  }

  @Override
  public DestroyRequest destroyAsync(DestroyPolicy policy) {
    return requestDestroy(policy);
  }

  private CancellableDestroy requestDestroy(DestroyPolicy policy) {
    long waiter = host.context().nextNumber();
    return new CancellableDestroy(
        waiter,
        this.<DriverActor.DestroyReply>ask(
            "destroy", reply -> new DriverActor.Destroy(id, policy, waiter, reply)));
  }

  private DeviceId destroyed(DriverActor.DestroyReply reply) {
    return switch (reply) {
      case DriverActor.Gone _ -> id;
      case DriverActor.NotDestroyed(var cause) -> throw cause.rethrown();
    };
  }

  @Override
  public CompletionStage<DeviceId> gone() {
    return this.<DriverActor.DestroyReply>ask(
            "wait for", reply -> new DriverActor.AwaitGone(id, reply))
        .thenApplyAsync(_ -> id, host.context().answers());
  }

  private <T> CompletableFuture<T> ask(
      String operation, Function<ReplyTo<T>, DriverActor.Command> command) {
    return host.request(operation, id.toString(), reply -> driver().tell(command.apply(reply)));
  }

  private ActorRef<DriverActor.Command> driver() {
    var driver = host.actors().drivers().get(id.name().driver());
    if (driver == null) {
      throw new IllegalStateException("no driver for " + id);
    }
    return driver;
  }

  private Optional<Node> node() {
    return host.context().nodes().find(id.toString()).filter(found -> found.id().equals(id));
  }

  private boolean isAlive() {
    return node()
        .flatMap(Node::info)
        .filter(info -> info.state() != DeviceInfo.State.TEARDOWN)
        .isPresent();
  }

  private <T> T withSoftc(String operation, Function<Node.Softc, T> use) {
    Epoch epoch = host.context().epoch();
    EpochReader section = epoch.borrow();
    section.enter();
    try {
      Node node = node().orElseThrow(() -> goneException(operation));
      if (node.pointer() instanceof Node.Softc softc) {
        return use.apply(softc);
      }
      throw node.isUninitialised()
          ? new VnetException(
              operation, id.toString(), Errno.ENXIO, "it is being created", "wait for its creation")
          : goneException(operation);
    } finally {
      section.exit();
      epoch.giveBack(section);
    }
  }

  private VnetException goneException(String operation) {
    return new VnetException(
        operation, id.toString(), Errno.ENXIO, "the device was destroyed", "create it again");
  }

  @Override
  public String toString() {
    return id.toString();
  }

  private final class CancellableDestroy implements DestroyRequest {
    private final long waiter;
    private final CompletableFuture<DriverActor.DestroyReply> reply;

    CancellableDestroy(long waiter, CompletableFuture<DriverActor.DestroyReply> reply) {
      this.waiter = waiter;
      this.reply = reply;
    }

    @Override
    public CompletionStage<DeviceId> done() {
      return reply.thenApplyAsync(HostDevice.this::destroyed, host.context().answers());
    }

    @Override
    public void cancel() {
      driver().tell(new DriverActor.CancelDestroy(id, waiter));
    }
  }
}
