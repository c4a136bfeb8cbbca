package io.vnet.actors;

import static io.vnet.actors.testkit.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.Done;
import akka.stream.javadsl.Keep;
import akka.stream.javadsl.Sink;
import io.vnet.actors.stream.PacketStreams;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.backend.HostIo;
import io.vnet.api.backend.IslandSettings;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.PacketPort;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.Descriptors;
import io.vnet.io.testkit.NetworkNamespaces;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Many flows of the kernel through several queues, each read by a stream on its own I/O thread. */
@ExtendWith(NetworkNamespaces.class)
class MultiQueueDeviceIT {
  private static final int GUARD_SECONDS = 60;
  private static final int FLOWS = 48;
  private static final int ROUNDS = 200;
  private static final int CYCLES = 30;
  private static final int IP_BYTES = 20;
  private static final int UDP_BYTES = 8;
  private static final int SERVICE_PORT = 9;

  private static <T> T end(CompletionStage<T> stage) {
    return stage.toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
  }

  /** For what takes less than Awaitility's usual pauses. */
  private static ConditionFactory soon() {
    return await().pollDelay(0, TimeUnit.MILLISECONDS).pollInterval(1, TimeUnit.MILLISECONDS);
  }

  private static VnetHost host(int islands, HostIo io) {
    return VnetHost.start(
        HostSettings.defaults()
            .withIslands(IslandSettings.defaults().withThreads(islands, 1).withIo(io)));
  }

  private static DeviceSpec spec(NetworkNamespace namespace, int queues) {
    return DeviceSpec.of("tun")
        .withHost(
            HostBacking.create()
                .inNetworkNamespace(namespace.path())
                .withAddresses(IpPrefix.parse("10.9.0.1/24"))
                .withQueues(queues));
  }

  /** The kernel's side: one socket a flow, whose datagrams carry flow and sequence number. */
  private static final class Flows implements AutoCloseable {
    private final List<DatagramChannel> sockets = new ArrayList<>();
    private final ByteBuffer datagram = ByteBuffer.allocateDirect(2 * Integer.BYTES);

    Flows(NetworkNamespace namespace) {
      for (int flow = 0; flow < FLOWS; flow++) {
        sockets.add(
            namespace.call(() -> {
              DatagramChannel socket = DatagramChannel.open();
              socket.connect(
                  new InetSocketAddress(InetAddress.getByName("10.9.0.2"), SERVICE_PORT));
              socket.configureBlocking(false);
              return socket;
            }));
      }
    }

    void send(int flow, int number) throws IOException {
      sockets.get(flow).write(datagram.clear().putInt(flow).putInt(number).flip());
    }

    /** How many datagrams came back. */
    int answers() throws IOException {
      int answers = 0;
      for (DatagramChannel socket : sockets) {
        while (socket.read(datagram.clear()) > 0) {
          answers++;
        }
      }
      return answers;
    }

    @Override
    public void close() throws IOException {
      for (DatagramChannel socket : sockets) {
        socket.close();
      }
    }
  }

  /** A datagram of a flow as a queue saw it. */
  private record Seen(int queue, int flow, int number) {
    static boolean isOurs(Packet packet) {
      return packet.length() == IP_BYTES + UDP_BYTES + 2 * Integer.BYTES
          && packet.unsignedByte(0) == 0x45
          && packet.unsignedByte(9) == 17;
    }

    static Seen of(int queue, Packet packet) {
      ByteBuffer payload = ByteBuffer.wrap(packet.toByteArray()).position(IP_BYTES + UDP_BYTES);
      return new Seen(queue, payload.getInt(), payload.getInt());
    }
  }

  /** The answer to a datagram: ends swapped, which leaves both checksums right. */
  private static Packet answer(Packet packet) {
    byte[] bytes = packet.toByteArray();
    swap(bytes, 12, 16, 4);
    swap(bytes, IP_BYTES, IP_BYTES + 2, 2);
    return Packet.of(bytes);
  }

