package io.vnet.actors.device;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import io.vnet.actors.core.InterfaceRules;
import io.vnet.actors.core.ReplyTo;
import io.vnet.actors.core.SoftcCore;
import io.vnet.actors.core.SoftcEffect;
import io.vnet.actors.core.SoftcEvent;
import io.vnet.actors.core.SoftcState;
import io.vnet.actors.memory.MemoryBackend;
import io.vnet.api.backend.BackendListener;
import io.vnet.api.backend.BackendRequest;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.DeviceEvent;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceId;
import io.vnet.api.device.DeviceOption;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.api.device.InterfaceChange;
import io.vnet.api.device.InterfaceCounters;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.Layer;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.PortLedger;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One device's softc: feeds {@link SoftcCore} with what happens and carries out what it says.
 *
 * <p><b>Owner:</b> this actor owns the {@link Softc} (state, backend, current handle). What may
 * block goes to the device's {@link BlockingLane} and comes back as a message.
 *
 * <p><b>Supervision:</b> if carrying out an effect throws, the actor restarts into a forced
 * destroy: it never goes on with half a state. Its mailbox survives, so everybody who told it
 * something is answered.
 *
 * <p>It stops when its driver says so, after {@link SoftcEffect.FreeUnit}: by then no thread can
 * hold its address (a grace period has passed since the sentinel), and the driver forwards nothing
 * more.
 */
public final class SoftcActor {
  // Not the context's: that one walks the stack of each actor to find its name.
  private static final Logger LOG = LoggerFactory.getLogger(SoftcActor.class);

  /** What it understands. */
  public sealed interface Command {}

  /**
   * Open the device; told inside the epoch section in which the pointer was loaded.
   *
   * @param handle the number of the handle to be
   * @param pid the opening process
   */
  public record Open(long handle, long pid, ReplyTo<OpenReply> replyTo) implements Command {}

  /** The answer to an open. */
  public sealed interface OpenReply {}

  /** The handle, to be closed by whoever takes it. */
  public record Opened(DeviceHandle handle) implements OpenReply {}

  /** No. */
  public record OpenRefused(VnetException cause) implements OpenReply {}

  record Close(long handle) implements Command {}

  record SetTransient(long handle, boolean transientDevice) implements Command {}

  /** The holder sets an option other than TRANSIENT; told inside an epoch section. */
  record SetOption(long handle, DeviceOption<?> option, Object value, ReplyTo<Reply> replyTo)
      implements Command {}

  /** An administrator changes the interface; told inside an epoch section. */
  public record Configure(InterfaceChange change, ReplyTo<Reply> replyTo) implements Command {}

  /** The counters of a host's interface; told inside an epoch section. */
  public record Count(ReplyTo<CountReply> replyTo) implements Command {}

  /** The answer to a count. */
  public sealed interface CountReply {}

  /** As of now. */
  public record Counted(InterfaceCounters counters) implements CountReply {}

  /** They could not be had. */
  public record NotCounted(VnetException cause) implements CountReply {}

  /** The answer to a change. */
  public sealed interface Reply {}

  /** It is in force. */
  public record Done() implements Reply {}

  /** Nothing has changed. */
  public record Refused(VnetException cause) implements Reply {}

  record Renamed(String newName, ReplyTo<VnetActor.Reply> replyTo) implements Command {}

  /** Rename the interface in the host's kernel, and tell the vnet how that went. */
  record RenameOnHost(String newName) implements Command {}

  record Moved(String vnet, String newName, ActorRef<VnetActor.Command> target)
      implements Command {}

  record Destroy(long waiter, DestroyPolicy policy) implements Command {}

  record CancelDestroy(long waiter) implements Command {}

  record BackendLost(VnetException cause) implements Command {}

  record Stop() implements Command {}

  private record BackendOpened(DeviceBackend backend) implements Command {}

  private record RenamedOnHost(Optional<VnetException> refusal) implements Command {}

  private record ConfiguredOnHost(
      InterfaceChange change, ReplyTo<Reply> replyTo, Optional<VnetException> refusal)
      implements Command {}

  private record Happened(SoftcEvent event) implements Command {}

  private record CallFailed(SoftcEffect effect, Throwable cause) implements Command {}

  /** A change that was asked for: what, and who waits. */
  private record Request(String operation, ReplyTo<Optional<VnetException>> replyTo) {}

