package io.vnet.tunnel.actor;

import akka.Done;
import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.PostStop;
import akka.actor.typed.Terminated;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import io.vnet.api.address.Endpoint;
import io.vnet.api.error.VnetException;
import io.vnet.api.port.Island;
import io.vnet.api.port.PacketPort;
import io.vnet.tunnel.Outside;
import io.vnet.tunnel.core.CoreOutput;
import io.vnet.tunnel.core.Entropy;
import io.vnet.tunnel.core.HandshakeResult;
import io.vnet.tunnel.core.HandshakeWork;
import io.vnet.tunnel.core.Peer;
import io.vnet.tunnel.core.TunnelCore;
import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.path.DataPath;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.settings.TunnelDrop;
import io.vnet.tunnel.settings.TunnelStatus;
import java.util.ArrayDeque;
import java.util.EnumMap;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One tunnel: configuration, status, up, down and end.
 *
 * <pre>
 *   down --Up--> opening --Opened--> up --Down--> down
 *   up --Change of the port--> opening --Opened--> up (with the new port; the old one if it fails)
 *   any --End, inside port gone--> stopped
 * </pre>
 *
 * <p>While a port is being opened, which blocks and is done elsewhere, requests that need one wait
 * in their order; all else goes on, packets too.
 *
 * <p><b>Owner:</b> of the core, the data path, the outside port, and at the end of the inside port.
 * All run on the island, this actor too, so the core's calls are never inside one another.
 *
 * <p><b>Invariant:</b> when it has stopped, for whatever reason, both ports are closed, the keys of
 * its sessions and handshakes are erased, and {@link Setup#stopped} is told as soon as the outside
 * port is free.
 */
public final class TunnelActor {
  private static final Logger LOG = LoggerFactory.getLogger(TunnelActor.class);

  /** Failures of the outside port that come faster than this are not answered by a new one. */
  private static final long REOPEN_NANOS = 1_000_000_000L;

  /** What it understands. */
  public sealed interface Command {}

  /** A request; its answer is completed on the island, or where a port's release ends. */
  public sealed interface Request extends Command {
    /** Completed when all of it is done. */
    CompletableFuture<?> answer();
  }

  /** Applies a change as a whole or not at all. */
  public record Change(TunnelChange change, CompletableFuture<Done> answer) implements Request {}

  /** Opens the outside port and starts the peers. */
  public record Up(CompletableFuture<Done> answer) implements Request {}

  /** Stops the peers and closes the outside port; answered when its UDP port is free. */
  public record Down(CompletableFuture<Done> answer) implements Request {}

  /** Asks for the tunnel as it is. */
  public record Status(CompletableFuture<TunnelStatus> answer) implements Command {}

  /** Ends the tunnel. */
  public record End() implements Command {}

  private record InsideEnded(@Nullable VnetException cause) implements Command {}

  private record OutsideLost(PacketPort port, @Nullable VnetException cause) implements Command {}

  private record Failed(Throwable cause) implements Command {}

  private record Opened(OutsidePorts.Result result) implements Command {}

  /** The lane has results, which stay there until then: so they have an owner at any time. */
  private record Worked() implements Command {
    static final Worked INSTANCE = new Worked();
  }

  /**
   * What it is made of.
   *
   * @param name for messages
   * @param inside IP packets
   * @param outside where datagrams go
   * @param island where all of it runs; the actor's dispatcher is over it
   * @param crypto primitives
   * @param entropy random bytes
   * @param clock monotonic, in nanoseconds
   * @param stopped told when all is over, on any thread; as the last thing
   */
  public record Setup(
      String name,
      PacketPort inside,
      Outside outside,
      Island island,
      Crypto crypto,
      Entropy entropy,
      LongSupplier clock,
      Stopped stopped) {}

  /** Is told of the end. */
  @FunctionalInterface
  public interface Stopped {
    /**
     * All is over.
     *
     * @param drops what went nowhere, as in {@link TunnelStatus}
     * @param defect that ended it; null: none did
     */
    void stopped(Map<TunnelDrop, Long> drops, @Nullable Throwable defect);
  }

  private final ActorContext<Command> context;
  private final Setup setup;
  private final TunnelCore core;
  private final DataPath path;
  private final HandshakeLane lane;
  private final OutsidePorts ports;
  private final IdentityHashMap<Peer, ActorRef<PeerActor.Command>> clocks = new IdentityHashMap<>();
  private final ArrayDeque<Command> later = new ArrayDeque<>();
  private int listenPort;
  private int mark;
  private boolean up;
  private long reopenedAt;
  private @Nullable Throwable defect;

  private TunnelActor(ActorContext<Command> context, Setup setup) {
    this.context = context;
    this.setup = setup;
    ActorRef<Command> self = context.getSelf();
    this.core = new TunnelCore(setup.crypto(), setup.entropy(), new Output());
    this.path =
        new DataPath(setup.inside(), core, new PathOwner(self), setup.island(), setup.clock());
    this.lane =
        new HandshakeLane(context.getSystem().executionContext(), () -> self.tell(Worked.INSTANCE));
    this.ports =
        new OutsidePorts(
            setup,
            path,
            context.getSystem().dispatchers().lookup(DispatcherSelector.blocking()),
            result -> self.tell(new Opened(result)));
    this.reopenedAt = setup.clock().getAsLong() - REOPEN_NANOS;
  }

  /** The behavior; for a dispatcher over the setup's island. */
  public static Behavior<Command> create(Setup setup) {
    return Behaviors.setup(context -> {
      TunnelActor actor = start(context, setup);
      return Behaviors.receive(Command.class)
          .onAnyMessage(actor::receiveOrFail)
          .onSignal(PostStop.class, _ -> actor.stop())
          .onSignal(Terminated.class, actor::clockStopped)
          .build();
    });
  }

  /** Whoever waits for the end is told, even if there was no beginning. */
  private static TunnelActor start(ActorContext<Command> context, Setup setup) {
    try {
      TunnelActor actor = new TunnelActor(context, setup);
      actor.path.start();
      return actor;
    } catch (RuntimeException | Error e) {
      setup.inside().close();
      setup.stopped().stopped(Map.of(), e);
      throw e;
    }
  }

  private record PathOwner(ActorRef<Command> self) implements DataPath.Owner {
    @Override
    public void insideEnded(@Nullable VnetException cause) {
      self.tell(new InsideEnded(cause));
    }

    @Override
    public void outsideLost(PacketPort port, @Nullable VnetException cause) {
      self.tell(new OutsideLost(port, cause));
    }

    @Override
    public void failed(Throwable cause) {
      self.tell(new Failed(cause));
    }
  }

  /** The core's decisions; some come while the data path has its turn, not in a message. */
  private final class Output implements CoreOutput {
    @Override
    public void send(byte[] message, Endpoint to) {
      path.send(message, to);
    }

    @Override
    public void work(HandshakeWork work) {
      lane.add(work);
    }

    @Override
    public void flush(Peer peer) {
      path.wantsFlush(peer);
    }

    @Override
    public void deadline(Peer peer) {
      ActorRef<PeerActor.Command> clock = clocks.get(peer);
      if (clock != null) {
        clock.tell(PeerActor.Earlier.INSTANCE);
      }
    }

    @Override
    public void added(Peer peer) {
      ActorRef<PeerActor.Command> clock =
          context.spawnAnonymous(
              PeerActor.create(peer, new CoreAlarm()), DispatcherSelector.sameAsParent());
      context.watch(clock);
      clocks.put(peer, clock);
    }

    @Override
    public void removed(Peer peer) {
      path.forget(peer);
      ActorRef<PeerActor.Command> clock = clocks.remove(peer);
      if (clock != null) {
        context.unwatch(clock);
        context.stop(clock);
      }
    }
  }

  private final class CoreAlarm implements PeerActor.Alarm {
    @Override
    public long now() {
      return setup.clock().getAsLong();
    }

    @Override
    public void expire(Peer peer, long now) {
      // A message of a peer that was removed may have been on its way.
      if (clocks.containsKey(peer)) {
        core.expire(peer, now, DataPath.unixNanos());
        path.afterCore();
      }
    }
  }

  /** A defect here ends the tunnel in order. */
  private Behavior<Command> receiveOrFail(Command command) {
    try {
      return receive(command);
    } catch (RuntimeException | Error e) {
      return fail(e);
    }
  }

  private Behavior<Command> fail(Throwable cause) {
    LOG.error("{}: the tunnel has failed", setup.name(), cause);
    defect = cause;
    return Behaviors.stopped();
  }

  private Behavior<Command> receive(Command command) {
    switch (command) {
      case Request request -> {
        if (ports.isOpening()) {
          later.add(request);
        } else {
          request(request);
        }
      }
      case Status status -> status.answer().complete(status());
      case Worked _ -> worked();
      case Opened(var result) -> opened(result);
      case OutsideLost lost -> outsideLost(lost);
      case InsideEnded(var cause) -> {
        LOG.debug("{}: the inside port has ended", setup.name(), cause);
        return Behaviors.stopped();
      }
      case Failed(var cause) -> {
        return fail(cause);
      }
      case End _ -> {
        return Behaviors.stopped();
      }
    }
    return Behaviors.same();
  }

  private void worked() {
    Queue<HandshakeResult> results = lane.take();
    try {
      long now = now();
      long unixNanos = DataPath.unixNanos();
      for (HandshakeResult result = results.poll(); result != null; result = results.poll()) {
        core.complete(result, now, unixNanos);
      }
    } finally {
      results.forEach(HandshakeResult::erase);
    }
    path.afterCoreSoon();
  }

  private void request(Request request) {
    try {
      switch (request) {
        case Change change -> change(change);
        case Up wanted -> up(wanted);
        case Down wanted -> {
          down();
          answerWhenFreed(wanted.answer());
        }
      }
    } catch (VnetException e) {
      request.answer().completeExceptionally(e);
    }
  }

  private long now() {
    return setup.clock().getAsLong();
  }

  private TunnelStatus status() {
    TunnelStatus of = core.status();
    return new TunnelStatus(of.privateKey(), listenPort, mark, up, of.peers(), drops());
  }

  private Map<TunnelDrop, Long> drops() {
    Map<TunnelDrop, Long> drops = new EnumMap<>(TunnelDrop.class);
    drops.putAll(core.drops().snapshot());
    path.portDrops().forEach((reason, number) -> drops.merge(reason, number, Long::sum));
    return drops;
  }

  private void up(Up wanted) {
    if (up) {
      wanted.answer().complete(Done.getInstance());
      return;
    }
    ports.open(
        listenPort,
        mark,
        opened -> {
          use(opened);
          up = true;
          core.outsideChanged();
          core.up(now());
          path.afterCore();
          wanted.answer().complete(Done.getInstance());
        },
        wanted.answer()::completeExceptionally);
  }

  private void down() {
    if (!up) {
      return;
    }
    up = false;
    core.down(now());
    path.afterCore();
    ports.close();
  }

  private void answerWhenFreed(CompletableFuture<Done> answer) {
    ports.whenFreed(() -> answer.complete(Done.getInstance()));
  }

  private void use(Outside.Bound opened) {
    listenPort = opened.localPort();
    ports.use(opened);
  }

  /** What can fail comes first: the port, or the mark of the one that there is. */
  private void change(Change wanted) {
    TunnelChange change = wanted.change();
    int newPort = change.listenPort().orElse(listenPort);
    int newMark = change.mark().orElse(mark);
    Outside.Bound current = ports.bound();
    if (current == null) {
      listenPort = newPort;
      mark = newMark;
      apply(wanted);
    } else if (newPort == current.localPort()) {
      if (newMark != mark) {
        current.mark(newMark);
        mark = newMark;
        core.outsideChanged();
      }
      apply(wanted);
    } else {
      ports.open(
          newPort,
          newMark,
          opened -> {
            use(opened);
            mark = newMark;
            core.outsideChanged();
            apply(wanted);
          },
          wanted.answer()::completeExceptionally);
    }
  }

  private void apply(Change wanted) {
    core.change(wanted.change(), now());
    path.afterCore();
    answerWhenFreed(wanted.answer());
  }

  private void opened(OutsidePorts.Result result) {
    if (ports.opened(result)) {
      while (!ports.isOpening() && !later.isEmpty()) {
        var _ = receive(later.remove());
      }
    }
  }

  /** Tries once to have another port; two failures in a row end in a tunnel that is down. */
  @SuppressWarnings("ReferenceEquality") // This one, and no other.
  private void outsideLost(OutsideLost lost) {
    Outside.Bound current = ports.bound();
    if (current == null || current.port() != lost.port()) {
      return;
    }
    if (ports.isOpening()) {
      // The one that is being opened takes its place; if it cannot, this is looked at again.
      later.add(lost);
      return;
    }
    long now = now();
    boolean again = now - reopenedAt >= REOPEN_NANOS;
    LOG.warn("{}: the outside port has failed", setup.name(), lost.cause());
    ports.close();
    if (!again) {
      LOG.error("{}: it is down, as the outside port keeps failing", setup.name());
      down();
      return;
    }
    reopenedAt = now;
    ports.open(
        listenPort,
        mark,
        opened -> {
          use(opened);
          core.outsideChanged();
          path.afterCore();
        },
        failure -> {
          LOG.error("{}: it is down, as no outside port can be opened", setup.name(), failure);
          down();
        });
  }

  private Behavior<Command> clockStopped(Terminated terminated) {
    return fail(
        new IllegalStateException("the clock of a peer has failed: " + terminated.getRef()));
  }

  /** Each step is done whatever becomes of the others. */
  private Behavior<Command> stop() {
    up = false;
    step(lane::close);
    ports.abandon();
    step(() -> core.down(now()));
    step(ports::close);
    step(path::close);
    step(setup.inside()::close);
    Map<TunnelDrop, Long> dropped = new EnumMap<>(TunnelDrop.class);
    step(() -> dropped.putAll(drops()));
    Throwable why = defect;
    ports.whenFreed(() -> setup.stopped().stopped(dropped, why));
    return Behaviors.same();
  }

  private void step(Runnable action) {
    try {
      action.run();
    } catch (RuntimeException | Error e) {
      LOG.error("{}: a step of the end failed", setup.name(), e);
      if (defect == null) {
        defect = e;
      }
    }
  }
}
