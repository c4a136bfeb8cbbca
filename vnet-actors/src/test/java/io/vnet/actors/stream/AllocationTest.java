package io.vnet.actors.stream;

import static org.assertj.core.api.Assertions.assertThat;

import akka.Done;
import akka.stream.javadsl.Flow;
import akka.stream.javadsl.Keep;
import com.sun.management.ThreadMXBean;
import io.vnet.actors.VnetHost;
import io.vnet.actors.testkit.IpPackets;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.actors.testkit.Traffic;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.NetworkEnd;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.PacketPort;
import java.lang.management.ManagementFactory;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * What a packet costs the heap in the steady state, all threads of the process counted: nothing at
 * the ports, and through streams what a batch costs, divided by its packets.
 */
class AllocationTest {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final int GUARD_SECONDS = 120;
  private static final long PACKETS = 200_000;
  private static final double BYTES_A_PACKET_MAX = 4;

  /** A test's own thread asks for memory now and then, as does the timer of the actor system. */
  private static final double NOTHING = 0.01;

  private final VnetHost host = VnetHost.start();

  @AfterEach
  void nothing_is_left() {
    Leftovers.assertNothingLeft(host);
  }

  /** Of several runs the least: what the compilers and other classes' threads do is not ours. */
  private static double leastBytesAPacket(Supplier<Long> run) {
    double least = Double.MAX_VALUE;
    for (int i = 0; i < 5; i++) {
      long before = THREADS.getTotalThreadAllocatedBytes();
      long packets = run.get();
      long bytes = THREADS.getTotalThreadAllocatedBytes() - before;
      least = Math.min(least, (double) bytes / packets);
    }
    return least;
  }

  @Test
  void a_packet_through_ports_allocates_nothing() {
    Device device = host.create(DeviceSpec.of("tun"));
    DeviceHandle handle = device.open();
    NetworkEnd network = device.networkEnd();
    PacketBatch batch = host.batches().acquire();
    PacketBatch received = host.batches().acquire();
    while (batch.append(Traffic.numbered(1, 1000))) {
      assertThat(batch.count()).isLessThanOrEqualTo(batch.capacity());
    }
    double bytes =
        leastBytesAPacket(() -> {
          long packets = 0;
          while (packets < PACKETS) {
            packets += cross(network, batch, handle, received);
            packets += cross(handle, batch, network, received);
          }
          return packets;
        });
    batch.release();
    received.release();
    System.out.println("allocated at ports: " + bytes + " bytes a packet");
    assertThat(bytes).isLessThan(NOTHING);
  }

  private static int cross(PacketPort from, PacketBatch batch, PacketPort to, PacketBatch into) {
    int sent = from.send(batch, 0);
    into.clear();
    int received = to.receive(into);
    if (sent != received) {
      throw new AssertionError(sent + " sent, " + received + " received");
    }
    return sent;
  }

  @Test
  void a_packet_through_batch_streams_allocates_its_share_of_a_batch() {
    System.out.println("allocated in streams: " + throughStreams(Flow.create()));
  }

  @Test
  void the_stages_allocate_nothing_a_packet() {
    System.out.println(
        "allocated in stages: "
            + throughStreams(
                PacketStages.clampMss(Layer.L3, 1400)
                    .via(PacketStages.finish(Layer.L3, Set.of(), host.batches(), (_, _) -> {}))));
  }

  /** A relay of two devices with a flow between, whose ends are always busy. */
  private double throughStreams(Flow<PacketBatch, PacketBatch, ?> between) {
    Device first = host.create(DeviceSpec.of("tun"));
    Device second = host.create(DeviceSpec.of("tun"));
    DeviceHandle in = first.open();
    DeviceHandle out = second.open();
    NetworkEnd source = first.networkEnd();
    NetworkEnd target = second.networkEnd();
    CompletionStage<Done> relay =
        host.streams(in)
            .batches()
            .via(between)
            .toMat(host.streams(out).batchSink(), Keep.right())
            .run(host.system());
    PacketBatch batch =
        IpPackets.batch(host.batches(), new IpPackets(true, true).packets(0, 64, 500));
    PacketBatch received = host.batches().acquire();
    double bytes = leastBytesAPacket(() -> relayed(source, batch, target, received));
    batch.release();
    received.release();
    in.close();
    relay.toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
    assertThat(bytes).isLessThanOrEqualTo(BYTES_A_PACKET_MAX);
    return bytes;
  }

  private static long relayed(
      NetworkEnd source, PacketBatch batch, NetworkEnd target, PacketBatch received) {
    CompletableFuture<Long> sending =
        CompletableFuture.supplyAsync(
            () -> send(source, batch), task -> Thread.ofPlatform().start(task));
    long packets = 0;
    while (!sending.isDone() || packets < sending.join()) {
      received.clear();
      int now = target.receive(received);
      packets += now;
      if (now == 0) {
        Thread.onSpinWait();
      }
    }
    return packets;
  }

  /** Whole batches, as fast as there is room; returns how many packets. */
  private static long send(NetworkEnd source, PacketBatch batch) {
    long sent = 0;
    while (sent < PACKETS) {
      for (int next = 0; next < batch.count(); ) {
        int now = source.send(batch, next);
        next += now;
        if (now == 0) {
          Thread.onSpinWait();
        }
      }
      sent += batch.count();
    }
    return sent;
  }
}
