package io.vnet.actors.device;

import akka.actor.typed.ActorRef;

/** What the simulation needs to see of this package's messages, and nothing else. */
public final class SimAccess {
  private SimAccess() {}

  /** Tells the softc something that makes it throw: the actor crashes when it gets to it. */
  @SuppressWarnings("NullAway") // The missing cause is what it trips over.
  public static void poison(ActorRef<SoftcActor.Command> softc) {
    softc.tell(new SoftcActor.BackendLost(null));
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
