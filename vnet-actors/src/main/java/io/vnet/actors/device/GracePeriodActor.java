package io.vnet.actors.device;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.PreRestart;
import akka.actor.typed.Signal;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import io.vnet.actors.core.ReplyTo;
import io.vnet.api.epoch.Epoch;
import io.vnet.api.epoch.StalledReader;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says when every reader that could still hold an unlinked pointer has left its epoch section.
 *
 * <p>One grace period at a time, begun behind what the mailbox held when it was asked for; who asks
 * while one is under way waits for the next. So a thousand requests cost two. Callbacks come in the
 * order of the requests. The actor runs nothing of the requester's: it says {@link Elapsed}, so one
 * bad release holds up nobody else.
 *
 * <p>A section is a few hundred nanoseconds, so a grace period that has not elapsed is looked at
 * again with the next turn of the mailbox, {@link #TURNS} times. After that a reader was preempted
 * inside, perhaps by this actor, and gets no processor as long as somebody looks and others run:
 * the actor {@linkplain Epoch#hurry asks} those who run to give way for some milliseconds, sleeps
 * {@link #PAUSE_NANOS}, then each time a quarter longer, so that it adds a quarter to what the
 * reader takes. The first sleeps are {@linkplain io.vnet.api.epoch.Nap naps} of its own thread, in
 * half a millisecond altogether with turns of others between. A grace period that takes longer than
 * the limit is named in the log, to the listeners and in the {@link GraceGauge}, once, with thread
 * and stack. Nobody but the releases waits meanwhile; what may wait is bounded by refusing to
 * create devices.
 */
public final class GracePeriodActor {
  // Not the context's: that one walks the stack of each actor to find its name.
  private static final Logger LOG = LoggerFactory.getLogger(GracePeriodActor.class);

  private static final int TURNS = 16;
  private static final long PAUSE_NANOS = 20_000;
  private static final long PAUSE_MAX_NANOS = 10_000_000;

  /** Pauses of five milliseconds together; a reader inside for longer was not just preempted. */
  private static final long HURRY_PAUSE_NANOS = 1_000_000;

  /** What it understands. */
  public sealed interface Command {}

  /**
   * Something was unlinked: say when its readers have drained.
   *
   * @param token comes back in the answer
   */
  public record Retire(long token, ReplyTo<Elapsed> replyTo) implements Command {}

  /** Say when all that was retired before this has elapsed. */
  public record Barrier(ReplyTo<Elapsed> replyTo) implements Command {}

  private record Begin() implements Command {}

  private record Check() implements Command {}

  /** The readers have drained. */
  public record Elapsed(long token) {}

  private final ActorContext<Command> context;
  private final HostContext host;
  private List<Retire> current = List.of();
  private List<Retire> next = new ArrayList<>();
  private long token;
  private long nextRequestedNanos;
  private long requestedNanos;
  private long beganNanos;
  private int turns;
  private long pauseNanos;
  private boolean reported;

  private GracePeriodActor(ActorContext<Command> context, HostContext host) {
    this.context = context;
    this.host = host;
  }

  static Behavior<Command> create(HostContext host) {
    return Behaviors.setup(context -> new GracePeriodActor(context, host).behavior());
  }

  private Behavior<Command> behavior() {
    return Behaviors.receive((_, command) -> receive(command), (_, signal) -> receive(signal));
  }

  private Behavior<Command> receive(Command command) {
    switch (command) {
      case Retire retire -> add(retire);
      case Barrier(var replyTo) -> add(new Retire(0, replyTo));
      case Begin _ -> begin();
      case Check _ -> check();
    }
    return Behaviors.same();
  }

  private Behavior<Command> receive(Signal signal) {
    if (signal instanceof PostStop || signal instanceof PreRestart) {
      calm();
    }
    return Behaviors.same();
  }

  private void add(Retire retire) {
    if (next.isEmpty()) {
      nextRequestedNanos = host.nanoClock().getAsLong();
    }
    next.add(retire);
    gauge();
    if (current.isEmpty() && next.size() == 1) {
      // Behind what is in the mailbox already: one barrier is enough for all of it.
      context.getSelf().tell(new Begin());
    }
  }

  private void begin() {
    current = next;
    next = new ArrayList<>();
    requestedNanos = nextRequestedNanos;
    token = epoch().begin();
    beganNanos = host.nanoClock().getAsLong();
    turns = 0;
    pauseNanos = PAUSE_NANOS;
    reported = false;
    check();
  }

  private void check() {
    if (current.isEmpty()) {
      return;
    }
    if (epoch().elapsed(token)) {
      calm();
      List<Retire> done = current;
      current = List.of();
      gauge();
      if (reported) {
        host.gauge().stallOver();
      }
      host.gauge().showElapsed(host.nanoClock().getAsLong() - requestedNanos);
      done.forEach(retire -> retire.replyTo().tell(new Elapsed(retire.token())));
      if (next.isEmpty()) {
        host.later().over();
      } else {
        begin();
      }
      return;
    }
    ActorRef<Command> self = context.getSelf();
    if (++turns < TURNS) {
      self.tell(new Check());
    } else {
      reportStall();
      if (pauseNanos > HURRY_PAUSE_NANOS) {
        calm();
      } else {
        epoch().hurry();
      }
      host.later().run(pauseNanos, () -> self.tell(new Check()));
      pauseNanos = Math.min(pauseNanos + pauseNanos / 4, PAUSE_MAX_NANOS);
    }
  }

  private void calm() {
    if (epoch().isInHurry()) {
      epoch().calm();
    }
  }

  private void gauge() {
    host.gauge().show(current.size() + next.size());
  }

  private void reportStall() {
    long age = host.nanoClock().getAsLong() - beganNanos;
    if (!reported && age > host.stallNanos()) {
      reported = true;
      List<StalledReader> stalled = epoch().blocking(token);
      host.gauge().showStall(stalled);
      for (StalledReader reader : stalled) {
        host.events().publishStall(reader);
        LOG.warn(
            "grace period stalled for {} ms by reader '{}' on {}: {}",
            age / 1_000_000,
            reader.owner(),
            reader.thread().map(Thread::getName).orElse("an unknown thread"),
            reader.stack());
      }
    }
  }

  private Epoch epoch() {
    return host.epoch();
  }
}
