package io.vnet.actors.device;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import io.vnet.actors.core.ReplyTo;
import io.vnet.api.device.DeviceId;
import io.vnet.api.device.DeviceName;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.DriverKind;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * One instance of the network stack: accepts names for creation (its cloners), knows the interfaces
 * that live in it, and is the parent of the softcs that were born in it.
 *
 * <p>Source: if_tuntap specification, sections 1.4 and 6.3.
 */
public final class VnetActor {
  /** What it understands. */
  public sealed interface Command {}

  /** Create a device. */
  public record Create(DeviceSpec spec, ReplyTo<CreateReply> replyTo) implements Command {}

  record Attached(DeviceId device, String interfaceName) implements Command {}

  record Detached(DeviceId device) implements Command {}

  private record ReserveAnswered(
      DeviceSpec spec, ReplyTo<CreateReply> replyTo, DriverActor.ReserveReply reply)
      implements Command {}

  /** The answer to a create. */
  public sealed interface CreateReply {}

  /** The device is there. */
  public record Created(DeviceId device, String interfaceName, int mtu) implements CreateReply {}

  /** Nothing has changed. */
  public record CreateFailed(VnetException cause) implements CreateReply {}

  private final ActorContext<Command> context;
  private final HostContext host;
  private final String name;
  private final Map<DriverKind, ActorRef<DriverActor.Command>> drivers;
  private final ActorRef<GracePeriodActor.Command> gracePeriod;
  private final ActorRef<DeferredDestroyActor.Command> deferred;
  private final Map<DeviceId, String> interfaces = new HashMap<>();
  private final Set<String> interfaceNames = new HashSet<>();

  private VnetActor(
      ActorContext<Command> context,
      HostContext host,
      String name,
      Map<DriverKind, ActorRef<DriverActor.Command>> drivers,
      ActorRef<GracePeriodActor.Command> gracePeriod,
      ActorRef<DeferredDestroyActor.Command> deferred) {
    this.context = context;
    this.host = host;
    this.name = name;
    this.drivers = drivers;
    this.gracePeriod = gracePeriod;
    this.deferred = deferred;
  }

  static Behavior<Command> create(
      HostContext host,
      String name,
      Map<DriverKind, ActorRef<DriverActor.Command>> drivers,
      ActorRef<GracePeriodActor.Command> gracePeriod,
      ActorRef<DeferredDestroyActor.Command> deferred) {
    return Behaviors.supervise(
            Behaviors.<Command>setup(context ->
                new VnetActor(context, host, name, drivers, gracePeriod, deferred).behavior()))
        .onFailure(SupervisorStrategy.resume());
  }

  private Behavior<Command> behavior() {
    return Behaviors.receiveMessage(command -> {
      switch (command) {
        case Create(var spec, var replyTo) ->
            check(spec)
                .ifPresentOrElse(
                    refusal -> replyTo.tell(new CreateFailed(refusal)),
                    () -> reserve(spec, replyTo));
        case ReserveAnswered(var spec, var replyTo, var reply) -> {
          switch (reply) {
            case DriverActor.ReserveRefused(var cause) -> replyTo.tell(new CreateFailed(cause));
            case DriverActor.Reserved(var node, var nodeActor) ->
                spawn(spec, replyTo, node, nodeActor);
          }
        }
        case Attached(var device, var interfaceName) -> {
          interfaces.put(device, interfaceName);
          interfaceNames.add(interfaceName);
        }
        case Detached(var device) -> {
          String interfaceName = interfaces.remove(device);
          if (interfaceName != null) {
            interfaceNames.remove(interfaceName);
          }
        }
      }
      return Behaviors.same();
    });
  }

  private Optional<VnetException> check(DeviceSpec spec) {
    Optional<DeviceName> parsed = DeviceName.match(spec.name());
    if (parsed.isEmpty()) {
      return refusal(
          spec,
          Errno.EINVAL,
          "no driver accepts this name",
          "use tun, tap or vmnet, alone or with a unit (tun3)");
    }
    if (interfaceNames.contains(spec.name())) {
      return refusal(
          spec, Errno.EEXIST, "an interface of that name is in " + name, "use another name");
    }
    if (spec.mtu() < DeviceSpec.MIN_MTU || spec.mtu() > DeviceSpec.MAX_MTU) {
      return refusal(
          spec,
          Errno.EINVAL,
          "MTU " + spec.mtu() + " is not within " + DeviceSpec.MIN_MTU + ".." + DeviceSpec.MAX_MTU,
          "use an MTU within the range");
    }
    return Optional.empty();
  }

  private static Optional<VnetException> refusal(
      DeviceSpec spec, Errno errno, String reason, String remedy) {
    return Optional.of(new VnetException("create", spec.name(), errno, reason, remedy));
  }

  private void reserve(DeviceSpec spec, ReplyTo<CreateReply> replyTo) {
    ActorRef<Command> self = context.getSelf();
    DeviceName wanted = DeviceName.match(spec.name()).orElseThrow();
    driver(wanted.driver())
        .tell(
            new DriverActor.Reserve(
                wanted, reply -> self.tell(new ReserveAnswered(spec, replyTo, reply))));
  }

  private void spawn(
      DeviceSpec spec,
      ReplyTo<CreateReply> replyTo,
      Node node,
      ActorRef<DeviceActor.Command> nodeActor) {
    DeviceId device = node.id();
    ActorRef<DriverActor.Command> driver = driver(device.name().driver());
    SoftcActor.Softc softc =
        new SoftcActor.Softc(
            device,
            spec,
            node,
            nodeActor,
            driver,
            context.getSelf(),
            name,
            gracePeriod,
            deferred,
            replyTo,
            new BlockingLane(host.blocking()));
    driver.tell(
        new DriverActor.SoftcStarted(
            device,
            context.spawn(
                SoftcActor.create(host, softc),
                device + "-" + device.generation(),
                DispatcherSelector.sameAsParent())));
  }

  private ActorRef<DriverActor.Command> driver(DriverKind kind) {
    ActorRef<DriverActor.Command> driver = drivers.get(kind);
    if (driver == null) {
      throw new IllegalStateException("no driver " + kind);
    }
    return driver;
  }
}
