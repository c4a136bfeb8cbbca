package io.vnet.actors.stream;

import akka.stream.Attributes;
import akka.stream.Outlet;
import akka.stream.SourceShape;
import akka.stream.stage.GraphStage;
import akka.stream.stage.GraphStageLogic;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.PacketBatch;
import org.jspecify.annotations.Nullable;

/**
 * What a port receives, as batches. A pull reads once, as much as fits a batch, and pushes it; a
 * pull that finds nothing waits for the port's signal. No demand, no read: a slow consumer leaves
 * the packets in the port's own queue.
 *
 * <p><b>A batch costs</b> what the port's receive costs (host device: one read(2) a packet and one
 * more that says EAGAIN; no copy), no allocation, and one message to the stage a wake-up. The
 * thread hops are the stream's: none on the port's island.
 */
final class BatchSource extends GraphStage<SourceShape<PacketBatch>> {
  private final Outlet<PacketBatch> out = Outlet.create("BatchSource.out");
  private final PortShare share;
  private final BatchPool pool;

  BatchSource(PortShare share, BatchPool pool) {
    this.share = share;
    this.pool = pool;
  }

  @Override
  public SourceShape<PacketBatch> shape() {
    return SourceShape.of(out);
  }

  @Override
  public GraphStageLogic createLogic(Attributes attributes) {
    return new Logic();
  }

  private final class Logic extends SourceLogic<PacketBatch> {
    private @Nullable PacketBatch spare;

    Logic() {
      super(BatchSource.this.shape(), share);
    }

    @Override
    void read() {
      PacketBatch batch = spare == null ? pool.acquire() : spare;
      spare = batch;
      try {
        if (port().receive(batch) == 0) {
          return;
        }
      } catch (VnetException e) {
        onFailure(e);
        return;
      }
      spare = null;
      push(out, batch);
    }

    @Override
    void onStop() {
      if (spare != null) {
        spare.release();
        spare = null;
      }
    }
  }
}
