package io.vnet.actors.sim;

import io.vnet.api.device.DeviceEvent;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Runs schedules by seed, on the thread that made it. The actor system is reused with a fresh host
 * for each seed; after a failure it is replaced.
 */
final class Simulation implements AutoCloseable {
  private final Simulator simulator = new Simulator();
  private final Map<DeviceEvent.Kind, Long> events = new EnumMap<>(DeviceEvent.Kind.class);
  private World.Memory memory = World.Memory.map();
  private @Nullable SimulatedSystem system;
  private long steps;

  /** A seed whose schedule broke something. */
  static final class Failure extends AssertionError {
    private static final long serialVersionUID = 1;

    Failure(long seed, Throwable cause, String trace) {
      super(
          cause.getMessage()
              + "\nreplay with -Dvnet.sim.seed="
              + seed
              + "; what happened:\n"
              + trace,
          cause);
    }
  }

  /**
   * Runs one schedule.
   *
   * @return the digest of its trace
   * @throws Failure if it broke something
   */
  long run(long seed) {
    return run(seed, Mix.of(seed));
  }

  /** Runs one schedule with a mix that is not the seed's own. */
  long run(long seed, Mix mix) {
    SimulatedSystem current = system;
    if (current == null) {
      current = new SimulatedSystem(simulator);
      system = current;
    }
    World world = new World(simulator, memory, mix, new SplittableRandom(seed * 0x9E3779B9L + 1));
    try {
      world.start(current);
      simulator.begin(new Chooser(seed));
      world.run();
    } catch (RuntimeException | Error e) {
      String trace = simulator.trace().text();
      close();
      memory = World.Memory.map();
      throw new Failure(seed, e, trace);
    }
    simulator.end();
    steps += simulator.steps();
    world.witness().counts().forEach((kind, count) -> events.merge(kind, count, Long::sum));
    return simulator.trace().digest();
  }

  /** The trace of the last schedule. */
  String trace() {
    return simulator.trace().text();
  }

  /** Steps of all schedules that did not fail. */
  long steps() {
    return steps;
  }

  /** How often each event was seen. */
  Map<DeviceEvent.Kind, Long> events() {
    return events;
  }

  /** How often each operation was performed. */
  Map<Class<?>, Long> operations() {
    return new HashMap<>(simulator.operations());
  }

  /** Ends the actor system; the next run makes another. */
  @Override
  public void close() {
    SimulatedSystem current = system;
    if (current != null) {
      system = null;
      current.close();
    }
  }
}
