package io.vnet.actors.stream;

import akka.NotUsed;
import akka.japi.Pair;
import akka.stream.javadsl.BidiFlow;
import akka.stream.javadsl.Flow;
import io.vnet.api.mtu.MssClamp;
import io.vnet.api.mtu.TooBig;
import io.vnet.api.mtu.TooBigRules;
import io.vnet.api.offload.Coalescer;
import io.vnet.api.offload.Finisher;
import io.vnet.api.offload.JoinRules;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropCounter;
import io.vnet.api.port.OffloadFeature;
import java.util.Optional;
import java.util.Set;

/**
 * Stages over batches, to be put between a source and a sink.
 *
 * <p>Each may be used in as many streams as one likes; it keeps its state a run. A batch that comes
 * in belongs to the stage, one that goes out to whoever gets it. Demand goes through: nothing is
 * pulled that nobody asked for, and nothing is kept from batch to batch.
 *
 * <p>Where a stage takes a {@link DropCounter}, a port is one: what a stage on the way to a port
 * cannot pass on is best counted there.
 */
public final class PacketStages {
  private PacketStages() {}

  /**
   * Makes packets finished: computes checksums and splits super-packets. A {@linkplain
   * PacketStreams#batchSink sink} does so by itself; this is for stages of one's own that want to
   * see finished packets.
   *
   * @param layer what the packets are
   * @param offloads what is left undone
   * @param pool gives the batches that split packets come in
   * @param drops counts, in finished packets, what its offload word does not fit
   */
  public static Flow<PacketBatch, PacketBatch, NotUsed> finish(
      Layer layer, Set<OffloadFeature> offloads, BatchPool pool, DropCounter drops) {
    return Flow.fromGraph(
        new Rebatch(() -> new Finish(new Finisher(layer, offloads, drops)), pool, drops));
  }

  /**
   * Joins finished packets of a batch that belong together to super-packets, after their checksums
   * were found right. A packet that does not join goes on as it is, whatever its checksum. Packets
   * of a flow stay in order; nothing waits for the next batch.
   *
   * @param rules which packets may be joined
   * @param pool gives the batches that joined packets come in; its slabs have to hold the longest
   *     super-packet of the rules
   * @param drops counts packets that were held when the stream ended
   */
  public static Flow<PacketBatch, PacketBatch, NotUsed> coalesce(
      JoinRules rules, BatchPool pool, DropCounter drops) {
    return Flow.fromGraph(new Rebatch(() -> new Join(new Coalescer(rules)), pool, drops));
  }

  /**
   * Lowers the MSS of TCP connections that begin to what fits an MTU ({@link MssClamp}). Both ways
   * need one, as each side tells the other what it takes.
   *
   * @param layer what the packets are
   * @param mtu the path's, in bytes of an IP packet
   */
  public static Flow<PacketBatch, PacketBatch, NotUsed> clampMss(Layer layer, int mtu) {
    MssClamp.checkMtu(mtu);
    return Flow.<PacketBatch>create()
        .statefulMap(
            () -> new MssClamp(layer, mtu),
            (clamp, batch) -> {
              var _ = clamp.clamp(batch);
              return Pair.create(clamp, batch);
            },
            _ -> Optional.empty());
  }

  /**
   * Does with packets that are too big for what follows what a router does ({@link TooBig}): drops
   * them and tells their senders, or fragments them.
   *
   * <pre>{@code
   * left.batchFlow().join(PacketStages.tooBig(rules, pool, right).join(right.batchFlow()))
   * }</pre>
   *
   * <p>The first way of the flow is the one that is watched; messages go out on the second, before
   * what goes there. The first does not wait for them. Put another one, reversed, beside it if the
   * MTU holds for both ways.
   *
   * @param rules what is too big, and how often it is told
   * @param pool gives the batches of messages and fragments
   * @param drops counts what was too big
   */
  public static BidiFlow<PacketBatch, PacketBatch, PacketBatch, PacketBatch, NotUsed> tooBig(
      TooBigRules rules, BatchPool pool, DropCounter drops) {
    return BidiFlow.fromGraph(new TooBigStage(rules, pool, System::nanoTime, drops));
  }

  private record Finish(Finisher finisher) implements Rebatch.Work {
    @Override
    public boolean begin(PacketBatch batch) {
      return finisher.begin(batch);
    }

    @Override
    public int write(PacketBatch target) {
      return finisher.write(target);
    }

    @Override
    public boolean isDone() {
      return finisher.isDone();
    }

    @Override
    public int skip() {
      return finisher.skip();
    }
  }

  private record Join(Coalescer coalescer) implements Rebatch.Work {
    @Override
    public boolean begin(PacketBatch batch) {
      return coalescer.begin(batch) == batch.count();
    }

    @Override
    public int write(PacketBatch target) {
      return coalescer.write(target);
    }

    @Override
    public boolean isDone() {
      return coalescer.isDone();
    }

    @Override
    public int skip() {
      return coalescer.skip();
    }
  }
}
