package io.vnet.actors.sim;

import akka.actor.DeadLetter;
import akka.actor.typed.ActorRef;
import io.vnet.actors.core.ReplyTo;
import io.vnet.actors.device.DriverActor;
import io.vnet.actors.device.EventLog;
import io.vnet.actors.device.GraceGauge;
import io.vnet.actors.device.HostActor;
import io.vnet.actors.device.HostContext;
import io.vnet.actors.device.HostFailure;
import io.vnet.actors.device.Node;
import io.vnet.actors.device.NodeTable;
import io.vnet.actors.device.SimAccess;
import io.vnet.actors.device.VnetActor;
import io.vnet.actors.device.VnetTable;
import io.vnet.api.device.ClonePolicy;
import io.vnet.api.device.DriverKind;
import io.vnet.api.epoch.Epoch;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One host under simulation: what {@code VnetHost} and {@code HostDevice} do around the actors, but
 * with nobody waiting. It knows who owes whom a reply.
 */
final class World {
  private static final int ADVANCES_MAX = 10_000;
  private static final long STALL_NANOS = 3_000_000;
  private static final long RECHECK_NANOS = 1_000_000;

  private final Simulator simulator;
  private final Memory memory;
  private final Mix mix;
  private final SplittableRandom random;
  private final HostContext context;
  private final Witness witness;
  private final SimulatedNetwork network;
  private final List<Client> clients = new ArrayList<>();
  private final Map<Long, Owed> owed = new LinkedHashMap<>();
  private long requests;
  private boolean terminating;
  private boolean hostStopped;
  private boolean gone;
  private boolean failing;
  private boolean failed;
  private boolean released;
  private @Nullable ActorRef<HostActor.Command> root;
  private HostActor.@Nullable Actors actors;

  /** Memory that outlives a schedule. */
  record Memory(SlabPool rings, BatchPool singles, PacketBatch batch) {
    private static final int RING_BYTES = 64 * 1024;
    private static final int RINGS = 64;

    static Memory map() {
      BatchPool singles = new BatchPool(new SlabPool(RING_BYTES, RINGS), 1, 0, 0);
      return new Memory(new SlabPool(RING_BYTES, RINGS), singles, singles.acquire());
    }
  }

  /** A reply that somebody waits for. */
  private record Owed(String who, String what, boolean untilGone, Runnable atShutdown) {
    @Override
    public String toString() {
      return who + " waits for the answer to " + what;
    }
  }

  World(Simulator simulator, Memory memory, Mix mix, SplittableRandom random) {
    this.simulator = simulator;
    this.memory = memory;
    this.mix = mix;
    this.random = random;
    NodeTable nodes = new NodeTable();
    witness = new Witness(nodes, simulator::report);
    network = new SimulatedNetwork(simulator, mix, random.split(), witness::fault);
    // Events are seen in the step in which they happen.
    EventLog events = new EventLog(Runnable::run, simulator::nanoTime);
    events.listen(event -> {
      simulator
          .trace()
          .note(event.kind() + " " + Witness.text(event.device()) + " " + event.detail());
      witness.accept(event);
    });
    Epoch epoch = Epoch.create(Epoch.Barrier.FULL_FENCE);
    context =
        new HostContext(
            epoch,
            memory.rings(),
            memory.singles(),
            nodes,
            new VnetTable(epoch),
            new AtomicReference<>(ClonePolicy.defaults()),
            events,
            new GraceGauge(Integer.MAX_VALUE),
            new HostFailure(_ -> failed(), this::actorsStopped),
            this::runBlocking,
            Runnable::run,
            () -> network,
            simulator::after,
            simulator::nanoTime,
            Long.MAX_VALUE,
            new AtomicLong(),
            _ -> {});
  }

  /** Starts the host, before the schedule begins. */
  void start(SimulatedSystem system) {
    system.start(
        context,
        this::deadLetter,
        host -> {
          root = host;
          host.tell(new HostActor.WhoIsThere(there -> actors = there));
        });
    if (actors == null) {
      throw new IllegalStateException("the host did not start");
    }
  }

  /** Draws the clients' scripts and runs the schedule to its end. */
  void run() {
    int count = 2 + random.nextInt(3);
    for (int i = 0; i < count; i++) {
      clients.add(new Client(this, "client-" + i, random.split()));
    }
    clients.forEach(Client::resume);
    rest(false);
    terminate("the end");
    rest(true);
    checkEnd();
  }

  /** Runs until nothing is left to do; nobody may wait for an answer then. */
  void rest(boolean host) {
    simulator.quiesce();
    for (int i = 0; simulator.advance(); i++) {
      if (i == ADVANCES_MAX) {
        throw new Violation("no rest after " + i + " timers; " + waiting(true));
      }
      simulator.quiesce();
    }
    String waiting = waiting(host);
    if (!waiting.isEmpty()) {
      throw new Violation("deadlock: nothing is ready and no timer runs, but " + waiting);
    }
  }

  private String waiting(boolean host) {
    return String.join(
        "; ",
        owed.values().stream()
            .filter(debt -> host || !debt.untilGone())
            .map(Owed::toString)
            .toList());
  }

