package io.vnet.tunnel.actor;

import akka.actor.Cancellable;
import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import io.vnet.tunnel.core.Peer;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A peer's alarm clock: wakes the core at the peer's deadline.
 *
 * <p>At most one wake-up is scheduled. When the deadline moves to a later time it stays and looks
 * again; when it moves to an earlier one it is scheduled anew. So a packet costs no timer, and ten
 * thousand peers cost ten thousand entries of the actor system's wheel.
 *
 * <p><b>Owner:</b> the core is touched here as in {@link TunnelActor}, on the same thread.
 */
final class PeerActor {
  /** What it understands. */
  sealed interface Command {}

  /** The peer's deadline is earlier than it was. */
  record Earlier() implements Command {
    static final Earlier INSTANCE = new Earlier();
  }

  private record Wake() implements Command {
    static final Wake INSTANCE = new Wake();
  }

  /** Wakes the core. */
  interface Alarm {
    /** The time, as the core knows it. */
    long now();

    /** The peer's deadline is over. */
    void expire(Peer peer, long now);
  }

  private final ActorContext<Command> context;
  private final Peer peer;
  private final Alarm alarm;
  private long scheduledFor = Long.MAX_VALUE;
  private @Nullable Cancellable scheduled;

  private PeerActor(ActorContext<Command> context, Peer peer, Alarm alarm) {
    this.context = context;
    this.peer = peer;
    this.alarm = alarm;
  }

  static Behavior<Command> create(Peer peer, Alarm alarm) {
    return Behaviors.setup(context -> {
      PeerActor actor = new PeerActor(context, peer, alarm);
      actor.look();
      return Behaviors.receive(Command.class)
          .onMessage(Earlier.class, _ -> actor.earlier())
          .onMessage(Wake.class, _ -> actor.wake())
          .onSignal(PostStop.class, _ -> actor.stopped())
          .build();
    });
  }

  private Behavior<Command> earlier() {
    look();
    return Behaviors.same();
  }

  private Behavior<Command> wake() {
    scheduled = null;
    scheduledFor = Long.MAX_VALUE;
    look();
    return Behaviors.same();
  }

  /** What is due is done at once: the wheel ticks in hundredths of a second. */
  private void look() {
    long now = alarm.now();
    if (peer.deadline() <= now) {
      alarm.expire(peer, now);
    }
    schedule(now);
  }

  private Behavior<Command> stopped() {
    if (scheduled != null) {
      scheduled.cancel();
    }
    return Behaviors.same();
  }

  private void schedule(long now) {
    long deadline = peer.deadline();
    if (deadline >= scheduledFor) {
      return;
    }
    if (scheduled != null) {
      scheduled.cancel();
    }
    scheduledFor = deadline;
    scheduled =
        context.scheduleOnce(
            Duration.ofNanos(Math.max(1, deadline - now)), context.getSelf(), Wake.INSTANCE);
  }
}
