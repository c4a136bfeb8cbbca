package io.vnet.actors.stream;

import akka.Done;
import akka.NotUsed;
import akka.actor.typed.ActorSystem;
import akka.stream.Attributes;
import akka.stream.SystemMaterializer;
import akka.stream.javadsl.AsPublisher;
import akka.stream.javadsl.Flow;
import akka.stream.javadsl.JavaFlowSupport;
import akka.stream.javadsl.Keep;
import akka.stream.javadsl.RunnableGraph;
import akka.stream.javadsl.Sink;
import akka.stream.javadsl.Source;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.offload.JoinRules;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.Island;
import io.vnet.api.port.OffloadFeature;
import io.vnet.api.port.PacketPort;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow.Publisher;
import java.util.concurrent.Flow.Subscriber;

/**
 * One port's streams: batches for speed, packets for ease, for Akka and for {@link
 * java.util.concurrent.Flow}.
 *
 * <p><b>Demand</b> drives everything: nothing is read that nobody asked for.
 *
 * <p><b>Offloads:</b> batches are as the port gives them, with offload words if it has offloads.
 * Sinks take batches with any offload words and do what their port does not: checksums, and
 * splitting of super-packets. {@link #packets} hands out finished packets only. So two ends with
 * different offloads can be joined; {@link #coalesce} makes super-packets for an end that takes
 * them out of the finished packets of one that has none.
 *
 * <p><b>Counting:</b> on the port's ledger, which counts what the port took and gave; packets that
 * a stage could not pass on are drops there, too. A super-packet counts as one where it is whole,
 * as its segments where it is split.
 *
 * <p><b>The streams own the port:</b> when the last stage over it has ended, for whatever reason,
 * it is closed. So a source and a sink in two streams keep it open until both are done, and a
 * source alone closes it when it is cancelled.
 *
 * <p><b>How they end:</b> the port's user closes it: the source completes, the sink cancels and its
 * value completes. The device is destroyed by force, or its backend is lost: both fail with {@link
 * VnetException} (ENXIO, ENODEV). A destroy that waits does nothing to a stream.
 *
 * <p>Safe on any thread; each source, sink and flow may be run once. Those that run a stream
 * themselves throw {@link VnetException} with ESHUTDOWN after the end of the host.
 */
public final class PacketStreams {
  private final PortShare share;
  private final BatchPool pool;
  private final ActorSystem<?> system;
  private final IslandDispatchers dispatchers;

  /**
   * @param port whose streams
   * @param pool gives the batches
   * @param system runs the streams
   * @param dispatchers finds the dispatcher of the port's island
   */
  public PacketStreams(
      PacketPort port, BatchPool pool, ActorSystem<?> system, IslandDispatchers dispatchers) {
    this.share = new PortShare(port);
    this.pool = pool;
    this.system = system;
    this.dispatchers = dispatchers;
  }

  /** What the port receives. Each batch belongs to whoever gets it, who releases it once. */
  public Source<PacketBatch, NotUsed> batches() {
    return Source.fromGraph(new BatchSource(share, pool));
  }

  /**
   * Sends batches and releases them. What of their offload words the port does not do is done
   * before; a packet that its word does not fit is dropped and counted (MALFORMED, or NOT_OFFLOADED
   * for a type unknown here). The value completes, or fails, when the stage has ended.
   */
  public Sink<PacketBatch, CompletionStage<Done>> batchSink() {
    return Sink.fromGraph(new PortSink<PacketBatch>(share, pool, batch -> batch));
  }

  /**
   * For batches on the way to this port: joins packets that belong together to super-packets, as
   * far as the port takes such; passes batches on as they are if it takes none. See {@link
   * PacketStages#coalesce}.
   */
  public Flow<PacketBatch, PacketBatch, NotUsed> coalesce() {
    Set<OffloadFeature> offloads = share.port().offloads();
    boolean udp = offloads.contains(OffloadFeature.USO4) || offloads.contains(OffloadFeature.USO6);
    boolean tcp = offloads.contains(OffloadFeature.TSO4) || offloads.contains(OffloadFeature.TSO6);
    return tcp
        ? PacketStages.coalesce(JoinRules.of(share.port().layer()).withUdp(udp), pool, share.port())
        : Flow.create();
  }

  /** Both: what comes in is sent, what is received goes out; one's end is the other's. */
  public Flow<PacketBatch, PacketBatch, CompletionStage<Done>> batchFlow() {
    return Flow.fromSinkAndSourceCoupledMat(batchSink(), batches(), Keep.left());
  }

  /**
   * What the port receives, one by one, finished and as copies: a super-packet comes as its
   * segments, each made when it is asked for.
   */
  public Source<Packet, NotUsed> packets() {
    return Source.fromGraph(new PacketSource(share, pool));
  }

  /** Sends packets; the value completes, or fails, when the stage has ended. */
  public Sink<Packet, CompletionStage<Done>> packetSink() {
    return Sink.fromGraph(new PortSink<Packet>(share, pool, this::single));
  }

  /** Both, as copies. */
  public Flow<Packet, Packet, CompletionStage<Done>> packetFlow() {
    return Flow.fromSinkAndSourceCoupledMat(packetSink(), packets(), Keep.left());
  }

  /** {@link #packets} for whoever has no Akka; one subscriber. */
  public Publisher<Packet> packetPublisher() {
    return run(
        packets()
            .toMat(JavaFlowSupport.Sink.asPublisher(AsPublisher.WITHOUT_FANOUT), Keep.right()));
  }

  /** {@link #packetSink} for whoever has no Akka. */
  public Subscriber<Packet> packetSubscriber() {
    return run(JavaFlowSupport.Source.<Packet>asSubscriber().toMat(packetSink(), Keep.left()));
  }

  /** {@link #batches} for whoever has no Akka; one subscriber, who releases each batch. */
  public Publisher<PacketBatch> batchPublisher() {
    return run(
        batches()
            .toMat(JavaFlowSupport.Sink.asPublisher(AsPublisher.WITHOUT_FANOUT), Keep.right()));
  }

  /** {@link #batchSink} for whoever has no Akka. */
  public Subscriber<PacketBatch> batchSubscriber() {
    return run(JavaFlowSupport.Source.<PacketBatch>asSubscriber().toMat(batchSink(), Keep.left()));
  }

  /**
   * Attributes that put a stream on the port's I/O thread; none if the port has no such thread.
   * They have an effect on a whole runnable graph, not on a part of one.
   */
  public Attributes onIsland() {
    Optional<Island> island = share.port().island();
    return island.isPresent() ? dispatchers.attributesFor(island.get()) : Attributes.none();
  }

  /**
   * Runs a stream on the port's I/O thread, or where streams run if it has none.
   *
   * @throws VnetException ESHUTDOWN: the actor system runs no streams any more
   */
  public <T> T run(RunnableGraph<T> graph) {
    try {
      return graph.addAttributes(onIsland()).run(system);
    } catch (IllegalStateException e) {
      if (SystemMaterializer.get(system).materializer().isShutdown()) {
        throw new VnetException(
            "run",
            share.port().name(),
            Errno.ESHUTDOWN,
            "the host's actor system has ended",
            "start another host",
            e);
      }
      throw e;
    }
  }

  private PacketBatch single(Packet packet) {
    PacketBatch batch = pool.acquire();
    if (!batch.append(packet)) {
      batch.release();
      throw new VnetException(
          "send",
          share.port().name(),
          Errno.EIO,
          packet.length() + " bytes are more than a batch holds",
          "split the packet");
    }
    return batch;
  }
}