  private static void swap(byte[] bytes, int first, int second, int length) {
    byte[] kept = Arrays.copyOfRange(bytes, first, first + length);
    System.arraycopy(bytes, second, bytes, first, length);
    System.arraycopy(kept, 0, bytes, second, length);
  }

  @ParameterizedTest
  @CsvSource({"2, EPOLL", "4, EPOLL", "2, IO_URING", "4, IO_URING"})
  void packets_of_a_flow_come_in_order_and_by_one_queue(
      int queues, HostIo io, NetworkNamespace namespace) throws IOException {
    VnetHost host = host(queues, io);
    ConcurrentLinkedQueue<Seen> seen = new ConcurrentLinkedQueue<>();
    AtomicLong count = new AtomicLong();
    DeviceHandle handle = host.create(spec(namespace, queues)).open();
    assertThat(handle.queues().stream().map(PacketPort::island).distinct()).hasSize(queues);
    List<CompletionStage<Done>> streams = new ArrayList<>();
    for (int i = 0; i < queues; i++) {
      int queue = i;
      PacketStreams of = host.streams(handle.queues().get(i));
      streams.add(
          of.run(
              of.batches()
                  .toMat(
                      Sink.foreach((PacketBatch batch) -> {
                        for (int p = 0; p < batch.count(); p++) {
                          Packet packet = batch.packet(p);
                          if (Seen.isOurs(packet)) {
                            seen.add(Seen.of(queue, packet));
                            count.incrementAndGet();
                          }
                        }
                        batch.release();
                      }),
                      Keep.right())));
    }
    try (Flows flows = new Flows(namespace)) {
      for (int round = 0; round < ROUNDS; round++) {
        for (int flow = 0; flow < FLOWS; flow++) {
          flows.send(flow, round);
        }
        // The kernel drops for a reader that is behind by its queue's length, so do not be ahead.
        long sent = (long) (round + 1) * FLOWS;
        soon().until(() -> sent - count.get() < 4L * FLOWS);
      }
      await().until(() -> count.get() == (long) ROUNDS * FLOWS);
    }
    handle.close();
    streams.forEach(stream -> assertThat(end(stream)).isEqualTo(Done.getInstance()));

    int[] last = new int[FLOWS];
    int[] by = new int[FLOWS];
    Arrays.fill(last, -1);
    Arrays.fill(by, -1);
    for (Seen each : seen) {
      assertThat(each.number())
          .as("after %d of flow %d", last[each.flow()], each.flow())
          .isGreaterThan(last[each.flow()]);
      last[each.flow()] = each.number();
      assertThat(by[each.flow()]).as("queue of flow %d", each.flow()).isIn(-1, each.queue());
      by[each.flow()] = each.queue();
    }
    assertThat(Arrays.stream(by).distinct().count()).as("queues in use").isEqualTo(queues);
    assertThat(handle.counters().receivedPackets()).isGreaterThanOrEqualTo(seen.size());
    Leftovers.assertNothingLeft(host);
  }

  @Test
  void a_flow_stays_with_the_queue_that_answers_it_and_moves_to_another_that_does(
      NetworkNamespace namespace) throws IOException {
    VnetHost host = host(2, HostIo.EPOLL);
    DeviceHandle handle = host.create(spec(namespace, 2)).open();
    List<PacketPort> queues = handle.queues();
    try (Flows flows = new Flows(namespace)) {
      int[] first = round(host, flows, queues, 0);
      for (int round = 1; round < 20; round++) {
        assertThat(round(host, flows, queues, round)).isEqualTo(first);
      }
      assertThat(flows.answers()).isEqualTo(20 * FLOWS);
      // Each is answered by the queue that did not get it.
      int[] before = new int[FLOWS];
      for (int flow = 0; flow < FLOWS; flow++) {
        flows.send(flow, 20);
        Answered answered = receive(host, queues);
        before[flow] = answered.seen().queue();
        send(host, queues.get(1 - answered.seen().queue()), answered.packet());
      }
      assertThat(before).isEqualTo(first);
      int[] after = round(host, flows, queues, 21);
      for (int flow = 0; flow < FLOWS; flow++) {
        assertThat(after[flow]).as("flow %d", flow).isEqualTo(1 - first[flow]);
      }
    }
    handle.close();
    Leftovers.assertNothingLeft(host);
  }

