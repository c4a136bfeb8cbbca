package io.vnet.actors.device;

import akka.actor.ActorRefWithCell;
import akka.actor.typed.ActorRef;
import akka.actor.typed.javadsl.Adapter;
import io.vnet.api.device.DriverKind;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import scala.jdk.javaapi.CollectionConverters;

/** What the simulation needs to see of this package's messages, and nothing else. */
public final class SimAccess {
  private SimAccess() {}

  /** Tells the softc something that makes it throw: the actor crashes when it gets to it. */
  @SuppressWarnings("NullAway") // The missing cause is what it trips over.
  public static void poison(ActorRef<SoftcActor.Command> softc) {
    softc.tell(new SoftcActor.BackendLost(null));
  }

  /** The actors that the devices of a host share. */
  public enum Shared {
    ROOT,
    DRIVER,
    VNET,
    GRACE_PERIOD,
    DEFERRED,
    NODE
  }

  /** Tells one of them something that makes it throw when it gets to it. */
  @SuppressWarnings("NullAway") // What is missing is what it trips over.
  public static void poison(Shared who, HostActor.Actors actors, VnetTable vnets, String vnet) {
    switch (who) {
      case ROOT -> root(actors).tell(new HostActor.CreateVnet(null, _ -> {}), null);
      case DRIVER ->
          actors.drivers().get(DriverKind.TUN).tell(new DriverActor.AwaitGone(null, _ -> {}));
      case VNET -> vnets.tell(vnet, new VnetActor.Create(null, _ -> {}));
      // These trip in the middle of their work.
      case GRACE_PERIOD -> actors.gracePeriod().tell(new GracePeriodActor.Retire(0, null));
      case DEFERRED ->
          children(root(actors))
              .filter(child -> child.path().name().equals("deferred-destroy"))
              .forEach(child -> child.tell(new DeferredDestroyActor.Schedule(null, null), null));
      case NODE ->
          children(Adapter.toClassic(actors.drivers().get(DriverKind.TUN)))
              .limit(1)
              .forEach(child -> child.tell(new DeviceActor.SwapAlias(null, null), null));
    }
  }

  private static akka.actor.ActorRef root(HostActor.Actors actors) {
    return ((ActorRefWithCell) Adapter.toClassic(actors.gracePeriod())).getParent();
  }

  private static Stream<akka.actor.ActorRef> children(akka.actor.ActorRef parent) {
    return StreamSupport.stream(
        CollectionConverters.asJava(((ActorRefWithCell) parent).children()).spliterator(), false);
  }

  /** Whether a message is a poison, or what an actor that has met one tells itself. */
  public static boolean comesOfPoison(Object message) {
    return message instanceof SoftcActor.BackendLost;
  }

  /** Whether a message is one of a driver to a device of its own that it does not need any more. */
  public static boolean isOfDriver(Object message) {
    return message instanceof SoftcActor.Stop
        || message instanceof DeviceActor.Stop
        || message instanceof SoftcActor.Destroy
        || message instanceof SoftcActor.CancelDestroy;
  }
}