  /** What the actor is given, and what survives its restart. */
  static final class Softc {
    private final DeviceId device;
    private final DeviceSpec spec;
    private final Node node;
    private final ActorRef<DeviceActor.Command> nodeActor;
    private final ActorRef<DriverActor.Command> driver;
    private final ActorRef<VnetActor.Command> home;
    private ActorRef<VnetActor.Command> vnet;
    private final ActorRef<GracePeriodActor.Command> gracePeriod;
    private final ActorRef<DeferredDestroyActor.Command> deferred;
    private final ReplyTo<VnetActor.CreateReply> creator;
    private @Nullable BlockingLane lane;
    private final BackendRelay relay = new BackendRelay();
    private final Map<Long, ReplyTo<OpenReply>> opening = new HashMap<>(2);
    private final Map<Long, Request> requests = new HashMap<>(2);
    private Optional<Moved> moving = Optional.empty();
    private SoftcState state;
    private Optional<DeviceBackend> backend = Optional.empty();
    private Optional<OpenHandle> handle = Optional.empty();
    private Optional<VnetException> crash = Optional.empty();
    private boolean started;
    private boolean stopped;
    private boolean quiesceAsked;
    private boolean releaseAsked;
    private volatile boolean quiesced;
    private volatile @Nullable Runnable whenQuiesced;

    /** Of the host's; the actor may not have heard of it. In the lane. */
    private @Nullable DeviceBackend opened;

    Softc(
        DeviceId device,
        DeviceSpec spec,
        Node node,
        ActorRef<DeviceActor.Command> nodeActor,
        ActorRef<DriverActor.Command> driver,
        ActorRef<VnetActor.Command> vnet,
        ActorRef<GracePeriodActor.Command> gracePeriod,
        ActorRef<DeferredDestroyActor.Command> deferred,
        ReplyTo<VnetActor.CreateReply> creator) {
      this.device = device;
      this.spec = spec;
      this.node = node;
      this.nodeActor = nodeActor;
      this.driver = driver;
      this.home = vnet;
      this.vnet = vnet;
      this.gracePeriod = gracePeriod;
      this.deferred = deferred;
      this.creator = creator;
      this.state = SoftcState.creating(device, spec.mtu(), spec.up(), spec.transientDevice());
    }
  }

  private final ActorContext<Command> context;
  private final HostContext host;
  private final Softc softc;
  private final Queue<SoftcEvent> pending = new ArrayDeque<>();

  private SoftcActor(ActorContext<Command> context, HostContext host, Softc softc) {
    this.context = context;
    this.host = host;
    this.softc = softc;
  }

  static Behavior<Command> create(HostContext host, Softc softc) {
    return Behaviors.supervise(
            Behaviors.<Command>setup(context -> new SoftcActor(context, host, softc).start()))
        .onFailure(SupervisorStrategy.restart());
  }

  private Behavior<Command> start() {
    ActorRef<Command> self = context.getSelf();
    if (softc.started) {
      VnetException crash =
          new VnetException(
              "run",
              softc.device.toString(),
              Errno.EIO,
              "the device's actor failed",
              "see the log; create the device again");
      softc.crash = Optional.of(crash);
      softc.opening.values().forEach(replyTo -> replyTo.tell(new OpenRefused(crash)));
      softc.opening.clear();
      softc.requests.values().forEach(request -> request.replyTo().tell(Optional.of(crash)));
      softc.requests.clear();
      self.tell(new BackendLost(crash));
      if (softc.state.phase() == SoftcState.Phase.CREATING && softc.backend.isPresent()) {
        // It crashed when it took the backend over; nobody will say again that there is one.
        self.tell(new Happened(new SoftcEvent.BackendReady()));
      }
    } else {
      softc.started = true;
      softc.relay.softc = self;
      openBackend();
    }
    return Behaviors.receive(
        (_, command) -> receive(command),
        (_, signal) -> {
          if (signal instanceof PostStop && !softc.stopped) {
            abandon();
          }
          return Behaviors.same();
        });
  }

  private void openBackend() {
    switch (softc.spec.backing()) {
      case DeviceSpec.Memory _ ->
          opened(new MemoryBackend(softc.device, softc.spec, host.epoch(), host.rings()));
      case HostBacking backing -> {
        ActorRef<Command> self = context.getSelf();
        BackendRequest request =
            new BackendRequest(softc.device.name(), softc.spec.mtu(), softc.spec.up(), backing);
        lane().execute(() -> self.tell(openHost(request)));
      }
    }
  }

