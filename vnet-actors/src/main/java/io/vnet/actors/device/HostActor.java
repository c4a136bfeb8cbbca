package io.vnet.actors.device;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.ChildFailed;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.PostStop;
import akka.actor.typed.Signal;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import io.vnet.actors.core.ReplyTo;
import io.vnet.api.device.DriverKind;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The root of a host's actors. It starts them, and ends them in the order of a module's unload: no
 * new devices, all devices destroyed, no node left, the deferred queue empty, the grace periods
 * over.
 *
 * <p>If one of them fails, or this one, the host ends in another manner: {@link HostFailure}.
 *
 * <p>Source: if_tuntap specification, section 6.2.
 */
public final class HostActor {
  /** What it understands. */
  public sealed interface Command {}

  /** Say who is there. */
  public record WhoIsThere(ReplyTo<Actors> replyTo) implements Command {}

  /** End the host; answered when nothing of it is left but this actor, which then stops. */
  public record Terminate(ReplyTo<Terminated> replyTo) implements Command {}

  /** Make another vnet. */
  public record CreateVnet(String name, ReplyTo<VnetReply> replyTo) implements Command {}

  private record DriverDrained() implements Command {}

  private record QueueDrained() implements Command {}

  private record GracePeriodsOver() implements Command {}

  /** The answer to a {@link CreateVnet}. */
  public sealed interface VnetReply {}

  /** It is there, under its name in the {@link VnetTable}. */
  public record VnetCreated() implements VnetReply {}

  /** EEXIST: the name is taken; EINVAL: it is empty; ESHUTDOWN: the host ends. */
  public record VnetRefused(VnetException cause) implements VnetReply {}

  /** The host's actors that others talk to. */
  public record Actors(
      Map<DriverKind, ActorRef<DriverActor.Command>> drivers,
      ActorRef<GracePeriodActor.Command> gracePeriod) {
    /** Copies the map. */
    public Actors {
      drivers = Map.copyOf(drivers);
    }
  }

  /** All devices are gone. */
  public record Terminated() {}

  /** The vnet that a host starts with. */
  public static final String VNET0 = "vnet0";

  private final ActorContext<Command> context;
  private final HostContext host;
  private final Actors actors;
  private final ActorRef<GracePeriodActor.Command> gracePeriod;
  private final ActorRef<DeferredDestroyActor.Command> deferred;
  private final List<ReplyTo<Terminated>> terminators = new ArrayList<>();
  private int driversLeft;
  private int vnets;
  private boolean endedInOrder;

  private HostActor(
      ActorContext<Command> context,
      HostContext host,
      Behavior<GracePeriodActor.Command> gracePeriods) {
    this.context = context;
    this.host = host;
    gracePeriod = context.spawn(gracePeriods, "grace-period", DispatcherSelector.sameAsParent());
    deferred =
        context.spawn(
            DeferredDestroyActor.create(), "deferred-destroy", DispatcherSelector.sameAsParent());
    Map<DriverKind, ActorRef<DriverActor.Command>> drivers = new EnumMap<>(DriverKind.class);
    for (DriverKind kind : DriverKind.values()) {
      drivers.put(
          kind,
          context.spawn(
              DriverActor.create(host, kind),
              "driver-" + kind.driverName(),
              DispatcherSelector.sameAsParent()));
    }
    actors = new Actors(drivers, gracePeriod);
    context.watch(gracePeriod);
    context.watch(deferred);
    drivers.values().forEach(context::watch);
    startVnet(VNET0);
    driversLeft = drivers.size();
  }

  /** The behaviour of a host's root. */
  public static Behavior<Command> create(HostContext host) {
    return create(host, GracePeriodActor.create(host));
  }

  /** The same with another actor that says when readers have drained. */
  public static Behavior<Command> create(
      HostContext host, Behavior<GracePeriodActor.Command> gracePeriods) {
    return Behaviors.setup(context -> new HostActor(context, host, gracePeriods).behavior());
  }

  private void startVnet(String name) {
    ActorRef<VnetActor.Command> vnet =
        context.spawn(
            VnetActor.create(host, name, actors.drivers(), gracePeriod, deferred),
            "vnet-" + vnets++,
            DispatcherSelector.sameAsParent());
    context.watch(vnet);
    host.vnets().bind(name, vnet);
  }

  private VnetReply createVnet(String name) {
    if (!terminators.isEmpty()) {
      return refuseVnet(name, Errno.ESHUTDOWN, "the host is terminating", "start another host");
    }
    if (name.isEmpty()) {
      return refuseVnet(name, Errno.EINVAL, "a vnet needs a name", "use another name");
    }
    if (host.vnets().contains(name)) {
      return refuseVnet(name, Errno.EEXIST, "the name is in use", "use another name");
    }
    startVnet(name);
    return new VnetCreated();
  }

  private static VnetRefused refuseVnet(String name, Errno errno, String reason, String remedy) {
    return new VnetRefused(new VnetException("create vnet", name, errno, reason, remedy));
  }

  private Behavior<Command> behavior() {
    return Behaviors.receive((_, command) -> receive(command), (_, signal) -> signalled(signal));
  }

  private Behavior<Command> receive(Command command) {
    try {
      return carryOut(command);
    } catch (RuntimeException | Error e) {
      host.failure().fail("host", e);
      throw e;
    }
  }

  private Behavior<Command> signalled(Signal signal) {
    return switch (signal) {
      case ChildFailed failed -> {
        host.failure().fail(failed.getRef().path().name(), failed.cause());
        yield Behaviors.stopped();
      }
      // Of a vnet that was removed.
      case akka.actor.typed.Terminated _ -> Behaviors.same();
      case PostStop _ -> {
        if (!endedInOrder) {
          host.failure().allStopped();
        }
        yield Behaviors.same();
      }
      default -> Behaviors.unhandled();
    };
  }

  private Behavior<Command> carryOut(Command command) {
    ActorRef<Command> self = context.getSelf();
    switch (command) {
      case WhoIsThere(var replyTo) -> replyTo.tell(actors);
      case CreateVnet(var name, var replyTo) -> replyTo.tell(createVnet(name));
      case Terminate(var replyTo) -> {
        terminators.add(replyTo);
        if (terminators.size() == 1) {
          actors
              .drivers()
              .values()
              .forEach(driver ->
                  driver.tell(new DriverActor.DestroyAll(_ -> self.tell(new DriverDrained()))));
        }
      }
      case DriverDrained _ -> {
        if (--driversLeft == 0) {
          deferred.tell(new DeferredDestroyActor.Drain(_ -> self.tell(new QueueDrained())));
        }
      }
      case QueueDrained _ ->
          gracePeriod.tell(new GracePeriodActor.Barrier(_ -> self.tell(new GracePeriodsOver())));
      case GracePeriodsOver _ -> {
        endedInOrder = true;
        terminators.forEach(replyTo -> replyTo.tell(new Terminated()));
        return Behaviors.stopped();
      }
    }
    return Behaviors.same();
  }
}
