package io.vnet.actors.sim;

import akka.actor.AbstractScheduler;
import akka.actor.Cancellable;
import akka.event.LoggingAdapter;
import com.typesafe.config.Config;
import java.util.Objects;
import java.util.concurrent.ThreadFactory;
import scala.concurrent.ExecutionContext;
import scala.concurrent.duration.FiniteDuration;

/** Akka's scheduler in the {@link Simulator}'s virtual time. */
public final class SimulatedClock extends AbstractScheduler {
  /** Whose system is being created on this thread: Akka gives a scheduler no access to a setup. */
  static final ThreadLocal<Simulator> CREATING = new ThreadLocal<>();

  private final Simulator simulator = Objects.requireNonNull(CREATING.get());

  /** Made by Akka, from the configuration. */
  public SimulatedClock(Config config, LoggingAdapter log, ThreadFactory threads) {}

  @Override
  public Cancellable scheduleOnce(FiniteDuration delay, Runnable task, ExecutionContext executor) {
    Simulator.Timer timer = simulator.after(delay.toNanos(), () -> executor.execute(task));
    return new Cancellable() {
      @Override
      public boolean cancel() {
        return timer.cancel();
      }

      @Override
      public boolean isCancelled() {
        return timer.isCancelled();
      }
    };
  }

  @Override
  @SuppressWarnings("deprecation") // Abstract all the same.
  public Cancellable schedule(
      FiniteDuration delay, FiniteDuration interval, Runnable task, ExecutionContext executor) {
    throw new UnsupportedOperationException("nothing here repeats by a timer");
  }

  @Override
  public double maxFrequency() {
    return 1e9;
  }
}