  private record Answered(Seen seen, Packet packet) {}

  /** Sends one datagram of each flow and answers it where it came; the queue of each. */
  private static int[] round(VnetHost host, Flows flows, List<PacketPort> queues, int number)
      throws IOException {
    int[] by = new int[FLOWS];
    for (int flow = 0; flow < FLOWS; flow++) {
      flows.send(flow, number);
      Answered answered = receive(host, queues);
      assertThat(answered.seen().flow()).isEqualTo(flow);
      assertThat(answered.seen().number()).isEqualTo(number);
      by[flow] = answered.seen().queue();
      send(host, queues.get(by[flow]), answered.packet());
    }
    return by;
  }

  /** The next datagram by any queue, with its answer. */
  private static Answered receive(VnetHost host, List<PacketPort> queues) {
    List<Answered> found = new ArrayList<>();
    soon()
        .until(() -> {
          for (int queue = 0; queue < queues.size(); queue++) {
            PacketBatch batch = host.batches().acquire();
            try {
              queues.get(queue).receive(batch);
              for (int i = 0; i < batch.count(); i++) {
                Packet packet = batch.packet(i);
                if (Seen.isOurs(packet)) {
                  found.add(new Answered(Seen.of(queue, packet), answer(packet)));
                }
              }
            } finally {
              batch.release();
            }
          }
          return !found.isEmpty();
        });
    assertThat(found).hasSize(1);
    return found.getFirst();
  }

  private static void send(VnetHost host, PacketPort queue, Packet packet) {
    PacketBatch batch = host.batches().acquire();
    try {
      assertThat(batch.append(packet)).isTrue();
      assertThat(queue.send(batch, 0)).isEqualTo(1);
    } finally {
      batch.release();
    }
  }

  @Test
  void cycles_leave_the_same_figures_as_before(NetworkNamespace namespace) {
    VnetHost host = host(2, HostIo.AUTO);
    for (int i = 0; i < 3; i++) {
      cycle(host, namespace, i);
    }
    HostStatistics before = host.statistics();
    Descriptors descriptors = Descriptors.now();
    for (int i = 0; i < CYCLES; i++) {
      cycle(host, namespace, i);
    }
    assertThat(host.statistics()).isEqualTo(before);
    assertThat(Descriptors.now().since(descriptors)).isEmpty();
    Leftovers.assertNothingLeft(host);
  }

  private static void cycle(VnetHost host, NetworkNamespace namespace, int number) {
    Device device = host.create(spec(namespace, 4));
    DeviceHandle handle = device.open();
    if (number % 2 == 0) {
      handle.queues().get(number % 4).close();
    }
    device.destroy();
    handle.close();
  }

  @Test
  void a_forced_destroy_ends_the_streams_of_all_queues(NetworkNamespace namespace)
      throws IOException {
    VnetHost host = host(2, HostIo.AUTO);
    Device device = host.create(spec(namespace, 3));
    DeviceHandle handle = device.open();
    List<CompletionStage<Done>> streams = new ArrayList<>();
    for (PacketPort queue : handle.queues()) {
      PacketStreams of = host.streams(queue);
      streams.add(of.run(of.batches().toMat(Sink.foreach(PacketBatch::release), Keep.right())));
    }
    try (Flows flows = new Flows(namespace)) {
      for (int flow = 0; flow < FLOWS; flow++) {
        flows.send(flow, 0);
      }
      await().until(() -> handle.counters().receivedPackets() >= FLOWS);
      device.destroy();
    }
    for (CompletionStage<Done> stream : streams) {
      assertThatThrownBy(() -> end(stream))
          .isInstanceOf(CompletionException.class)
          .hasStackTraceContaining("ENXIO");
    }
    Leftovers.assertNothingLeft(host);
  }
}