  private Command openHost(BackendRequest request) {
    try {
      DeviceBackend backend = host.hostNetwork().get().open(request);
      softc.opened = backend;
      return new BackendOpened(backend);
    } catch (VnetException e) {
      return new Happened(new SoftcEvent.BackendFailed(e, false));
    } catch (RuntimeException | Error e) {
      return new Happened(
          new SoftcEvent.BackendFailed(
              new VnetException(
                  "open", request.interfaceName(), Errno.EIO, String.valueOf(e), "", e),
              false));
    }
  }

  private void opened(DeviceBackend backend) {
    softc.backend = Optional.of(backend);
    happen(start(backend));
  }

  /** A backend that does not start is still to be quiesced and released. */
  private SoftcEvent start(DeviceBackend backend) {
    try {
      backend.start(softc.relay);
      return new SoftcEvent.BackendReady();
    } catch (VnetException e) {
      return new SoftcEvent.BackendFailed(e, true);
    } catch (RuntimeException | AssertionError | LinkageError e) {
      return new SoftcEvent.BackendFailed(
          new VnetException("start", backend.interfaceName(), Errno.EIO, String.valueOf(e), "", e),
          true);
    }
  }

  private Behavior<Command> receive(Command command) {
    switch (command) {
      case Open open -> {
        softc.opening.put(open.handle(), open.replyTo());
        happen(
            new SoftcEvent.Open(
                new SoftcState.Opener(open.handle(), open.pid(), bringsUpOnOpen())));
      }
      case Close(var handle) -> happen(new SoftcEvent.Close(handle));
      case SetTransient(var handle, var on) -> happen(new SoftcEvent.SetTransient(handle, on));
      case SetOption set -> setOption(set);
      case Configure(var change, var replyTo) -> {
        if (softc.spec.backing() instanceof HostBacking) {
          configureOnHost(change, replyTo);
        } else {
          happen(new SoftcEvent.Configure(request("configure", replyTo), change));
        }
      }
      case ConfiguredOnHost(var change, var replyTo, var refusal) -> {
        if (refusal.isPresent()) {
          replyTo.tell(new Refused(refusal.get()));
        } else if (isKept(change)) {
          happen(new SoftcEvent.Configure(request("configure", replyTo), change));
        } else {
          replyTo.tell(new Done());
        }
      }
      case Count(var replyTo) -> count(replyTo);
      case RenameOnHost(var newName) -> renameOnHost(newName);
      case RenamedOnHost(var refusal) ->
          softc.vnet.tell(new VnetActor.RenamedOnHost(softc.device, refusal));
      case Renamed(var newName, var replyTo) ->
          happen(
              new SoftcEvent.Renamed(
                  request("rename", _ -> replyTo.tell(new VnetActor.Done())), newName));
      case Moved moved -> {
        softc.moving = Optional.of(moved);
        happen(new SoftcEvent.Moved(moved.vnet(), softc.spec.up()));
      }
      case Destroy(var waiter, var policy) -> {
        publish(DeviceEvent.Kind.DESTROY_REQUESTED, policy.toString());
        happen(new SoftcEvent.Destroy(waiter, policy));
      }
      case CancelDestroy(var waiter) -> happen(new SoftcEvent.CancelDestroy(waiter));
      case BackendOpened(var backend) -> opened(backend);
      case BackendLost(var cause) -> {
        publish(DeviceEvent.Kind.LOST, String.valueOf(cause.getMessage()));
        happen(new SoftcEvent.Lost(cause));
      }
      case Happened(var event) -> happen(event);
      case CallFailed(var effect, var cause) -> callFailed(effect, cause);
      case Stop _ -> {
        softc.stopped = true;
        softc.home.tell(new VnetActor.SoftcStopped(softc.device));
        return Behaviors.stopped();
      }
    }
    return Behaviors.same();
  }

  /** A device that starts up is brought up by each open; another by the policy. */
  private boolean bringsUpOnOpen() {
    return softc.spec.up()
        || (softc.device.name().driver().layer() == Layer.L2 && host.policy().get().tapUpOnOpen());
  }

