package io.vnet.tunnel.actor;

import akka.Done;
import io.vnet.api.error.VnetException;
import io.vnet.tunnel.Outside;
import io.vnet.tunnel.path.DataPath;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The outside ports of a tunnel: the one that is in use, the one that is being opened, and those
 * that were closed and have not let go yet. Opening blocks, so it is done elsewhere, and after all
 * that was closed has let go: it may be for the same UDP port.
 *
 * <p><b>Owner:</b> the tunnel's actor, of this and of the ports.
 */
final class OutsidePorts {
  private static final Logger LOG = LoggerFactory.getLogger(OutsidePorts.class);

  /**
   * What an opening came to: a port or a failure.
   *
   * @param opening which one
   */
  record Result(
      CompletableFuture<Outside.Bound> opening,
      Outside.@Nullable Bound bound,
      @Nullable Throwable failure) {}

  private final TunnelActor.Setup setup;
  private final DataPath path;
  private final Executor blocking;
  private final Consumer<Result> tell;
  private Outside.@Nullable Bound bound;
  private @Nullable CompletableFuture<Outside.Bound> opening;
  private @Nullable Consumer<Result> afterOpening;

  /** Completes when all ports that were closed have let go of what they had, or have failed to. */
  private CompletableFuture<?> freed = CompletableFuture.completedFuture(Done.getInstance());

  /**
   * @param path what sends and receives through the port in use
   * @param blocking where ports are opened
   * @param tell brings a result to {@link #opened}, from any thread
   */
  OutsidePorts(TunnelActor.Setup setup, DataPath path, Executor blocking, Consumer<Result> tell) {
    this.setup = setup;
    this.path = path;
    this.blocking = blocking;
    this.tell = tell;
  }

  /** The one in use; null: none is. */
  Outside.@Nullable Bound bound() {
    return bound;
  }

  boolean isOpening() {
    return opening != null;
  }

  /**
   * Opens a port. None may be being opened.
   *
   * @param done takes the port
   * @param refused is told why there is none
   */
  void open(int port, int mark, Consumer<Outside.Bound> done, Consumer<Throwable> refused) {
    CompletableFuture<Outside.Bound> result =
        freed.thenApplyAsync(_ -> setup.outside().open(setup.island(), port, mark), blocking);
    opening = result;
    afterOpening =
        opened -> {
          if (opened.bound() != null) {
            done.accept(opened.bound());
          } else {
            refused.accept(refusal(opened.failure()));
          }
        };
    var _ =
        result.whenComplete((opened, failure) -> tell.accept(new Result(result, opened, failure)));
  }

  private static Throwable refusal(@Nullable Throwable failure) {
    Throwable cause = failure == null ? null : failure.getCause();
    if (cause instanceof VnetException refused) {
      return refused;
    }
    return failure == null ? new IllegalStateException("neither port nor failure") : failure;
  }

  /**
   * An opening has ended.
   *
   * @return whether it is the one that goes on; if not, nothing is done
   */
  @SuppressWarnings("ReferenceEquality") // This one, and no other.
  boolean opened(Result result) {
    Consumer<Result> then = afterOpening;
    if (result.opening() != opening || then == null) {
      return false;
    }
    opening = null;
    afterOpening = null;
    then.accept(result);
    return true;
  }

  /** Uses a port, in place of the one in use. */
  void use(Outside.Bound opened) {
    Outside.Bound old = bound;
    bound = opened;
    path.use(opened.port());
    if (old != null) {
      close(old);
    }
  }

  /** Closes the one in use. */
  void close() {
    Outside.Bound old = bound;
    bound = null;
    path.use(null);
    if (old != null) {
      close(old);
    }
  }

  private void close(Outside.Bound old) {
    old.port().close();
    path.closed(old.port());
    freed = CompletableFuture.allOf(freed, letGo(old));
  }

  private CompletableFuture<Done> letGo(Outside.Bound old) {
    return old.released()
        .handle((_, failure) -> {
          if (failure != null) {
            LOG.warn("{}: an outside port may not be free", setup.name(), failure);
          }
          return Done.getInstance();
        })
        .toCompletableFuture();
  }

  /** The one that is being opened is closed as soon as it is there, and waited for as all are. */
  void abandon() {
    CompletableFuture<Outside.Bound> unfinished = opening;
    if (unfinished != null) {
      CompletableFuture<Done> gone =
          unfinished.thenCompose(late -> {
            late.port().close();
            return letGo(late);
          });
      // One that could not be opened holds nothing.
      freed = CompletableFuture.allOf(freed, gone.exceptionally(_ -> Done.getInstance()));
    }
  }

  /** Runs something, on any thread, when all that was closed has let go, or has failed to. */
  void whenFreed(Runnable action) {
    var _ = freed.thenRun(action);
  }
}
