package io.vnet.actors.stream;

import akka.stream.Attributes;
import akka.stream.Outlet;
import akka.stream.SourceShape;
import akka.stream.stage.AbstractOutHandler;
import akka.stream.stage.GraphStage;
import akka.stream.stage.GraphStageLogic;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a port receives, packet by packet, as copies that need no release. Reads a batch when the
 * one before is used up. Costs an object and an array a packet; for speed there is {@link
 * BatchSource}.
 */
final class PacketSource extends GraphStage<SourceShape<Packet>> {
  private final Outlet<Packet> out = Outlet.create("PacketSource.out");
  private final PortShare share;
  private final BatchPool pool;

  PacketSource(PortShare share, BatchPool pool) {
    this.share = share;
    this.pool = pool;
  }

  @Override
  public SourceShape<Packet> shape() {
    return SourceShape.of(out);
  }

  @Override
  public GraphStageLogic createLogic(Attributes attributes) {
    return new Logic();
  }

  private final class Logic extends PortLogic {
    private @Nullable PacketBatch current;
    private int next;

    Logic() {
      super(PacketSource.this.shape(), share);
      setHandler(
          out,
          new AbstractOutHandler() {
            @Override
            public void onPull() {
              read();
            }
          });
    }

    @Override
    void onSignal() {
      if (isAvailable(out)) {
        read();
      }
    }

    private void read() {
      PacketBatch batch = current == null ? pool.acquire() : current;
      current = batch;
      if (next == batch.count()) {
        batch.clear();
        next = 0;
        try {
          if (port().receive(batch) == 0) {
            return;
          }
        } catch (VnetException e) {
          onFailure(e);
          return;
        }
      }
      push(out, batch.packet(next++));
    }

    @Override
    void onPortClosed(Optional<VnetException> cause) {
      cause.ifPresentOrElse(failure -> failStage(failure.rethrown()), this::completeStage);
    }

    @Override
    void onStop() {
      if (current != null) {
        port().countDrop(DropReason.STREAM_ENDED, current.count() - next);
        current.release();
        current = null;
      }
    }
  }
}
