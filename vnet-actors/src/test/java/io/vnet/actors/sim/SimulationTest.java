package io.vnet.actors.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.vnet.api.device.DeviceEvent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/**
 * Many schedules of a host's real actors, each from its seed. {@code -Dvnet.sim.seed} replays one,
 * {@code -Dvnet.sim.schedules} and {@code -Dvnet.sim.first} choose how many and from where.
 */
class SimulationTest {
  private static final long SCHEDULES = Long.getLong("vnet.sim.schedules", 100_000);
  private static final long FIRST = Long.getLong("vnet.sim.first", 1);
  private static final int THREADS = Math.min(2, Runtime.getRuntime().availableProcessors());
  private static final Logger ROOT = (Logger) LoggerFactory.getLogger("ROOT");
  private static final Level LEVEL = ROOT.getLevel();

  /** Injected failures are logged as errors, with stacks: noise here. */
  @BeforeAll
  static void be_quiet() {
    ROOT.setLevel(Level.OFF);
  }

  @AfterAll
  static void speak_again() {
    ROOT.setLevel(LEVEL);
  }

  @Test
  void no_schedule_breaks_an_invariant() throws InterruptedException {
    Long seed = Long.getLong("vnet.sim.seed");
    if (seed != null) {
      try (Simulation simulation = new Simulation()) {
        simulation.run(seed);
        System.out.println(simulation.trace());
        assertThat(simulation.steps()).isPositive();
      }
      return;
    }
    AtomicLong next = new AtomicLong(FIRST);
    ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
    Map<DeviceEvent.Kind, Long> events = new EnumMap<>(DeviceEvent.Kind.class);
    Map<Class<?>, Long> operations = new HashMap<>();
    AtomicLong steps = new AtomicLong();
    long began = System.nanoTime();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      threads.add(
          Thread.ofPlatform()
              .name("simulation-" + i)
              .start(() -> {
                try (Simulation simulation = new Simulation()) {
                  while (failures.isEmpty()) {
                    long own = next.getAndIncrement();
                    if (own >= FIRST + SCHEDULES) {
                      break;
                    }
                    simulation.run(own);
                  }
                  synchronized (events) {
                    simulation.events().forEach((kind, n) -> events.merge(kind, n, Long::sum));
                    simulation.operations().forEach((op, n) -> operations.merge(op, n, Long::sum));
                  }
                  steps.addAndGet(simulation.steps());
                } catch (RuntimeException | Error e) {
                  failures.add(e);
                }
              }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    double seconds = (System.nanoTime() - began) / 1e9;
    System.out.printf(
        "simulation: %d schedules, %d steps, %.1f s, %.0f schedules/s; events %s%n",
        next.get() - FIRST - THREADS, steps.get(), seconds, SCHEDULES / seconds, events);
    failures.stream()
        .findFirst()
        .ifPresent(failure -> {
          throw new AssertionError(failure.getMessage(), failure);
        });
    if (SCHEDULES >= 10_000) {
      assertThat(events.keySet()).containsExactlyInAnyOrder(DeviceEvent.Kind.values());
      assertThat(operations.keySet())
          .containsExactlyInAnyOrder(Operation.class.getPermittedSubclasses());
    }
  }

  @Test
  void a_seed_gives_the_same_trace_again_and_on_a_fresh_system() {
    long[] first = new long[300];
    try (Simulation simulation = new Simulation()) {
      Arrays.setAll(first, simulation::run);
      for (int seed = first.length - 1; seed >= 0; seed--) {
        assertThat(simulation.run(seed)).as("seed %d, same system", seed).isEqualTo(first[seed]);
      }
    }
    for (int seed = 0; seed < first.length; seed += 10) {
      try (Simulation fresh = new Simulation()) {
        assertThat(fresh.run(seed)).as("seed %d, fresh system", seed).isEqualTo(first[seed]);
      }
    }
    assertThat(Arrays.stream(first).distinct().count()).isGreaterThan(290);
  }

  @Test
  void a_reply_that_never_comes_is_a_deadlock_that_says_who_waits_and_replays() {
    Mix losing = new Mix(100, 0, 0, 0, 0, 100, 0, 0, 80);
    try (Simulation simulation = new Simulation()) {
      Throwable first = catchThrowable(() -> simulation.run(3, losing));
      Throwable again = catchThrowable(() -> simulation.run(3, losing));
      assertThat(first)
          .isInstanceOf(Simulation.Failure.class)
          .hasMessageContaining("deadlock: nothing is ready and no timer runs, but client-")
          .hasMessageContaining(" waits for the answer to Create")
          .hasMessageContaining("-Dvnet.sim.seed=3");
      assertThat(again).hasMessage(first.getMessage());
      assertThat(simulation.run(3)).isNotZero();
    }
  }
}
