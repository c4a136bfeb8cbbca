package io.vnet.actors.stream;

import akka.stream.Attributes;
import akka.stream.Outlet;
import akka.stream.SourceShape;
import akka.stream.stage.GraphStage;
import akka.stream.stage.GraphStageLogic;
import io.vnet.api.error.VnetException;
import io.vnet.api.offload.FinishedPackets;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import org.jspecify.annotations.Nullable;

/**
 * What a port receives, packet by packet, as finished copies that need no release: super-packets
 * come as their segments, each made when it is asked for. Reads a batch when the one before is used
 * up. Costs what {@link FinishedPackets} costs; for speed there is {@link BatchSource}.
 *
 * <p><b>Counting:</b> finished packets: all that the port gave, super-packets as their segments =
 * pushed + dropped, on the port's ledger.
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

  private final class Logic extends SourceLogic<Packet> {
    private final FinishedPackets packets = new FinishedPackets(share.port().layer(), share.port());
    private @Nullable PacketBatch current;

    Logic() {
      super(PacketSource.this.shape(), share);
    }

    @Override
    void read() {
      Packet packet = packets.next();
      while (packet == null) {
        PacketBatch batch = current == null ? pool.acquire() : current;
        current = batch;
        batch.clear();
        try {
          if (port().receive(batch) == 0) {
            return;
          }
        } catch (VnetException e) {
          onFailure(e);
          return;
        }
        packets.begin(batch);
        packet = packets.next();
      }
      push(out, packet);
    }

    @Override
    void onStop() {
      if (current != null) {
        port().countDrop(DropReason.STREAM_ENDED, packets.giveUp());
        current.release();
        current = null;
      }
    }
  }
}
