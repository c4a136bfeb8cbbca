package io.vnet.actors.stream;

import akka.Done;
import akka.japi.Pair;
import akka.stream.AbruptStageTerminationException;
import akka.stream.Attributes;
import akka.stream.Inlet;
import akka.stream.SinkShape;
import akka.stream.stage.AbstractGraphStageWithMaterializedValue;
import akka.stream.stage.AbstractInHandler;
import akka.stream.stage.GraphStageLogic;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Sends what comes to a port. A batch is written whole, released, and only then the next is pulled;
 * what finds no room waits for the port's signal, and upstream waits with it.
 *
 * <p><b>Its value</b> completes when upstream has completed and all was written, or when the port's
 * user closed it; it fails with whatever else ended the stage.
 *
 * <p><b>A batch costs</b> what the port's send costs (host device: one write(2) a packet; no copy)
 * and no allocation.
 *
 * @param <T> batches, or what a batch is made of
 */
final class PortSink<T>
    extends AbstractGraphStageWithMaterializedValue<SinkShape<T>, CompletionStage<Done>> {
  private final Inlet<T> in = Inlet.create("PortSink.in");
  private final PortShare share;
  private final Function<T, PacketBatch> toBatch;

  /**
   * @param toBatch gives the batch to send, which then belongs to the stage
   */
  PortSink(PortShare share, Function<T, PacketBatch> toBatch) {
    this.share = share;
    this.toBatch = toBatch;
  }

  @Override
  public SinkShape<T> shape() {
    return SinkShape.of(in);
  }

  @Override
  public Pair<GraphStageLogic, CompletionStage<Done>> createLogicAndMaterializedValuePair(
      Attributes attributes) {
    Logic logic = new Logic();
    return Pair.create(logic, logic.done);
  }

  private final class Logic extends PortLogic {
    private final CompletableFuture<Done> done = new CompletableFuture<>();
    private @Nullable PacketBatch current;
    private int next;
    private boolean upstreamFinished;
    private boolean completed;
    private @Nullable Throwable failure;

    Logic() {
      super(PortSink.this.shape(), share);
      setHandler(
          in,
          new AbstractInHandler() {
            @Override
            public void onPush() {
              try {
                current = toBatch.apply(grab(in));
              } catch (VnetException e) {
                fail(e);
                return;
              } catch (RuntimeException | Error e) {
                failure = e;
                throw e;
              }
              next = 0;
              write();
            }

            @Override
            public void onUpstreamFinish() {
              upstreamFinished = true;
              if (current == null) {
                complete();
              } else {
                // Without an open inlet the stage would end, with packets in its hands.
                setKeepGoing(true);
              }
            }

            @Override
            public void onUpstreamFailure(Throwable cause) {
              failure = cause;
              failStage(cause);
            }
          });
    }

    @Override
    public void preStart() throws Exception {
      try {
        super.preStart();
      } catch (RuntimeException | Error e) {
        failure = e;
        throw e;
      }
      pull(in);
    }

    private void write() {
      PacketBatch batch = current;
      if (batch == null) {
        return;
      }
      try {
        next += port().send(batch, next);
        if (next < batch.count()) {
          return;
        }
        current = null;
        batch.release();
      } catch (VnetException e) {
        onFailure(e);
        return;
      } catch (RuntimeException | Error e) {
        failure = e;
        throw e;
      }
      if (upstreamFinished) {
        complete();
      } else {
        pull(in);
      }
    }

    private void complete() {
      completed = true;
      completeStage();
    }

    private void fail(VnetException cause) {
      failure = cause;
      failStage(cause);
    }

    @Override
    void onSignal() {
      write();
    }

    @Override
    void onPortClosed(Optional<VnetException> cause) {
      if (cause.isPresent()) {
        fail(cause.get().rethrown());
      } else {
        cancel(in);
        complete();
      }
    }

    @Override
    void onStop() {
      try {
        PacketBatch batch = current;
        if (batch != null) {
          current = null;
          port().countDrop(DropReason.STREAM_ENDED, batch.count() - next);
          batch.release();
        }
      } finally {
        if (failure != null) {
          done.completeExceptionally(failure);
        } else if (completed) {
          done.complete(Done.getInstance());
        } else {
          done.completeExceptionally(new AbruptStageTerminationException(this));
        }
      }
    }
  }
}