  /** What an option changes may be the kernel's. */
  private void setOption(SetOption set) {
    boolean onHost = softc.spec.backing() instanceof HostBacking;
    if (onHost && set.option() == DeviceOption.MTU) {
      int bytes = DeviceOption.MTU.type().cast(set.value());
      configureOnHost(new InterfaceChange.Mtu(bytes), set.replyTo());
    } else if (onHost
        && set.option() != DeviceOption.OWNER_PID
        && set.option() != DeviceOption.REMOTE_MAC) {
      set.replyTo().tell(new Refused(onHost("set " + set.option())));
    } else {
      happen(
          new SoftcEvent.SetOption(
              set.handle(),
              request("set " + set.option(), set.replyTo()),
              set.option(),
              set.value()));
    }
  }

  /** If it is too late, the vnet hears that the interface detaches, and answers. */
  private void renameOnHost(String newName) {
    ActorRef<Command> self = context.getSelf();
    if (!isEnding()) {
      ask(
          "rename",
          backend -> backend.rename(newName),
          refusal -> self.tell(new RenamedOnHost(refusal)));
    }
  }

  /** The kernel decides; what is kept of it here follows. */
  private void configureOnHost(InterfaceChange change, ReplyTo<Reply> replyTo) {
    ActorRef<Command> self = context.getSelf();
    if (isEnding()) {
      replyTo.tell(new Refused(destroyed("configure")));
      return;
    }
    if (isKept(change)
        && InterfaceRules.configure(softc.state.network(), softc.device.name().driver(), change)
            instanceof InterfaceRules.Outcome.Refused(var errno, var reason)) {
      replyTo.tell(
          new Refused(new VnetException("configure", softc.device.toString(), errno, reason, "")));
      return;
    }
    ask(
        "configure",
        backend -> backend.change(change),
        refusal -> self.tell(new ConfiguredOnHost(change, replyTo, refusal)));
  }

  /** Addresses in a kernel are the administrator's, who may change them unseen. */
  private static boolean isKept(InterfaceChange change) {
    return switch (change) {
      case InterfaceChange.Up _, InterfaceChange.Mtu _, InterfaceChange.Mac _ -> true;
      case InterfaceChange.AddAddress _,
          InterfaceChange.RemoveAddress _,
          InterfaceChange.Link0 _,
          InterfaceChange.Promiscuous _,
          InterfaceChange.Monitor _ ->
          false;
    };
  }

  private void count(ReplyTo<CountReply> replyTo) {
    if (isEnding()) {
      replyTo.tell(new NotCounted(destroyed("count")));
      return;
    }
    AtomicReference<@Nullable InterfaceCounters> counted = new AtomicReference<>();
    ask(
        "count",
        backend -> counted.set(backend.interfaceCounters()),
        refusal -> {
          InterfaceCounters counters = counted.get();
          if (counters != null) {
            replyTo.tell(new Counted(counters));
          } else {
            refusal.ifPresent(cause -> replyTo.tell(new NotCounted(cause)));
          }
        });
  }

  /** Whether it is too late to ask the backend anything. */
  private boolean isEnding() {
    return softc.backend.isEmpty()
        || softc.state.phase() == SoftcState.Phase.TEARDOWN
        || softc.state.phase() == SoftcState.Phase.GONE;
  }

  private VnetException destroyed(String operation) {
    return new VnetException(
        operation, softc.device.toString(), Errno.ENXIO, "it was destroyed", "");
  }

  /**
   * Asks the backend, which is not ending, something whose failure is an answer: here, or in the
   * lane if the call may block. Either keeps the order: no call comes after the release, and each
   * is answered before it.
   */
  private void ask(
      String operation, Consumer<DeviceBackend> call, Consumer<Optional<VnetException>> answer) {
    DeviceBackend backend = backend();
    String device = softc.device.toString();
    Runnable task =
        () -> {
          Optional<VnetException> refusal;
          try {
            call.accept(backend);
            refusal = Optional.empty();
          } catch (VnetException e) {
            refusal = Optional.of(e);
          } catch (RuntimeException | AssertionError | LinkageError e) {
            LOG.error("{}: {} failed", device, operation, e);
            refusal =
                Optional.of(
                    new VnetException(operation, device, Errno.EIO, String.valueOf(e), "", e));
          }
          answer.accept(refusal);
        };
    if (backend.blocking()) {
      lane().execute(task);
    } else {
      task.run();
    }
  }

  private VnetException onHost(String operation) {
    return new VnetException(
        operation,
        softc.device.toString(),
        Errno.EOPNOTSUPP,
        "the interface is the host's, whose kernel has no such setting",
        "use a device in memory");
  }

