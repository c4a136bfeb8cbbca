package io.vnet.actors.device;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import io.vnet.actors.core.ReplyTo;
import java.util.ArrayList;
import java.util.List;

/**
 * The task queue that removes nodes nobody may wait for: a transient device that ends itself inside
 * its own last close hands its node over here and goes on.
 *
 * <p>Source: destroy_dev_sched(9); FreeBSD commit 96c1d8db39df.
 */
public final class DeferredDestroyActor {
  /** What it understands. */
  public sealed interface Command {}

  /**
   * Unbind this node when its turn comes.
   *
   * @param replyTo told when the names are gone
   */
  public record Schedule(ActorRef<DeviceActor.Command> node, ReplyTo<DeviceActor.Unbound> replyTo)
      implements Command {}

  /** Say when nothing is left to do. */
  public record Drain(ReplyTo<Drained> replyTo) implements Command {}

  private record Done(ReplyTo<DeviceActor.Unbound> replyTo) implements Command {}

  /** Nothing is left to do. */
  public record Drained() {}

  private final ActorContext<Command> context;
  private final List<ReplyTo<Drained>> drains = new ArrayList<>();
  private int pending;

  private DeferredDestroyActor(ActorContext<Command> context) {
    this.context = context;
  }

  static Behavior<Command> create() {
    return Behaviors.setup(context -> new DeferredDestroyActor(context).behavior());
  }

  private Behavior<Command> behavior() {
    return Behaviors.receiveMessage(command -> {
      switch (command) {
        case Schedule(var node, var replyTo) -> {
          pending++;
          ActorRef<Command> self = context.getSelf();
          node.tell(new DeviceActor.Unbind(_ -> self.tell(new Done(replyTo))));
        }
        case Done(var replyTo) -> {
          pending--;
          replyTo.tell(new DeviceActor.Unbound());
          answerDrains();
        }
        case Drain(var replyTo) -> {
          drains.add(replyTo);
          answerDrains();
        }
      }
      return Behaviors.same();
    });
  }

  private void answerDrains() {
    if (pending == 0) {
      drains.forEach(replyTo -> replyTo.tell(new Drained()));
      drains.clear();
    }
  }
}
