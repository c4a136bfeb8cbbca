package io.vnet.actors.stream;

import akka.stream.Attributes;
import akka.stream.FlowShape;
import akka.stream.Inlet;
import akka.stream.Outlet;
import akka.stream.stage.AbstractInHandler;
import akka.stream.stage.AbstractOutHandler;
import akka.stream.stage.GraphStage;
import akka.stream.stage.GraphStageLogic;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropCounter;
import io.vnet.api.port.DropReason;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Makes batches of a batch, one whenever one is asked for. The next batch is pulled when nothing is
 * left of the one before: what belongs to one stays in order and waits for nothing else.
 *
 * <p><b>Memory:</b> the batch that came, until all has been made of it; what is made is handed on.
 */
final class Rebatch extends GraphStage<FlowShape<PacketBatch, PacketBatch>> {
  private final Inlet<PacketBatch> in = Inlet.create("Rebatch.in");
  private final Outlet<PacketBatch> out = Outlet.create("Rebatch.out");
  private final Supplier<Work> work;
  private final BatchPool pool;
  private final DropCounter drops;

  /** What is made; of one stage, on its thread. */
  interface Work {
    /** Takes a batch; whether it goes on as it now is. */
    boolean begin(PacketBatch batch);

    /** Appends what comes next; 0 into an empty batch means that it does not fit. */
    int write(PacketBatch target);

    /** Whether all has been written or skipped. */
    boolean isDone();

    /** Gives up what comes next; how many packets that is. */
    int skip();
  }

  /**
   * @param work made for each run
   * @param pool gives the batches
   * @param drops where packets are counted that fit no batch, or were held when the stage ended
   */
  Rebatch(Supplier<Work> work, BatchPool pool, DropCounter drops) {
    this.work = work;
    this.pool = pool;
    this.drops = drops;
  }

  @Override
  public FlowShape<PacketBatch, PacketBatch> shape() {
    return FlowShape.of(in, out);
  }

  @Override
  public GraphStageLogic createLogic(Attributes attributes) {
    return new Logic();
  }

  private final class Logic extends GraphStageLogic {
    private final Work worker = work.get();
    private @Nullable PacketBatch source;

    Logic() {
      super(Rebatch.this.shape());
      setHandler(
          in,
          new AbstractInHandler() {
            @Override
            public void onPush() {
              PacketBatch batch = grab(in);
              source = batch;
              if (worker.begin(batch)) {
                source = null;
                passOn(batch);
              } else {
                make(batch);
              }
            }

            @Override
            public void onUpstreamFinish() {
              if (source == null) {
                completeStage();
              }
            }
          });
      setHandler(
          out,
          new AbstractOutHandler() {
            @Override
            public void onPull() {
              if (source == null) {
                pull(in);
              } else {
                make(source);
              }
            }
          });
    }

    /** Pushes what is not empty; else asks for more, if more can come. */
    private void passOn(PacketBatch batch) {
      if (!batch.isEmpty()) {
        push(out, batch);
        return;
      }
      batch.release();
      if (isClosed(in)) {
        completeStage();
      } else {
        pull(in);
      }
    }

    private void make(PacketBatch batch) {
      PacketBatch made = pool.acquire();
      while (!worker.isDone() && worker.write(made) == 0) {
        drops.countDrop(DropReason.TOO_LONG, worker.skip());
      }
      boolean done = worker.isDone();
      if (done) {
        source = null;
        batch.release();
      }
      passOn(made);
      if (done && isClosed(in) && !isClosed(out)) {
        completeStage();
      }
    }

    @Override
    public void postStop() {
      PacketBatch batch = source;
      if (batch != null) {
        source = null;
        int left = 0;
        while (!worker.isDone()) {
          left += worker.skip();
        }
        drops.countDrop(DropReason.STREAM_ENDED, left);
        batch.release();
      }
    }
  }
}