  private long request(String operation, ReplyTo<Reply> replyTo) {
    long number = host.nextNumber();
    softc.requests.put(
        number,
        new Request(
            operation,
            refusal ->
                replyTo.tell(refusal.isPresent() ? new Refused(refusal.get()) : new Done())));
    return number;
  }

  private void answer(long number, Optional<VnetException> refusal) {
    Request request = softc.requests.remove(number);
    if (request != null) {
      request.replyTo().tell(refusal);
    }
  }

  private void refuse(long number, Errno errno, String reason) {
    Request request = softc.requests.get(number);
    if (request != null) {
      answer(
          number,
          Optional.of(
              new VnetException(request.operation(), softc.device.toString(), errno, reason, "")));
    }
  }

  private void happen(SoftcEvent first) {
    pending.add(first);
    for (SoftcEvent event = pending.poll(); event != null; event = pending.poll()) {
      record(event);
      SoftcCore.Step step = SoftcCore.step(softc.state, event);
      softc.state = step.state();
      softc.node.publishState(softc.state);
      step.effects().forEach(this::carryOutOrLose);
    }
  }

  /** An effect that fails ends the device; one of its teardown counts as done, and is logged. */
  private void carryOutOrLose(SoftcEffect effect) {
    try {
      carryOut(effect);
    } catch (RuntimeException | AssertionError | LinkageError e) {
      LOG.error("{}: {} failed", softc.device, effect, e);
      VnetException cause =
          new VnetException(
              "run", softc.device.toString(), Errno.EIO, effect + " failed: " + e, "", e);
      publish(DeviceEvent.Kind.LOST, String.valueOf(cause.getMessage()));
      pending.add(
          switch (effect) {
            case SoftcEffect.UnbindNode _, SoftcEffect.DeferUnbindNode _ ->
                new SoftcEvent.NodeUnbound();
            case SoftcEffect.Quiesce _ -> new SoftcEvent.Quiesced();
            case SoftcEffect.Release _ -> new SoftcEvent.Released();
            case SoftcEffect.Detach _ -> new SoftcEvent.Detached();
            default -> new SoftcEvent.Lost(cause);
          });
      if (effect instanceof SoftcEffect.GrantOpen(var opener)) {
        answerOpen(opener, new OpenRefused(cause));
      }
    }
  }

  /** A backend's call failed in the lane. What follows it in a teardown comes all the same. */
  private void callFailed(SoftcEffect effect, Throwable cause) {
    LOG.error("{}: {} failed", softc.device, effect, cause);
    publish(DeviceEvent.Kind.LOST, String.valueOf(cause.getMessage()));
    happen(
        new SoftcEvent.Lost(
            new VnetException(
                "run",
                softc.device.toString(),
                Errno.EIO,
                effect + " failed: " + cause,
                "",
                cause)));
  }

