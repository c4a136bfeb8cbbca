package io.vnet.actors.stream;

import static io.vnet.actors.testkit.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;

import akka.Done;
import akka.NotUsed;
import akka.stream.javadsl.BidiFlow;
import akka.stream.javadsl.Flow;
import akka.stream.javadsl.Keep;
import io.vnet.actors.VnetHost;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.actors.testkit.TcpTransfer;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.api.mtu.TooBigRules;
import io.vnet.api.offload.Offload;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.util.Random;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * TCP of the kernel's over a path that silently swallows packets longer than it takes: a black
 * hole, through which nothing but small packets comes without the stages.
 */
@ExtendWith(NetworkNamespaces.class)
class MtuIT {
  private static final int GUARD_SECONDS = 60;
  private static final int PATH_MTU = 1300;
  private static final int LINK_BYTES = 14;
  private static final int JUMBO_BYTES = 65_507;

  private final VnetHost host = VnetHost.start();
  private final AtomicLong swallowed = new AtomicLong();

  @AfterEach
  void nothing_is_left() {
    Leftovers.assertNothingLeft(host);
  }

  private static <T> T end(CompletionStage<T> stage) {
    return stage.toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
  }

  private DeviceHandle tap(NetworkNamespace namespace, int number, boolean offload) {
    DeviceHandle handle =
        host.create(
                DeviceSpec.of("tap")
                    .withHost(
                        HostBacking.create()
                            .inNetworkNamespace(namespace.path())
                            .withAddresses(IpPrefix.parse("10.7.0." + number + "/24"))
                            .withOffload(offload)))
            .open();
    // Without the wait for duplicates.
    Program.outputIn(
        namespace,
        "ip",
        "address",
        "add",
        "fd07::" + number + "/64",
        "dev",
        handle.interfaceName(),
        "nodad");
    return handle;
  }

  /** What the path does to packets that are too long for it, without a word. */
  private Flow<PacketBatch, PacketBatch, NotUsed> path() {
    return Flow.<PacketBatch>create()
        .map(batch -> {
          swallowed.addAndGet(
              batch.keepIf(i ->
                  Offload.segmentBytes(
                          batch.offload(i),
                          Layer.L2,
                          batch.segment(),
                          batch.offset(i),
                          batch.length(i))
                      <= PATH_MTU + LINK_BYTES));
          return batch;
        });
  }

  private CompletionStage<Done> relay(
      DeviceHandle left,
      DeviceHandle right,
      BidiFlow<PacketBatch, PacketBatch, PacketBatch, PacketBatch, NotUsed> stages) {
    PacketStreams streams = host.streams(left);
    return streams.run(
        streams
            .batchFlow()
            .joinMat(
                stages
                    .atop(BidiFlow.fromFlows(path(), path()))
                    .join(host.streams(right).batchFlow(), Keep.right()),
                Keep.left()));
  }

  private static BidiFlow<PacketBatch, PacketBatch, PacketBatch, PacketBatch, NotUsed> nothing() {
    return BidiFlow.fromFlows(Flow.create(), Flow.create());
  }

  private static BidiFlow<PacketBatch, PacketBatch, PacketBatch, PacketBatch, NotUsed> clamp() {
    return BidiFlow.fromFlows(
        PacketStages.clampMss(Layer.L2, PATH_MTU), PacketStages.clampMss(Layer.L2, PATH_MTU));
  }

  @Test
  void without_a_stage_a_connection_opens_and_no_data_comes_through(
      NetworkNamespace left, NetworkNamespace right) throws IOException {
    DeviceHandle from = tap(left, 1, false);
    DeviceHandle to = tap(right, 2, false);
    CompletionStage<Done> relay = relay(from, to, nothing());
    try (TcpTransfer transfer = new TcpTransfer(left, right, "10.7.0.2")) {
      transfer.awaitConnected();
      // The first window, and some of it again and again.
      await().until(() -> swallowed.get() >= 12);
      assertThat(transfer.receivedBytes()).isZero();
    }
    from.close();
    end(relay);
  }

