package io.vnet.actors.device;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import io.vnet.actors.core.ReplyTo;
import io.vnet.actors.core.UnitSet;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.DeviceEvent;
import io.vnet.api.device.DeviceId;
import io.vnet.api.device.DeviceName;
import io.vnet.api.device.DriverKind;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * One driver: its units, shared by all vnets, and its nodes.
 *
 * <p>It hands out the lowest free unit, or a given one, and makes the node, whose actor may have
 * served a device before; it passes destroy requests on to the softc and remembers who asked; when
 * the softc frees the unit, as its last act, it answers them all. So a request that arrives at a
 * softc which has just said its last word is answered too.
 *
 * <p>If it fails, its host does: {@link HostFailure}.
 *
 * <p>Source: if_tuntap specification, sections 1.3, 1.4, 1.8.
 */
public final class DriverActor {
  /** As many as are freed and taken by some dozens of callers; more would be memory. */
  private static final int SPARE_NODES = 64;

  /** What it understands. */
  public sealed interface Command {}

  record Reserve(DeviceName name, ReplyTo<ReserveReply> replyTo) implements Command {}

  record SoftcStarted(DeviceId device, ActorRef<SoftcActor.Command> softc) implements Command {}

  /**
   * Destroy a device.
   *
   * @param waiter the number of the request, unique in the process
   */
  public record Destroy(
      DeviceId device, DestroyPolicy policy, long waiter, ReplyTo<DestroyReply> replyTo)
      implements Command {}

  /** Withdraw a request. It is answered either way. */
  public record CancelDestroy(DeviceId device, long waiter) implements Command {}

  /** Say when a device is gone; at once if it is. */
  public record AwaitGone(DeviceId device, ReplyTo<DestroyReply> replyTo) implements Command {}

  record DestroyRefused(DeviceId device, long waiter, Errno errno, String reason)
      implements Command {}

  /**
   * A softc's last word.
   *
   * @param replyTo told with the destroyers, when the unit is free
   */
  record FreeUnit(DeviceId device, ReplyTo<Gone> replyTo) implements Command {}

  /** Take a reservation back that never got a softc. */
  record Unreserve(DeviceId device) implements Command {}

  record DestroyAll(ReplyTo<Drained> replyTo) implements Command {}

  private record NodeFailed(Throwable cause) implements Command {}

  sealed interface ReserveReply {}

  record Reserved(Node node, ActorRef<DeviceActor.Command> nodeActor) implements ReserveReply {}

  record ReserveRefused(VnetException cause) implements ReserveReply {}

  /** The answer to a destroy. */
  public sealed interface DestroyReply {}

  /** The device is gone and its unit is free. */
  public record Gone() implements DestroyReply {}

  /** EBUSY: refused; EINTR: cancelled; ENXIO: gone before. */
  public record NotDestroyed(VnetException cause) implements DestroyReply {}

  record Drained() {}

  private static final class Unit {
    final Node node;
    final ActorRef<DeviceActor.Command> nodeActor;
    final Map<Long, ReplyTo<DestroyReply>> destroyers = new LinkedHashMap<>();
    final List<ReplyTo<DestroyReply>> watchers = new ArrayList<>();
    final List<SoftcActor.Command> early = new ArrayList<>();
    @Nullable ActorRef<SoftcActor.Command> softc;

    Unit(Node node, ActorRef<DeviceActor.Command> nodeActor) {
      this.node = node;
      this.nodeActor = nodeActor;
    }

    void tell(SoftcActor.Command command) {
      if (softc == null) {
        early.add(command);
      } else {
        softc.tell(command);
      }
    }
  }

  private final ActorContext<Command> context;
  private final HostContext host;
  private final DriverKind kind;
  private final ReplyTo<DeviceActor.Failed> nodeFailed;
  private final Map<Integer, Unit> byUnit = new HashMap<>();
  private final List<ReplyTo<Drained>> drains = new ArrayList<>();
  private final Deque<ActorRef<DeviceActor.Command>> spares = new ArrayDeque<>();
  private UnitSet units = UnitSet.empty();
  private long nodeActors;
  private long generations;
  private boolean terminating;

  private DriverActor(ActorContext<Command> context, HostContext host, DriverKind kind) {
    this.context = context;
    this.host = host;
    this.kind = kind;
    ActorRef<Command> self = context.getSelf();
    this.nodeFailed = failed -> self.tell(new NodeFailed(failed.cause()));
  }

  static Behavior<Command> create(HostContext host, DriverKind kind) {
    return Behaviors.setup(context -> new DriverActor(context, host, kind).behavior());
  }

  private Behavior<Command> behavior() {
    return Behaviors.receiveMessage(command -> {
      switch (command) {
        case Reserve(var name, var replyTo) -> replyTo.tell(reserve(name));
        case SoftcStarted started -> softcStarted(started);
        case Destroy destroy -> destroy(destroy);
        case CancelDestroy(var device, var waiter) -> {
          Unit unit = find(device);
          if (unit != null) {
            unit.tell(new SoftcActor.CancelDestroy(waiter));
          }
        }
        case AwaitGone(var device, var replyTo) -> {
          Unit unit = find(device);
          if (unit == null) {
            replyTo.tell(new Gone());
          } else {
            unit.watchers.add(replyTo);
          }
        }
        case DestroyRefused refused -> refused(refused);
        case FreeUnit(var device, var replyTo) -> {
          free(device);
          replyTo.tell(new Gone());
        }
        case Unreserve(var device) -> {
          Unit unit = find(device);
          if (unit != null) {
            host.nodes().unbind(unit.node.name(), unit.node);
            free(device);
          }
        }
        case DestroyAll(var replyTo) -> destroyAll(replyTo);
        case NodeFailed(var cause) -> throw new IllegalStateException("a node failed", cause);
      }
      return Behaviors.same();
    });
  }

