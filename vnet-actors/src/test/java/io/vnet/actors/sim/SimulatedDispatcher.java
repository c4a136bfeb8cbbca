package io.vnet.actors.sim;

import akka.actor.ActorCell;
import akka.actor.ActorRef;
import akka.actor.setup.Setup;
import akka.dispatch.Dispatcher;
import akka.dispatch.DispatcherPrerequisites;
import akka.dispatch.Envelope;
import akka.dispatch.ExecutorServiceConfigurator;
import akka.dispatch.ExecutorServiceFactory;
import akka.dispatch.MessageDispatcher;
import akka.dispatch.MessageDispatcherConfigurator;
import akka.dispatch.sysmsg.DeathWatchNotification;
import akka.dispatch.sysmsg.SystemMessage;
import com.typesafe.config.Config;
import java.util.List;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import scala.concurrent.duration.Duration;
import scala.concurrent.duration.FiniteDuration;

/**
 * A dispatcher whose mailboxes run when the {@link Simulator} says so, one message a run.
 *
 * <p>The notice of a child's death is a step of its own: a mailbox run handles all system messages
 * first, so "answer, then stop" of a child and its parent's clean-up would be one step, which they
 * are not on threads. Nothing follows that notice from the child, so a delay is sound.
 */
public final class SimulatedDispatcher extends MessageDispatcherConfigurator {
  private final MessageDispatcher dispatcher;

  /** Brings the simulator to the classes that Akka makes by name. */
  static final class SimulatorSetup extends Setup {
    final Simulator simulator;

    SimulatorSetup(Simulator simulator) {
      this.simulator = simulator;
    }
  }

  /** Made by Akka, from the configuration. */
  public SimulatedDispatcher(Config config, DispatcherPrerequisites prerequisites) {
    super(config, prerequisites);
    Simulator simulator = simulator(prerequisites);
    dispatcher =
        new Dispatcher(
            this,
            config.getString("id"),
            1,
            Duration.Zero(),
            new Executor(config, prerequisites),
            FiniteDuration.apply(1, TimeUnit.SECONDS)) {
          @Override
          public void dispatch(ActorCell receiver, Envelope envelope) {
            if (simulator.isRunning()) {
              simulator
                  .trace()
                  .sent(simulator.nameOf(receiver.self()), envelope.message().getClass());
            }
            super.dispatch(receiver, envelope);
          }

          @Override
          public void systemDispatch(ActorCell receiver, SystemMessage message) {
            if (message instanceof DeathWatchNotification death && simulator.isRunning()) {
              simulator.submit(
                  key(simulator, receiver.self(), death.actor()),
                  () -> super.systemDispatch(receiver, message));
            } else {
              super.systemDispatch(receiver, message);
            }
          }
        };
  }

  private static String key(Simulator simulator, ActorRef watcher, ActorRef dead) {
    return simulator.nameOf(watcher) + " of the end of " + simulator.nameOf(dead);
  }

  private static Simulator simulator(DispatcherPrerequisites prerequisites) {
    return prerequisites.settings().setup().get(SimulatorSetup.class).orElseThrow().simulator;
  }

  @Override
  public MessageDispatcher dispatcher() {
    return dispatcher;
  }

  /** Hands tasks to the simulator; has no thread. */
  public static final class Executor extends ExecutorServiceConfigurator {
    private final Simulator simulator;

    /** Made by Akka, or by the dispatcher. */
    public Executor(Config config, DispatcherPrerequisites prerequisites) {
      super(config, prerequisites);
      simulator = simulator(prerequisites);
    }

    @Override
    public ExecutorServiceFactory createExecutorServiceFactory(String id, ThreadFactory threads) {
      return () ->
          new AbstractExecutorService() {
            @Override
            public void execute(Runnable task) {
              simulator.submit(task);
            }

            @Override
            public void shutdown() {}

            @Override
            public List<Runnable> shutdownNow() {
              return List.of();
            }

            @Override
            public boolean isShutdown() {
              return false;
            }

            @Override
            public boolean isTerminated() {
              return false;
            }

            @Override
            public boolean awaitTermination(long timeout, TimeUnit unit) {
              return true;
            }
          };
    }
  }
}