  private void carryOut(SoftcEffect effect) {
    switch (effect) {
      case SoftcEffect.PublishPointer _ -> {
        softc.node.publish(new Node.Softc(context.getSelf(), backend()));
        softc.vnet.tell(new VnetActor.Attached(softc.device));
        if (softc.spec.backing() instanceof HostBacking) {
          softc.node.publishInterfaceName(backend().interfaceName());
        }
      }
      case SoftcEffect.ReportCreated _ -> {
        publish(DeviceEvent.Kind.CREATED, backend().interfaceName());
        softc.creator.tell(
            new VnetActor.Created(softc.device, backend().interfaceName(), backend().mtu()));
      }
      // Said when the unit is free again: whoever hears it finds nothing changed.
      case SoftcEffect.ReportCreateFailed(var cause) ->
          softc.driver.tell(
              new DriverActor.AwaitGone(
                  softc.device,
                  _ -> softc.creator.tell(new VnetActor.CreateFailed(softc.crash.orElse(cause)))));
      case SoftcEffect.LinkUp _ -> onBackend(effect, backend()::linkUp, Optional.empty());
      case SoftcEffect.GrantOpen(var opener) -> grant(opener);
      case SoftcEffect.RefuseOpen(var opener, var errno, var reason) -> {
        publish(DeviceEvent.Kind.OPEN_REFUSED, () -> errno + ", " + reason);
        answerOpen(opener, new OpenRefused(openRefused(errno, reason)));
      }
      case SoftcEffect.ApplyInterface(var network) ->
          softc.backend.ifPresent(backend -> backend.configure(network));
      case SoftcEffect.FlushQueue _ -> flushQueue();
      case SoftcEffect.AnnounceLink _ -> host.events().announceLink(softc.node);
      case SoftcEffect.LogForeignClose(var owner) ->
          LOG.info("{}: closed by a process that is not its owner, {}", softc.device, owner);
      case SoftcEffect.Confirm(var number) -> answer(number, Optional.empty());
      case SoftcEffect.Refuse(var number, var errno, var reason) -> refuse(number, errno, reason);
      case SoftcEffect.SwapAlias(var number, var newName) ->
          softc.nodeActor.tell(
              new DeviceActor.SwapAlias(newName, _ -> later(new SoftcEvent.AliasSwapped(number))));
      case SoftcEffect.ConfirmMove _ -> confirmMove();
      case SoftcEffect.LinkDown _ -> {
        DeviceBackend backend = backend();
        PortLedger ledger = ledger();
        onBackend(effect, () -> backend.linkDown(ledger), Optional.of(new SoftcEvent.Flushed()));
      }
      case SoftcEffect.ReportClosed _ -> {
        softc.relay.handle = null;
        publish(DeviceEvent.Kind.CLOSED, "");
        softc.handle.ifPresent(OpenHandle::closeDone);
      }
      case SoftcEffect.Revoke(var errno, var reason) -> revoke(errno, reason);
      case SoftcEffect.RefuseDestroy(var waiter, var errno, var reason) -> {
        if (errno == Errno.EINTR) {
          publish(DeviceEvent.Kind.DESTROY_CANCELLED, "");
        }
        softc.driver.tell(new DriverActor.DestroyRefused(softc.device, waiter, errno, reason));
      }
      case SoftcEffect.StoreSentinel _ -> {
        softc.node.publish(new Node.Sentinel());
        publish(DeviceEvent.Kind.OPENS_REFUSED, "");
      }
      case SoftcEffect.UnbindNode _ ->
          softc.nodeActor.tell(new DeviceActor.Unbind(_ -> later(new SoftcEvent.NodeUnbound())));
      case SoftcEffect.DeferUnbindNode _ ->
          softc.deferred.tell(
              new DeferredDestroyActor.Schedule(
                  softc.nodeActor, _ -> later(new SoftcEvent.NodeUnbound())));
      case SoftcEffect.Detach _ -> {
        softc.vnet.tell(
            new VnetActor.Detached(softc.device, _ -> later(new SoftcEvent.Detached())));
        publish(DeviceEvent.Kind.DETACHED, "");
      }
      case SoftcEffect.Quiesce _ -> quiesce();
      case SoftcEffect.Retire _ ->
          softc.gracePeriod.tell(
              new GracePeriodActor.Retire(
                  softc.device.generation(), _ -> later(new SoftcEvent.ReadersDrained())));
      case SoftcEffect.Release _ -> release();
      case SoftcEffect.FreeUnit _ -> {
        Optional<OpenHandle> last = softc.handle;
        softc.driver.tell(
            new DriverActor.FreeUnit(softc.device, _ -> last.ifPresent(OpenHandle::closeDone)));
      }
    }
  }

  /** Through the handle while there is one: its receiver may be at work. */
  private void flushQueue() {
    if (softc.state.phase() == SoftcState.Phase.OPEN) {
      softc.handle.ifPresent(handle -> handle.flush(DropReason.INTERFACE_DOWN));
    } else {
      softc.backend.ifPresent(
          backend -> ledger().dropped(DropReason.INTERFACE_DOWN, backend.discardQueued()));
    }
  }

  private void confirmMove() {
    Moved moved = softc.moving.orElseThrow();
    softc.moving = Optional.empty();
    ActorRef<VnetActor.Command> source = softc.vnet;
    softc.vnet = moved.target();
    softc.node.publishVnet(moved.vnet());
    softc.node.publishInterfaceName(moved.newName());
    publish(DeviceEvent.Kind.MOVED, "to " + moved.vnet());
    source.tell(new VnetActor.MoveCarriedOut(softc.device));
  }

