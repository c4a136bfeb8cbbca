package io.vnet.actors.sim;

import java.util.SplittableRandom;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Plays scripts that say themselves what runs when, each on a host of its own, on the thread that
 * made it. The host is ended after each script, and nothing may be left of it.
 */
public final class Stage implements AutoCloseable {
  private static final Mix FAULTLESS = new Mix(0, 0, 0, 0, 0, 0, 0, 0, 100);

  private final Simulator simulator = new Simulator();
  private World.Memory memory = World.Memory.map();
  private @Nullable SimulatedSystem system;

  /**
   * Plays one script.
   *
   * @param title for the message of a failure, which has the trace too
   */
  public <T> T play(String title, Function<Scene, T> script) {
    SimulatedSystem current = system;
    if (current == null) {
      current = new SimulatedSystem(simulator);
      system = current;
    }
    World world = new World(simulator, memory, FAULTLESS, new SplittableRandom(1));
    T result;
    try {
      world.start(current);
      simulator.begin(Scene.NOTHING_HELD);
      Scene scene = new Scene(world, simulator);
      result = script.apply(scene);
      scene.end();
    } catch (RuntimeException | Error e) {
      String trace = simulator.trace().text();
      close();
      memory = World.Memory.map();
      throw new AssertionError(title + ": " + e.getMessage() + "\nwhat happened:\n" + trace, e);
    }
    simulator.end();
    return result;
  }

  /** Ends the actor system; the next script makes another. */
  @Override
  public void close() {
    SimulatedSystem current = system;
    if (current != null) {
      system = null;
      current.close();
    }
  }
}