  @ParameterizedTest
  @CsvSource({"10.7.0.2, false", "10.7.0.2, true", "fd07::2, false", "fd07::2, true"})
  void with_a_clamp_all_data_comes_through_and_no_packet_is_too_long(
      String address, boolean offload, NetworkNamespace left, NetworkNamespace right)
      throws IOException {
    DeviceHandle from = tap(left, 1, offload);
    DeviceHandle to = tap(right, 2, false);
    CompletionStage<Done> relay = relay(from, to, clamp());
    try (TcpTransfer transfer = new TcpTransfer(left, right, address)) {
      transfer.assertComplete();
    }
    assertThat(swallowed.get()).isZero();
    from.close();
    end(relay);
  }

  @ParameterizedTest
  @CsvSource({"10.7.0.2, false", "10.7.0.2, true", "fd07::2, false", "fd07::2, true"})
  void with_messages_about_what_is_too_big_the_kernel_learns_the_mtu_and_all_data_comes_through(
      String address, boolean offload, NetworkNamespace left, NetworkNamespace right)
      throws IOException {
    DeviceHandle from = tap(left, 1, offload);
    DeviceHandle to = tap(right, 2, false);
    CompletionStage<Done> relay =
        relay(
            from, to, PacketStages.tooBig(TooBigRules.of(Layer.L2, PATH_MTU), host.batches(), to));
    try (TcpTransfer transfer = new TcpTransfer(left, right, address)) {
      transfer.assertComplete();
    }
    assertThat(swallowed.get()).isZero();
    assertThat(to.counters().dropped(DropReason.TOO_LONG)).isPositive();
    assertThat(Program.outputIn(left, "ip", "route", "get", address)).contains("mtu " + PATH_MTU);
    from.close();
    end(relay);
  }

  @Test
  void the_longest_ip_packet_goes_from_kernel_to_kernel_and_back(
      NetworkNamespace left, NetworkNamespace right) throws IOException {
    DeviceHandle from = tun(left, 1);
    DeviceHandle to = tun(right, 2);
    PacketStreams streams = host.streams(from);
    CompletionStage<Done> relay =
        streams.run(streams.batchFlow().joinMat(host.streams(to).batchFlow(), Keep.left()));
    byte[] content = new byte[JUMBO_BYTES];
    new Random(2).nextBytes(content);
    try (DatagramSocket here = socket(left, "10.9.0.1");
        DatagramSocket there = socket(right, "10.9.0.2")) {
      for (DatagramSocket[] way : new DatagramSocket[][] {{here, there}, {there, here}}) {
        for (int i = 0; i < 20; i++) {
          way[0].send(
              new DatagramPacket(
                  content, content.length, way[1].getLocalAddress(), way[1].getLocalPort()));
          DatagramPacket received = new DatagramPacket(new byte[65_535], 65_535);
          way[1].receive(received);
          assertThat(received.getLength()).isEqualTo(JUMBO_BYTES);
          assertThat(received.getData()).startsWith(content);
        }
      }
    }
    assertThat(to.counters().receivedBytes()).isGreaterThanOrEqualTo(20L * 65_535);
    assertThat(from.counters().dropped()).isZero();
    assertThat(to.counters().dropped()).isZero();
    from.close();
    end(relay);
  }

  private DeviceHandle tun(NetworkNamespace namespace, int number) {
    return host.create(
            DeviceSpec.of("tun")
                .withMtu(65_535)
                .withHost(
                    HostBacking.create()
                        .inNetworkNamespace(namespace.path())
                        .withAddresses(IpPrefix.parse("10.9.0." + number + "/24"))))
        .open();
  }

  private static DatagramSocket socket(NetworkNamespace namespace, String address) {
    return namespace.call(() -> {
      DatagramSocket socket = new DatagramSocket(new InetSocketAddress(address, 0));
      socket.setSoTimeout(GUARD_SECONDS * 1000);
      return socket;
    });
  }
}
