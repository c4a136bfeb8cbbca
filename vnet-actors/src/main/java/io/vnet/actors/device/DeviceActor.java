package io.vnet.actors.device;

import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import io.vnet.actors.core.ReplyTo;
import org.jspecify.annotations.Nullable;

/**
 * A node: owns the names under which its device is found. Its driver bound the first name before it
 * told this actor, so that a taken name refuses the creation.
 *
 * <p>After an unbind it binds nothing more of this device. It is the device's until the driver
 * frees the unit: whatever is asked twice is answered twice. The softc's last word to the driver
 * comes behind all that was said to the node, so whatever it is told then is of the {@link Serve
 * next device}: making an actor and ending it costs more than all that a node does.
 *
 * <p>Source: if_tuntap specification, section 1.7.
 */
public final class DeviceActor extends AbstractOnMessageBehavior<DeviceActor.Command> {
  /** What it understands. */
  public sealed interface Command {}

  /**
   * Replace the alias, as far as the new name is free; none if it is the node's own.
   *
   * @param newName of the interface
   */
  record SwapAlias(String newName, ReplyTo<AliasSwapped> replyTo) implements Command {}

  /** Remove the names. */
  public record Unbind(ReplyTo<Unbound> replyTo) implements Command {}

  /** The unit is free: the next device's node. */
  record Serve(Node node) implements Command {}

  /** The unit is free: end. */
  record Stop() implements Command {}

  /** The alias is as good as it gets. */
  record AliasSwapped() {}

  /** It has failed. */
  record Failed(Throwable cause) {}

  /** The names are gone: an open by name answers ENOENT. */
  public record Unbound() {}

  private final NodeTable nodes;
  private final ReplyTo<Failed> driver;
  private Node node;
  private @Nullable String alias;
  private boolean unbound;

  private DeviceActor(
      ActorContext<Command> context, Node node, NodeTable nodes, ReplyTo<Failed> driver) {
    super(context);
    this.node = node;
    this.nodes = nodes;
    this.driver = driver;
  }

  /**
   * @param driver told if it fails, and fails with it
   */
  static Behavior<Command> create(Node node, NodeTable nodes, ReplyTo<Failed> driver) {
    return Behaviors.setup(context -> new DeviceActor(context, node, nodes, driver));
  }

  @Override
  public Behavior<Command> onMessage(Command command) {
    try {
      return carryOut(command);
    } catch (RuntimeException | Error e) {
      driver.tell(new Failed(e));
      throw e;
    }
  }

  private Behavior<Command> carryOut(Command command) {
    switch (command) {
      case SwapAlias(var newName, var replyTo) -> {
        removeAlias();
        if (!unbound && !node.hasOwnName(newName) && nodes.bind(newName, node)) {
          alias = newName;
          node.publishAlias(newName);
        }
        replyTo.tell(new AliasSwapped());
      }
      case Unbind(var replyTo) -> {
        unbound = true;
        removeAlias();
        nodes.unbind(node.name(), node);
        replyTo.tell(new Unbound());
      }
      case Serve(var next) -> {
        removeAlias();
        node = next;
        unbound = false;
      }
      case Stop _ -> {
        return Behaviors.stopped();
      }
    }
    return this;
  }

  private void removeAlias() {
    if (alias != null) {
      nodes.unbind(alias, node);
      alias = null;
      node.publishAlias(null);
    }
  }
}
