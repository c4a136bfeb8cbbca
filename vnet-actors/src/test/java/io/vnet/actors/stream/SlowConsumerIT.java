package io.vnet.actors.stream;

import static io.vnet.actors.testkit.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;

import akka.stream.testkit.TestSubscriber;
import akka.stream.testkit.javadsl.TestSink;
import io.vnet.actors.HostSettings;
import io.vnet.actors.HostStatistics;
import io.vnet.actors.VnetHost;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.backend.HostIo;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.api.device.InterfaceCounters;
import io.vnet.api.packet.Packet;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.PortCounters;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.Heap;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongPredicate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The kernel floods a stream whose consumer takes one packet in a thousand: what nobody asked for
 * stays in the kernel's queue, which drops and counts; memory is the same at the end as at the
 * beginning, and each packet is in one of three counters.
 */
@ExtendWith(NetworkNamespaces.class)
class SlowConsumerIT {
  private static final int PACKETS = 200_000;
  private static final int PACKETS_A_STEP = 1_000;
  private static final int BYTES = 1_000;
  private static final int DISCARD_PORT = 9;
  private static final int GUARD_SECONDS = 60;
  private static final long SOAK_SECONDS = Long.getLong("vnet.soak.seconds", 60);
  private static final long GROWTH_BYTES_MAX = 16L * 1024 * 1024;

  @ParameterizedTest
  @EnumSource(
      value = HostIo.class,
      names = {"EPOLL", "AUTO"})
  void a_consumer_that_is_too_slow_costs_packets_and_no_memory(
      HostIo io, NetworkNamespace namespace) {
    assertThat(flood(io, namespace, sent -> sent < PACKETS)).startsWith(PACKETS + " sent");
  }

  @Test
  @Tag("soak")
  void a_minute_of_it_leaves_memory_as_it_was(NetworkNamespace namespace) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SOAK_SECONDS);
    System.out.println(
        "slow consumer: " + flood(HostIo.AUTO, namespace, _ -> System.nanoTime() - end < 0));
  }

  /** Returns the books, which were found to balance. */
  private static String flood(HostIo io, NetworkNamespace namespace, LongPredicate more) {
    // Nothing but what the test sends: no router solicitations.
    Program.outputIn(
        namespace, "sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6");
    VnetHost host = VnetHost.start(HostSettings.defaults().withIo(io));
    try {
      Device device =
          host.create(
              DeviceSpec.of("tun")
                  .withHost(
                      HostBacking.create()
                          .inNetworkNamespace(namespace.path())
                          .withAddresses(IpPrefix.parse("10.9.0.1/24"))));
      DeviceHandle handle = device.open();
      TestSubscriber.Probe<Packet> probe =
          host.streams(handle)
              .packets()
              .runWith(TestSink.<Packet>create(host.system()), host.system());
      probe.ensureSubscription();
      AtomicLong sent = new AtomicLong();
      CompletableFuture<?> flood = send(namespace, sent, more);
      assertThat(probe.requestNext().length()).isEqualTo(BYTES + 28);
      HostStatistics before = host.statistics();
      long heapBefore = Heap.usedBytes();
      long taken = 1;
      for (long step = PACKETS_A_STEP; !flood.isDone(); ) {
        if (sent.get() < step) {
          Thread.onSpinWait();
          continue;
        }
        step = sent.get() + PACKETS_A_STEP;
        assertThat(probe.requestNext().length()).isEqualTo(BYTES + 28);
        taken++;
        HostStatistics now = host.statistics();
        assertThat(now.batchesLent()).isEqualTo(before.batchesLent());
        assertThat(now.mappedBytes()).isEqualTo(before.mappedBytes());
      }
      flood.join();
      assertThat(Heap.usedBytes() - heapBefore).isLessThan(GROWTH_BYTES_MAX);
      handle.close();
      probe.expectComplete();
      await().until(() -> host.statistics().batchesLent() == 0);

      InterfaceCounters kernel = device.counters();
      PortCounters port = handle.counters();
      String books = sent + " sent, " + taken + " taken: " + kernel + port;
      assertThat(kernel.outQueueDrops()).as(books).isPositive();
      assertThat(port.receivedPackets() - port.dropped(DropReason.STREAM_ENDED))
          .as(books)
          .isEqualTo(taken);
      assertThat(
              port.receivedPackets()
                  + port.dropped(DropReason.FLUSHED_AT_CLOSE)
                  + kernel.outQueueDrops())
          .as(books)
          .isEqualTo(sent.get());
      return books;
    } finally {
      Leftovers.assertNothingLeft(host);
    }
  }

  private static CompletableFuture<?> send(
      NetworkNamespace namespace, AtomicLong sent, LongPredicate more) {
    DatagramSocket socket =
        namespace.call(() -> {
          DatagramSocket made = new DatagramSocket();
          made.connect(InetAddress.getByName("10.9.0.2"), DISCARD_PORT);
          return made;
        });
    return CompletableFuture.runAsync(
            () -> {
              try (socket) {
                DatagramPacket packet = new DatagramPacket(new byte[BYTES], BYTES);
                while (more.test(sent.get())) {
                  socket.send(packet);
                  sent.incrementAndGet();
                }
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            },
            task -> Thread.ofPlatform().name("flood").start(task))
        .orTimeout(GUARD_SECONDS + SOAK_SECONDS, TimeUnit.SECONDS);
  }
}
