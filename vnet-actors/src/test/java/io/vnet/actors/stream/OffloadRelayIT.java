package io.vnet.actors.stream;

import static io.vnet.actors.testkit.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;

import akka.Done;
import akka.stream.javadsl.BidiFlow;
import akka.stream.javadsl.Keep;
import io.vnet.actors.VnetHost;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.actors.testkit.TcpTransfer;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.Packet;
import io.vnet.api.port.PortCounters;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** TCP of the kernel's between a device with offloads and one without, by all kinds of streams. */
@ExtendWith(NetworkNamespaces.class)
class OffloadRelayIT {
  private static final int GUARD_SECONDS = 60;
  private static final int MTU = 1500;

  private final VnetHost host = VnetHost.start();

  /** What relays. */
  enum Kind {
    BATCHES,
    BATCHES_JOINED,
    PACKETS
  }

  @AfterEach
  void nothing_is_left() {
    Leftovers.assertNothingLeft(host);
  }

  private DeviceHandle tun(NetworkNamespace namespace, int number, boolean offload) {
    return host.create(
            DeviceSpec.of("tun")
                .withHost(
                    HostBacking.create()
                        .inNetworkNamespace(namespace.path())
                        .withAddresses(IpPrefix.parse("10.9.0." + number + "/24"))
                        .withOffload(offload)))
        .open();
  }

  private CompletionStage<Done> relay(Kind kind, PacketStreams left, PacketStreams right) {
    return switch (kind) {
      case BATCHES -> left.run(left.batchFlow().joinMat(right.batchFlow(), Keep.left()));
      case BATCHES_JOINED ->
          left.run(
              left.batchFlow()
                  .joinMat(
                      BidiFlow.fromFlows(right.coalesce(), left.coalesce())
                          .join(right.batchFlow(), Keep.right()),
                      Keep.left()));
      case PACKETS -> left.run(left.packetFlow().joinMat(right.packetFlow(), Keep.left()));
    };
  }

  @ParameterizedTest
  @EnumSource
  void all_data_comes_through_both_ways(Kind kind, NetworkNamespace left, NetworkNamespace right)
      throws IOException {
    DeviceHandle offloading = tun(left, 1, true);
    DeviceHandle plain = tun(right, 2, false);
    CompletionStage<Done> relay = relay(kind, host.streams(offloading), host.streams(plain));

    try (TcpTransfer transfer = new TcpTransfer(left, right, "10.9.0.2")) {
      transfer.assertComplete();
    }
    PortCounters gave = offloading.counters();
    PortCounters took = plain.counters();
    assertThat(gave.receivedBytes() / gave.receivedPackets()).isGreaterThan(2 * MTU);
    assertThat(took.sentPackets()).isGreaterThan(2 * gave.receivedPackets());

    try (TcpTransfer transfer = new TcpTransfer(right, left, "10.9.0.1")) {
      transfer.assertComplete();
    }
    if (kind == Kind.BATCHES_JOINED) {
      assertThat(offloading.counters().sentPackets())
          .isLessThan(plain.counters().receivedPackets());
    } else {
      // The last acknowledgment may still be on its way.
      await()
          .until(() -> offloading.counters().sentPackets() == plain.counters().receivedPackets());
    }
    assertThat(offloading.counters().dropped()).isZero();
    assertThat(plain.counters().dropped()).isZero();
    offloading.close();
    relay.toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
  }

  @Test
  void single_reads_of_a_device_with_offloads_are_no_longer_than_its_mtu(
      NetworkNamespace left, NetworkNamespace right) throws IOException {
    DeviceHandle offloading = tun(left, 1, true);
    DeviceHandle plain = tun(right, 2, false);
    CompletableFuture<?> there = copy(offloading, plain);
    CompletableFuture<?> back = copy(plain, offloading);
    try (TcpTransfer transfer = new TcpTransfer(left, right, "10.9.0.2")) {
      transfer.assertComplete();
    }
    PortCounters gave = offloading.counters();
    assertThat(gave.receivedBytes() / gave.receivedPackets()).isGreaterThan(MTU);
    offloading.close();
    plain.close();
    CompletableFuture.allOf(there, back).orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
  }

  /** Until one of them is closed. */
  private static CompletableFuture<?> copy(DeviceHandle from, DeviceHandle to) {
    return CompletableFuture.runAsync(
        () -> {
          while (from.isOpen() && to.isOpen()) {
            Packet packet;
            try {
              packet = from.read();
              to.write(packet);
            } catch (VnetException e) {
              assertThat(e.errno()).isEqualTo(Errno.EBADF);
              return;
            }
            assertThat(packet.length()).isLessThanOrEqualTo(MTU);
          }
        },
        task -> Thread.ofPlatform().start(task));
  }
}
