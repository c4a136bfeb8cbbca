package io.vnet.actors.stream;

import akka.actor.typed.ActorSystem;
import akka.dispatch.Dispatcher;
import akka.dispatch.DispatcherPrerequisites;
import akka.dispatch.Dispatchers;
import akka.dispatch.ExecutorServiceConfigurator;
import akka.dispatch.ExecutorServiceFactory;
import akka.dispatch.MessageDispatcher;
import akka.dispatch.MessageDispatcherConfigurator;
import akka.stream.ActorAttributes;
import akka.stream.Attributes;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.vnet.api.port.Island;
import java.util.List;
import java.util.Map;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import scala.concurrent.duration.Duration;
import scala.concurrent.duration.FiniteDuration;

/**
 * Akka dispatchers over islands: actors and streams on such a dispatcher run on the island's
 * thread.
 *
 * <p>One dispatcher an island and actor system, registered when first asked for. Shutting an actor
 * system down does not stop the island; an island that has stopped hands late tasks (the ends of
 * streams) to the system's default dispatcher. Safe on any thread.
 */
public final class IslandDispatchers {
  // What a stream whose port always has more does before the island looks at its poller and gives
  // others their turn: so many messages, each with so many pushes and pulls, of which a batch takes
  // two or more. That is some 32 batches.
  private static final int THROUGHPUT = 4;
  private static final int EVENTS_A_MESSAGE = 16;

  private final ActorSystem<?> system;
  private final Map<Island, String> ids = new ConcurrentHashMap<>();

  /**
   * @param system where the dispatchers are registered
   */
  public IslandDispatchers(ActorSystem<?> system) {
    this.system = system;
  }

  /** Attributes that put a stream on this island, where it takes turns with the others. */
  public Attributes attributesFor(Island island) {
    return ActorAttributes.dispatcher(idFor(island))
        .and(ActorAttributes.syncProcessingLimit(EVENTS_A_MESSAGE));
  }

  /** The id of the dispatcher over this island. */
  public String idFor(Island island) {
    return ids.computeIfAbsent(island, this::register);
  }

  private String register(Island island) {
    String id =
        "vnet." + island.name() + "-" + Integer.toHexString(System.identityHashCode(island));
    Dispatchers dispatchers = system.classicSystem().dispatchers();
    Config config =
        ConfigFactory.parseMap(Map.of("id", id))
            .withFallback(dispatchers.defaultDispatcherConfig());
    dispatchers.registerConfigurator(
        id, new Configurator(config, dispatchers.prerequisites(), id, fallback(island)));
    return id;
  }

  private Executor fallback(Island island) {
    return task -> {
      try {
        island.executeInTurn(task);
      } catch (RejectedExecutionException e) {
        system.classicSystem().dispatcher().execute(task);
      }
    };
  }

  private static final class Configurator extends MessageDispatcherConfigurator {
    private final MessageDispatcher dispatcher;

    Configurator(Config config, DispatcherPrerequisites prerequisites, String id, Executor island) {
      super(config, prerequisites);
      this.dispatcher =
          new Dispatcher(
              this,
              id,
              THROUGHPUT,
              Duration.Zero(),
              new IslandExecutors(config, prerequisites, island),
              FiniteDuration.apply(1, TimeUnit.SECONDS));
    }

    @Override
    public MessageDispatcher dispatcher() {
      return dispatcher;
    }
  }

  private static final class IslandExecutors extends ExecutorServiceConfigurator {
    private final Executor island;

    IslandExecutors(Config config, DispatcherPrerequisites prerequisites, Executor island) {
      super(config, prerequisites);
      this.island = island;
    }

    @Override
    public ExecutorServiceFactory createExecutorServiceFactory(
        String id, ThreadFactory threadFactory) {
      return () -> new Borrowed(island);
    }
  }

  /** An executor that belongs to somebody else: ending it here ends nothing there. */
  private static final class Borrowed extends AbstractExecutorService {
    private final Executor island;
    private volatile boolean shutdown;

    Borrowed(Executor island) {
      this.island = island;
    }

    @Override
    public void execute(Runnable task) {
      island.execute(task);
    }

    @Override
    public void shutdown() {
      shutdown = true;
    }

    @Override
    public List<Runnable> shutdownNow() {
      shutdown = true;
      return List.of();
    }

    @Override
    public boolean isShutdown() {
      return shutdown;
    }

    @Override
    public boolean isTerminated() {
      return shutdown;
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) {
      return true;
    }
  }
}
