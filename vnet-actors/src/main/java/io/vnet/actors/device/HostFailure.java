package io.vnet.actors.device;

import io.vnet.api.epoch.Epoch;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The end of a host when an actor that its devices share has failed: a driver, a vnet, the grace
 * period's, the deferred queue's, the root. Nobody knows what such an actor left undone, so none of
 * them goes on:
 *
 * <ol>
 *   <li>the listener is told, who answers whoever waits, and refuses what comes later;
 *   <li>all actors of the host stop; each softc revokes its handle and leaves the rest here;
 *   <li>when the last one has stopped, {@link #release} carries out what is left of the teardowns,
 *       in their order: names unbound, backends quiesced, readers drained, all released.
 * </ol>
 *
 * <p>Safe on any thread.
 */
public final class HostFailure {
  private static final Logger LOG = LoggerFactory.getLogger(HostFailure.class);

  private final Consumer<VnetException> failed;
  private final Runnable stopped;
  private final AtomicReference<@Nullable VnetException> cause = new AtomicReference<>();
  private final Queue<Abandoned> left = new ConcurrentLinkedQueue<>();

  /** What a softc leaves. */
  interface Abandoned {
    /** Its names are unbound: sees to it that no I/O of its backend is in flight. */
    void quiesce(Runnable done);

    /** Its readers have drained: gives back what it holds. */
    void release(Runnable done);
  }

  /**
   * @param failed told once, on an actor's thread
   * @param stopped told once, on an actor's thread, when no actor of the host is left
   */
  public HostFailure(Consumer<VnetException> failed, Runnable stopped) {
    this.failed = failed;
    this.stopped = stopped;
  }

  /** Why the host ended by itself; empty if it did not. */
  public Optional<VnetException> cause() {
    return Optional.ofNullable(cause.get());
  }

  /** An actor has failed. The first one counts. */
  void fail(String actor, Throwable why) {
    LOG.error("{} failed; its host ends", actor, why);
    VnetException failure =
        new VnetException(
            "run",
            actor,
            Errno.EIO,
            "the host's actor failed: " + why,
            "see the log; start another host",
            why);
    if (cause.compareAndSet(null, failure)) {
      failed.accept(failure);
    }
  }

  /** A softc was stopped before its end. */
  void abandon(Abandoned softc) {
    left.add(softc);
  }

  /** No actor of the host is left, and it was not its orderly end. */
  void allStopped() {
    if (cause.get() == null) {
      fail("host", new IllegalStateException("it was stopped from outside"));
    }
    stopped.run();
  }

  /**
   * Carries out what is left of the teardowns, after all actors have stopped.
   *
   * @param later runs a task in a while, where it may block
   * @param done when nothing is left
   */
  public void release(HostContext host, Consumer<Runnable> later, Runnable done) {
    host.nodes().clear();
    List<Abandoned> all = List.copyOf(left);
    each(
        all,
        Abandoned::quiesce,
        () ->
            later.accept(() -> {
              Epoch epoch = host.epoch();
              whenElapsed(
                  epoch,
                  epoch.begin(),
                  later,
                  () -> {
                    host.gauge().clear();
                    each(all, Abandoned::release, done);
                  });
            }));
  }

  private static void whenElapsed(
      Epoch epoch, long token, Consumer<Runnable> later, Runnable then) {
    if (epoch.elapsed(token)) {
      then.run();
    } else {
      later.accept(() -> whenElapsed(epoch, token, later, then));
    }
  }

  private static void each(
      List<Abandoned> all, BiConsumer<Abandoned, Runnable> step, Runnable then) {
    AtomicInteger unfinished = new AtomicInteger(all.size() + 1);
    Runnable finished =
        () -> {
          if (unfinished.decrementAndGet() == 0) {
            then.run();
          }
        };
    all.forEach(softc -> step.accept(softc, finished));
    finished.run();
  }
}