  /** After the end of the host: nothing is left of it. */
  void checkEnd() {
    if (!gone || released != failed) {
      throw new Violation("the host did not end");
    }
    witness.checkEnd();
    network.checkEnd();
    if (context.epoch().readers() != 0) {
      simulator.report(context.epoch().readers() + " epoch readers are left");
    }
    if (memory.rings().lent() != 0) {
      simulator.report(memory.rings().lent() + " rings are left");
    }
    // Handles tell their users of a carried-out close from the common pool.
    if (!ForkJoinPool.commonPool().awaitQuiescence(10, TimeUnit.SECONDS)) {
      simulator.report("the common pool is not at rest");
    }
    clients.forEach(Client::checkEnd);
    simulator.quiesce();
    simulator.throwIfReported();
  }

  Simulator simulator() {
    return simulator;
  }

  Witness witness() {
    return witness;
  }

  SimulatedNetwork network() {
    return network;
  }

  Mix mix() {
    return mix;
  }

  PacketBatch batch() {
    return memory.batch();
  }

  HostActor.Actors actors() {
    return Objects.requireNonNull(actors);
  }

  ActorRef<DriverActor.Command> driver(DriverKind kind) {
    return Objects.requireNonNull(actors().drivers().get(kind));
  }

  /** Tells a vnet something, as a facade thread does; false if there is none of that name. */
  boolean tellVnet(String name, VnetActor.Command command) {
    return context.vnets().tell(name, command);
  }

  void tellRoot(HostActor.Command command) {
    Objects.requireNonNull(root).tell(command);
  }

  /** Makes an actor fail that the devices share. */
  void fail(SimAccess.Shared who, String vnet) {
    failing = true;
    witness.hostFails();
    SimAccess.poison(who, actors(), context.vnets(), vnet);
  }

  Optional<Node> find(String name) {
    return context.nodes().find(name);
  }

  long nextNumber() {
    return context.handleNumbers().incrementAndGet();
  }

  Section section(String who) {
    return new Section(context.epoch(), witness, who);
  }

  /**
   * Sends a request.
   *
   * @param who whose lane the answer is a step of
   * @param untilGone whether the answer may be owed as long as the host lives
   * @param then the answer, in a later step
   * @param atShutdown instead of it, if the host is gone
   */
  <T> void request(
      String who,
      String what,
      boolean untilGone,
      Consumer<ReplyTo<T>> send,
      Consumer<T> then,
      Runnable atShutdown) {
    if (gone) {
      simulator.submit(who, atShutdown);
      return;
    }
    long number = ++requests;
    owed.put(number, new Owed(who, what, untilGone, atShutdown));
    send.accept(reply -> {
      boolean waits = owed.remove(number) != null;
      if (!waits && failed) {
        return;
      }
      if (!waits) {
        simulator.report(who + " gets a second answer to " + what + ": " + reply);
      }
      simulator.submit(
          who,
          () -> {
            simulator
                .trace()
                .note(who + ": " + what + " answered " + reply.getClass().getSimpleName());
            then.accept(reply);
          });
    });
  }

  /** Ends the host, once. */
  void terminate(String who) {
    if (terminating) {
      return;
    }
    terminating = true;
    this.<HostActor.Terminated>request(
        who,
        "terminate",
        false,
        reply ->
            Objects.requireNonNull(root)
                .tell(
                    new HostActor.Terminate(terminated -> {
                      hostStopped = true;
                      reply.tell(terminated);
                    })),
        _ -> shutDown(),
        () -> {
          if (!failed) {
            simulator.report("terminate was overtaken by itself");
          }
        });
  }

  /** Whether the end of the host was reported. */
  boolean hasEnded() {
    return gone;
  }

  private void shutDown() {
    gone = true;
    List<Owed> left = List.copyOf(owed.values());
    owed.clear();
    left.forEach(debt -> simulator.submit(debt.who(), debt.atShutdown()));
  }

  /** One of the host's actors has failed: all who wait are answered now. */
  private void failed() {
    failed = true;
    witness.hostFailed();
    shutDown();
  }

  private void actorsStopped() {
    simulator.submit(
        "the end of the failed host",
        () ->
            context
                .failure()
                .release(
                    context,
                    task ->
                        simulator.after(
                            RECHECK_NANOS,
                            () -> simulator.submit("the end of the failed host", task)),
                    () -> released = true));
  }

  private void runBlocking(Runnable task) {
    if (random.nextInt(100) < mix.lostPercent()) {
      return;
    }
    String key = "blocking of " + simulator.currentKey();
    if (random.nextInt(100) < mix.stallPercent()) {
      simulator.after(STALL_NANOS, () -> simulator.submit(key, task));
    } else {
      simulator.submit(key, task);
    }
  }

  /**
   * No message may be lost. Two kinds need no answer once the host has stopped: what clients told
   * it meanwhile, whom the facade answers, and what the driver passed on to a softc before it
   * answered for it. When an actor of the host fails the facade answers everybody.
   */
  private void deadLetter(DeadLetter letter) {
    Object message = letter.message();
    String to = simulator.nameOf(letter.recipient());
    boolean inTheHost = !to.contains("/tun");
    if (failing
        || SimAccess.comesOfPoison(message)
        || (hostStopped && (inTheHost || SimAccess.isOfDriver(message)))) {
      return;
    }
    simulator.report("dead letter to " + to + ": " + message);
  }
}
