package io.vnet.actors.device;

import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.Behaviors;
import io.vnet.actors.core.ReplyTo;

/**
 * A node: owns the names under which its device is found. Its driver bound the first name before it
 * started this actor, so that a taken name refuses the creation.
 *
 * <p>It lives until the driver stops it, when the unit is freed: an unbind asked twice is answered
 * twice.
 */
public final class DeviceActor {
  /** What it understands. */
  public sealed interface Command {}

  /** Remove the names. */
  public record Unbind(ReplyTo<Unbound> replyTo) implements Command {}

  /** The names are gone: an open by name answers ENOENT. */
  public record Unbound() {}

  private DeviceActor() {}

  static Behavior<Command> create(Node node, NodeTable nodes) {
    return Behaviors.receiveMessage(command ->
        switch (command) {
          case Unbind(var replyTo) -> {
            nodes.unbind(node.id().toString(), node);
            replyTo.tell(new Unbound());
            yield Behaviors.same();
          }
        });
  }
}