  private void grant(SoftcState.Opener opener) {
    OpenHandle handle =
        new OpenHandle(host, softc.node, opener.handle(), context.getSelf(), backend());
    softc.handle = Optional.of(handle);
    softc.relay.handle = handle;
    publish(DeviceEvent.Kind.OPENED, () -> "by pid " + opener.pid());
    ReplyTo<OpenReply> replyTo = softc.opening.get(opener.handle());
    if (replyTo != null && backend().blocking()) {
      // Behind the link, which is coming up there: whoever gets the handle finds it up.
      lane().execute(() -> replyTo.tell(new Opened(handle)));
      softc.opening.remove(opener.handle());
    } else {
      answerOpen(opener, new Opened(handle));
    }
  }

  private void answerOpen(SoftcState.Opener opener, OpenReply reply) {
    ReplyTo<OpenReply> replyTo = softc.opening.remove(opener.handle());
    if (replyTo != null) {
      replyTo.tell(reply);
    }
  }

  private VnetException openRefused(Errno errno, String reason) {
    return new VnetException(
        "open",
        softc.device.toString(),
        errno,
        reason,
        errno == Errno.EBUSY && reason.startsWith("already")
            ? "close it or use another unit"
            : "create the device again");
  }

  private void revoke(Errno errno, String reason) {
    softc.handle.ifPresent(handle -> {
      if (handle.revokeAll(errno, reason)) {
        publish(DeviceEvent.Kind.HANDLE_REVOKED, reason);
      }
    });
    softc.backend.ifPresent(backend -> {
      if (backend instanceof MemoryBackend memory) {
        memory.revokeNetworkEnd(errno, reason);
      }
    });
  }

  /** Most backends are quiet at once. */
  private void quiesce() {
    softc.quiesceAsked = true;
    Thread here = Thread.currentThread();
    AtomicBoolean calling = new AtomicBoolean(true);
    try {
      backend().quiesce(() -> quiesced(calling.get() && Thread.currentThread() == here));
    } finally {
      calling.set(false);
    }
  }

  private void quiesced(boolean inTheCall) {
    softc.quiesced = true;
    if (inTheCall) {
      pending.add(new SoftcEvent.Quiesced());
    } else {
      later(new SoftcEvent.Quiesced());
    }
    Runnable then = softc.whenQuiesced;
    if (then != null) {
      then.run();
    }
  }

  private void release() {
    softc.releaseAsked = true;
    if (softc.backend.isEmpty()) {
      pending.add(new SoftcEvent.Released());
      return;
    }
    DeviceBackend backend = backend();
    PortLedger ledger = ledger();
    onBackend(
        new SoftcEffect.Release(),
        () -> backend.release(ledger),
        Optional.of(new SoftcEvent.Released()));
  }

  /** Calls the backend: here, or in the lane if the call may block. */
  private void onBackend(SoftcEffect effect, Runnable call, Optional<SoftcEvent> after) {
    if (!backend().blocking()) {
      call.run();
      after.ifPresent(pending::add);
      return;
    }
    ActorRef<Command> self = context.getSelf();
    lane()
        .execute(() -> {
          try {
            call.run();
          } catch (RuntimeException | Error e) {
            self.tell(new CallFailed(effect, e));
          }
          after.ifPresent(event -> self.tell(new Happened(event)));
        });
  }

  /** Most devices never need one. */
  private BlockingLane lane() {
    BlockingLane lane = softc.lane;
    if (lane == null) {
      lane = new BlockingLane(host.blocking());
      softc.lane = lane;
    }
    return lane;
  }

  private DeviceBackend backend() {
    return softc.backend.orElseThrow();
  }

  private PortLedger ledger() {
    return softc.handle.isPresent() ? softc.handle.get().ledger() : new PortLedger();
  }

  /**
   * The host has failed: revokes the handle at once, for no actor is there to answer its calls, and
   * leaves the rest to be released when the readers have drained.
   */
  private void abandon() {
    SoftcState.Phase phase = softc.state.phase();
    if (phase != SoftcState.Phase.GONE) {
      publish(DeviceEvent.Kind.LOST, "its host has failed");
      if (phase != SoftcState.Phase.TEARDOWN) {
        softc.node.publish(new Node.Sentinel());
        publish(DeviceEvent.Kind.OPENS_REFUSED, "");
      }
      revoke(Errno.ESHUTDOWN, "its host has failed");
    }
    host.failure().abandon(new Abandoned());
  }

  private void later(SoftcEvent event) {
    context.getSelf().tell(new Happened(event));
  }

