package io.vnet.actors.sim;

import akka.actor.BootstrapSetup;
import akka.actor.DeadLetter;
import akka.actor.setup.ActorSystemSetup;
import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.Adapter;
import akka.actor.typed.javadsl.Behaviors;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.vnet.actors.device.HostActor;
import io.vnet.actors.device.HostContext;
import java.util.function.Consumer;

/** An actor system without a thread, in which one host after the other lives. */
final class SimulatedSystem {
  /** The actor name of each host. */
  static final String HOST = "w";

  /** The actor that sees dead letters; it runs before all others. */
  static final String DEAD_LETTERS = "dead-letters";

  private static final Config CONFIG = config();

  private final Simulator simulator;
  private final ActorSystem<Start> system;
  private Consumer<DeadLetter> deadLetters = _ -> {};

  /** Starts a host. */
  private record Start(HostContext context, Consumer<ActorRef<HostActor.Command>> started) {}

  SimulatedSystem(Simulator simulator) {
    this.simulator = simulator;
    SimulatedClock.CREATING.set(simulator);
    try {
      system =
          ActorSystem.create(
              guardian(),
              "sim",
              ActorSystemSetup.create(
                  BootstrapSetup.create(CONFIG),
                  new SimulatedDispatcher.SimulatorSetup(simulator)));
    } finally {
      SimulatedClock.CREATING.remove();
    }
  }

  private Behavior<Start> guardian() {
    return Behaviors.setup(context -> {
      ActorRef<DeadLetter> listener =
          context.spawn(
              Behaviors.receiveMessage(letter -> {
                deadLetters.accept(letter);
                return Behaviors.same();
              }),
              DEAD_LETTERS);
      Adapter.toClassic(context.getSystem())
          .eventStream()
          .subscribe(Adapter.toClassic(listener), DeadLetter.class);
      return Behaviors.receiveMessage(start -> {
        start.started().accept(context.spawn(HostActor.create(start.context()), HOST));
        return Behaviors.same();
      });
    });
  }

  /** Starts a host, before the schedule begins; {@code letters} sees what dies from here on. */
  void start(
      HostContext context,
      Consumer<DeadLetter> letters,
      Consumer<ActorRef<HostActor.Command>> started) {
    deadLetters = letters;
    system.tell(new Start(context, started));
  }

  /** Ends the system. */
  void close() {
    simulator.end();
    deadLetters = _ -> {};
    system.terminate();
  }

  private static Config config() {
    String dispatcher =
        "{ type = \""
            + SimulatedDispatcher.class.getName()
            + "\", executor = \""
            + SimulatedDispatcher.Executor.class.getName()
            + "\", throughput = 1 }\n";
    return ConfigFactory.parseString(
            "akka.actor.default-dispatcher = "
                + dispatcher
                + "akka.actor.internal-dispatcher = "
                + dispatcher
                + "akka.actor.default-blocking-io-dispatcher = "
                + dispatcher
                + "akka.io.pinned-dispatcher = "
                + dispatcher
                + "akka.scheduler.implementation = \""
                + SimulatedClock.class.getName()
                + "\"\n"
                + """
                akka.loggers = []
                akka.loglevel = OFF
                akka.stdout-loglevel = OFF
                akka.use-slf4j = off
                akka.log-dead-letters = off
                akka.log-dead-letters-during-shutdown = off
                akka.jvm-shutdown-hooks = off
                akka.coordinated-shutdown.run-by-jvm-shutdown-hook = off
                """)
        .withFallback(ConfigFactory.load());
  }
}
