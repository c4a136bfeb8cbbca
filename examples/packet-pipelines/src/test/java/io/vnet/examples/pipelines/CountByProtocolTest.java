package io.vnet.examples.pipelines;

import static org.assertj.core.api.Assertions.assertThat;

import akka.stream.javadsl.Keep;
import akka.stream.javadsl.Source;
import io.vnet.actors.HostStatistics;
import io.vnet.actors.VnetHost;
import io.vnet.actors.stream.PacketStreams;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.packet.Packet;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Known packets through an in-memory device, counted exactly, with nothing left afterwards. */
class CountByProtocolTest {
  private static final Map<Protocol, Long> TEN =
      Map.of(
          Protocol.ARP, 1L,
          Protocol.ICMP, 2L,
          Protocol.TCP, 3L,
          Protocol.UDP, 2L,
          Protocol.ICMPV6, 1L,
          Protocol.UDP_V6, 1L);

  private final VnetHost host = VnetHost.start();
  private final Device device = host.create(DeviceSpec.of("tap"));
  private final DeviceHandle handle = device.open();

  @AfterEach
  void nothing_is_left() {
    HostStatistics left = host.terminate().toCompletableFuture().join();
    assertThat(left).matches(HostStatistics::holdsNothing);
  }

  private void feed(List<Packet> packets) {
    PacketStreams network = host.streams(device.networkEnd());
    network
        .run(Source.from(packets).toMat(network.packetSink(), Keep.right()))
        .toCompletableFuture()
        .join();
  }

  @Test
  void each_protocol_is_counted_until_the_last_packet_asked_for() {
    CompletionStage<Map<Protocol, Long>> counts = CountByProtocol.count(host, handle, 10);

    feed(Traffic.tenFrames());

    assertThat(counts.toCompletableFuture().join()).isEqualTo(TEN);
    handle.closed().toCompletableFuture().join();
    assertThat(handle.counters().receivedPackets()).isEqualTo(10);
  }

  @Test
  void a_closed_handle_ends_the_count_with_what_came() {
    CompletionStage<Map<Protocol, Long>> counts =
        CountByProtocol.count(host, handle, Long.MAX_VALUE);
    feed(Traffic.tenFrames());
    Awaitility.await().until(() -> handle.counters().receivedPackets() == 10);

    handle.close();

    assertThat(counts.toCompletableFuture().join()).isEqualTo(TEN);
  }

  @Test
  void the_program_counts_its_own_traffic_and_prints_a_table() {
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    PrintStream before = System.out;
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try {
      CountByProtocol.main("--memory", "1000");
    } finally {
      System.setOut(before);
    }

    List<String> rows = new ArrayList<>();
    printed
        .toString(StandardCharsets.UTF_8)
        .lines()
        .forEach(line -> rows.add(line.replaceAll(" +", " ")));
    assertThat(rows)
        .containsExactly(
            "ARP 100", "ICMP 200", "TCP 300", "UDP 200", "ICMPv6 100", "UDP over IPv6 100");
  }
}