  private ReserveReply reserve(DeviceName name) {
    if (terminating) {
      return refuse(name, Errno.ESHUTDOWN, "the host is terminating", "start another host");
    }
    OptionalInt chosen =
        name.isWildcard()
            ? lowestWithoutNode()
            : units.isFree(name.unit()) ? OptionalInt.of(name.unit()) : OptionalInt.empty();
    if (chosen.isEmpty()) {
      return name.isWildcard()
          ? refuse(
              name,
              Errno.ENOSPC,
              "all " + (DeviceName.MAX_UNIT + 1) + " units are in use",
              "destroy a device")
          : refuse(
              name,
              Errno.EEXIST,
              name.unit() > DeviceName.MAX_UNIT
                  ? "units end at " + DeviceName.MAX_UNIT
                  : "the unit is in use",
              "use another unit, or '" + kind.driverName() + "' for the lowest free one");
    }
    int unit = chosen.getAsInt();
    DeviceId device = new DeviceId(name.withUnit(unit), ++generations);
    Node node = new Node(device);
    if (!host.nodes().bind(device.toString(), node)) {
      return refuse(device.name(), Errno.EEXIST, "the name is taken", "use another unit");
    }
    units = units.with(unit);
    ActorRef<DeviceActor.Command> nodeActor = nodeActor(node);
    byUnit.put(unit, new Unit(node, nodeActor));
    return new Reserved(node, nodeActor);
  }

  private ActorRef<DeviceActor.Command> nodeActor(Node node) {
    ActorRef<DeviceActor.Command> spare = spares.poll();
    if (spare != null) {
      spare.tell(new DeviceActor.Serve(node));
      return spare;
    }
    return context.spawn(
        DeviceActor.create(node, host.nodes(), nodeFailed),
        "node-" + nodeActors++,
        DispatcherSelector.sameAsParent());
  }

  /** An alias of another device may stand where the node would: the next unit then. */
  private OptionalInt lowestWithoutNode() {
    OptionalInt unit = units.lowestFree();
    while (unit.isPresent() && host.nodes().isBound(kind.driverName() + unit.getAsInt())) {
      unit = units.lowestFree(unit.getAsInt() + 1);
    }
    return unit;
  }

  private static ReserveRefused refuse(DeviceName name, Errno errno, String reason, String remedy) {
    return new ReserveRefused(new VnetException("create", name.toString(), errno, reason, remedy));
  }

  private void softcStarted(SoftcStarted started) {
    Unit unit = find(started.device());
    if (unit != null) {
      unit.softc = started.softc();
      unit.early.forEach(started.softc()::tell);
      unit.early.clear();
    }
  }

  private void destroy(Destroy destroy) {
    Unit unit = find(destroy.device());
    if (unit == null) {
      destroy
          .replyTo()
          .tell(
              new NotDestroyed(
                  new VnetException(
                      "destroy",
                      destroy.device().toString(),
                      Errno.ENXIO,
                      "the device is gone already",
                      "")));
      return;
    }
    unit.destroyers.put(destroy.waiter(), destroy.replyTo());
    unit.tell(new SoftcActor.Destroy(destroy.waiter(), destroy.policy()));
  }

  private void refused(DestroyRefused refused) {
    Unit unit = find(refused.device());
    ReplyTo<DestroyReply> replyTo = unit == null ? null : unit.destroyers.remove(refused.waiter());
    if (replyTo != null) {
      replyTo.tell(
          new NotDestroyed(
              new VnetException(
                  "destroy",
                  refused.device().toString(),
                  refused.errno(),
                  refused.reason(),
                  refused.errno() == Errno.EBUSY ? "close it, or destroy it by force" : "")));
    }
  }

  private void free(DeviceId device) {
    Unit unit = find(device);
    if (unit == null) {
      return;
    }
    byUnit.remove(device.name().unit());
    units = units.without(device.name().unit());
    if (spares.size() < SPARE_NODES) {
      spares.push(unit.nodeActor);
    } else {
      unit.nodeActor.tell(new DeviceActor.Stop());
    }
    if (unit.softc != null) {
      host.events().publish(device, DeviceEvent.Kind.UNIT_FREED, () -> "");
      unit.softc.tell(new SoftcActor.Stop());
    }
    unit.destroyers.values().forEach(replyTo -> replyTo.tell(new Gone()));
    unit.watchers.forEach(replyTo -> replyTo.tell(new Gone()));
    answerDrains();
  }

  private void destroyAll(ReplyTo<Drained> replyTo) {
    terminating = true;
    drains.add(replyTo);
    byUnit.values().forEach(unit -> unit.tell(new SoftcActor.Destroy(0, DestroyPolicy.FORCE)));
    answerDrains();
  }

  private void answerDrains() {
    if (byUnit.isEmpty()) {
      drains.forEach(replyTo -> replyTo.tell(new Drained()));
      drains.clear();
    }
  }

  private @Nullable Unit find(DeviceId device) {
    Unit unit = byUnit.get(device.name().unit());
    return unit != null && unit.node.id().equals(device) ? unit : null;
  }
}
