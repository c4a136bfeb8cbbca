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
import io.vnet.api.offload.Finisher;
import io.vnet.api.packet.BatchPool;
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
 * <p>What the port does not do itself is done here ({@link Finisher}): super-packets are split,
 * into one further batch at a time that is held only until they are sent, and one that finds no
 * room goes on where it stood.
 *
 * <p><b>Counting:</b> finished packets, so of a super-packet that is split its segments: all that
 * came = sent + dropped by the port + dropped here, on the port's ledger.
 *
 * <p><b>Its value</b> completes when upstream has completed and all was written, or when the port's
 * user closed it; it fails with whatever else ended the stage.
 *
 * <p><b>A batch costs</b> what the port's send costs (host device: one write(2) a packet; no copy),
 * a look at its offload words, and no allocation; with something to split, a copy of its packets.
 *
 * @param <T> batches, or what a batch is made of
 */
final class PortSink<T>
    extends AbstractGraphStageWithMaterializedValue<SinkShape<T>, CompletionStage<Done>> {
  private final Inlet<T> in = Inlet.create("PortSink.in");
  private final PortShare share;
  private final BatchPool pool;
  private final Function<T, PacketBatch> toBatch;

  /**
   * @param pool gives the batch that split packets are sent in
   * @param toBatch gives the batch to send, which then belongs to the stage
   */
  PortSink(PortShare share, BatchPool pool, Function<T, PacketBatch> toBatch) {
    this.share = share;
    this.pool = pool;
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
    private final Finisher finisher = Finisher.forPort(share.port());
    private @Nullable PacketBatch current;
    // Whether the current batch cannot be sent as it is; what is made of it.
    private boolean splitting;
    private @Nullable PacketBatch made;
    // In what is sent: the one that is made, or else the current one.
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
                take(toBatch.apply(grab(in)));
              } catch (VnetException e) {
                fail(e);
                return;
              } catch (RuntimeException | Error e) {
                failure = e;
                throw e;
              }
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

    private void take(PacketBatch batch) {
      current = batch;
      next = 0;
      splitting = !finisher.begin(batch);
      if (splitting) {
        made = pool.acquire();
      }
    }

    private void write() {
      PacketBatch batch = current;
      if (batch == null) {
        return;
      }
      try {
        if (!(made == null ? send(batch) : sendMade(made))) {
          return;
        }
        release();
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

    /** Whether all of it was taken. */
    private boolean send(PacketBatch batch) {
      next += port().send(batch, next);
      return next == batch.count();
    }

    /** The same for all that is made of the current batch. */
    private boolean sendMade(PacketBatch batch) {
      while (send(batch)) {
        batch.clear();
        next = 0;
        if (finisher.isDone()) {
          return true;
        }
        if (finisher.write(batch) == 0) {
          port().countDrop(DropReason.TOO_LONG, finisher.skip());
        }
      }
      return false;
    }

    private void release() {
      PacketBatch batch = current;
      PacketBatch other = made;
      current = null;
      made = null;
      if (other != null) {
        other.release();
      }
      if (batch != null) {
        batch.release();
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
        PacketBatch sent = splitting ? made : current;
        int left = sent == null ? 0 : sent.count() - next;
        if (current != null) {
          port().countDrop(DropReason.STREAM_ENDED, left + finisher.giveUp());
          release();
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
