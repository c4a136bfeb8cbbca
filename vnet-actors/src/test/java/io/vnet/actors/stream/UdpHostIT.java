package io.vnet.actors.stream;

import static org.assertj.core.api.Assertions.assertThat;

import akka.stream.javadsl.Keep;
import akka.stream.javadsl.Sink;
import io.vnet.actors.HostSettings;
import io.vnet.actors.VnetHost;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.backend.HostIo;
import io.vnet.api.offload.DatagramTrain;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.udp.UdpPort;
import io.vnet.io.udp.UdpSettings;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** UDP ports of a host, and streams over them. */
@ExtendWith(NetworkNamespaces.class)
class UdpHostIT {
  private static final int GUARD_SECONDS = 60;
  private static final int SEGMENTS = 45;
  private static final int SEGMENT_BYTES = 1452;
  private static final int PORT = 51_820;

  private static <T> T end(CompletionStage<T> stage) {
    return stage.toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
  }

  private static UdpPort open(VnetHost host, NetworkNamespace namespace, int port) {
    UdpSettings settings =
        UdpSettings.onPort(port)
            .withAddress(IpAddress.parse("127.0.0.1"))
            .inNetworkNamespace(namespace.path());
    return host.openPort(site -> UdpPort.open(settings, site));
  }

  @ParameterizedTest
  @EnumSource(names = "IO_URING", mode = EnumSource.Mode.EXCLUDE)
  void a_train_goes_there_and_comes_back(HostIo io, NetworkNamespace namespace) {
    VnetHost host = VnetHost.start(HostSettings.defaults().withIo(io));
    UdpPort near = open(host, namespace, 0);
    UdpPort far = open(host, namespace, PORT);
    PacketStreams echo = host.streams(far);
    CompletionStage<?> echoed = echo.run(echo.batches().toMat(echo.batchSink(), Keep.right()));
    PacketStreams streams = host.streams(near);
    CompletionStage<List<Packet>> back =
        streams.run(streams.packets().take(SEGMENTS).toMat(Sink.seq(), Keep.right()));

    PacketBatch batch = host.batches(near).acquire();
    batch.commit(SEGMENTS * SEGMENT_BYTES, DatagramTrain.of(SEGMENT_BYTES, DatagramTrain.NOT_ECT));
    batch.setEndpoint(0, Endpoint.parse("127.0.0.1:" + PORT));
    assertThat(near.send(batch, 0)).isEqualTo(1);
    batch.release();

    assertThat(end(back)).hasSize(SEGMENTS).allMatch(packet -> packet.length() == SEGMENT_BYTES);
    assertThat(far.counters().receivedPackets()).isEqualTo(SEGMENTS);
    assertThat(far.counters().sentPackets()).isEqualTo(SEGMENTS);
    assertThat(far.counters().drops()).isEmpty();
    assertThat(near.counters().drops()).isEmpty();

    Leftovers.assertNothingLeft(host);

    assertThat(end(echoed.<Boolean>handle((_, _) -> true))).isTrue();
    assertThat(far.isOpen()).isFalse();
    assertThat(end(far.released()).trainsSent()).isPositive();
    try (VnetHost next = VnetHost.start()) {
      assertThat(open(next, namespace, PORT).port()).isEqualTo(PORT);
    }
  }
}