  private void record(SoftcEvent event) {
    switch (event) {
      case SoftcEvent.NodeUnbound _ -> publish(DeviceEvent.Kind.NODE_REMOVED, "");
      case SoftcEvent.Quiesced _ -> publish(DeviceEvent.Kind.QUIESCED, "");
      case SoftcEvent.ReadersDrained _ -> publish(DeviceEvent.Kind.READERS_DRAINED, "");
      case SoftcEvent.Released _ -> publish(DeviceEvent.Kind.RELEASED, "");
      default -> {}
    }
  }

  private void publish(DeviceEvent.Kind kind, String detail) {
    host.events().publish(softc.device, kind, () -> detail);
  }

  private void publish(DeviceEvent.Kind kind, Supplier<String> detail) {
    host.events().publish(softc.device, kind, detail);
  }

  /** The rest of the teardown, on any thread, after all actors have stopped. */
  private final class Abandoned implements HostFailure.Abandoned {
    private final SoftcState.Teardown before = softc.state.teardown();
    private final boolean gone = softc.state.phase() == SoftcState.Phase.GONE;

    /** Behind what the lane has to do still: opening, linking down, releasing. */
    private void inLane(Runnable task) {
      BlockingLane lane = softc.lane;
      if (lane == null) {
        task.run();
      } else {
        lane.execute(task);
      }
    }

    @Override
    public void quiesce(Runnable done) {
      inLane(() -> {
        if (!gone && !before.unbound()) {
          publish(DeviceEvent.Kind.NODE_REMOVED, "");
        }
        if (!gone && !before.detaching()) {
          publish(DeviceEvent.Kind.DETACHED, "");
        }
        if (softc.backend.isEmpty()) {
          softc.backend = Optional.ofNullable(softc.opened);
        }
        if (softc.backend.isEmpty() || softc.releaseAsked || before.quiesced()) {
          done.run();
          return;
        }
        AtomicBoolean first = new AtomicBoolean(true);
        Runnable once =
            () -> {
              if (first.compareAndSet(true, false)) {
                publish(DeviceEvent.Kind.QUIESCED, "");
                done.run();
              }
            };
        softc.whenQuiesced = once;
        if (softc.quiesced) {
          once.run();
        } else if (!softc.quiesceAsked) {
          quiesce(backend(), once);
        }
      });
    }

    private void quiesce(DeviceBackend backend, Runnable done) {
      try {
        backend.quiesce(done);
      } catch (RuntimeException | AssertionError | LinkageError e) {
        LOG.error("{}: quiescing failed", softc.device, e);
        done.run();
      }
    }

    @Override
    public void release(Runnable done) {
      inLane(() -> {
        if (!gone) {
          if (!before.drained()) {
            publish(DeviceEvent.Kind.READERS_DRAINED, "");
          }
          if (!softc.releaseAsked) {
            releaseBackend();
          }
          publish(DeviceEvent.Kind.RELEASED, "");
        }
        softc.handle.ifPresent(OpenHandle::closeDone);
        done.run();
      });
    }

    private void releaseBackend() {
      try {
        softc.backend.ifPresent(backend -> backend.release(ledger()));
      } catch (RuntimeException | AssertionError | LinkageError e) {
        LOG.error("{}: releasing failed", softc.device, e);
      }
    }
  }

  /**
   * Stands between the backend's poller and whoever holds the device now. A signal that finds no
   * handle is not missed: a new handle looks before it waits.
   */
  private static final class BackendRelay implements BackendListener {
    private volatile @Nullable OpenHandle handle;
    private volatile @Nullable ActorRef<Command> softc;

    @Override
    public void readable() {
      readable(0);
    }

    @Override
    public void writable() {
      writable(0);
    }

    private void readable(int queue) {
      OpenHandle current = handle;
      if (current != null) {
        current.queue(queue).signalReadable();
      }
    }

    private void writable(int queue) {
      OpenHandle current = handle;
      if (current != null) {
        current.queue(queue).signalWritable();
      }
    }

    @Override
    public BackendListener queue(int index) {
      return new BackendListener() {
        @Override
        public void readable() {
          BackendRelay.this.readable(index);
        }

        @Override
        public void writable() {
          BackendRelay.this.writable(index);
        }

        @Override
        public void lost(VnetException cause) {
          BackendRelay.this.lost(cause);
        }
      };
    }

    @Override
    public void lost(VnetException cause) {
      ActorRef<Command> actor = softc;
      if (actor != null) {
        actor.tell(new BackendLost(cause));
      }
    }
  }
}
