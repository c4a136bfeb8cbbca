package io.vnet.actors;

import static io.vnet.actors.testkit.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.Done;
import akka.stream.javadsl.Keep;
import io.vnet.actors.stream.PacketStreams;
import io.vnet.actors.testkit.HostWay;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.PortCounters;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What others do to an interface while a stream reads and writes its packets: each time the stream
 * goes on or ends as its contract says, and every packet is accounted for.
 */
@ExtendWith(NetworkNamespaces.class)
class StreamingFaultIT {
  private static final int GUARD_SECONDS = 60;
  private static final int FLOOD_PACKETS_MAX = 5_000_000;
  private static final int DISCARD_PORT = 9;
  private static final int STREAMED = 1_000;

  /** A device whose packets a stream writes back to it, under a flood from its namespace. */
  private static final class Scene implements AutoCloseable {
    private final NetworkNamespace namespace;
    private final VnetHost host;
    private final Device device;
    private final DeviceHandle handle;
    private final CompletionStage<Done> stream;
    private final CompletableFuture<Long> flood;
    private volatile boolean enough;

    Scene(HostWay way, NetworkNamespace namespace) {
      this.namespace = namespace;
      this.host = way.host();
      this.device =
          host.create(
              DeviceSpec.of("tun")
                  .withHost(way.backing(namespace).withAddresses(IpPrefix.parse("10.9.0.1/24"))));
      this.handle = device.open();
      PacketStreams streams = host.streams(handle);
      this.stream = streams.run(streams.batches().toMat(streams.batchSink(), Keep.right()));
      this.flood = flood();
      awaitPackets();
    }

    /** Sends until it is told that it is enough, whether there is a route or not. */
    private CompletableFuture<Long> flood() {
      DatagramSocket socket =
          namespace.call(() -> {
            DatagramSocket made = new DatagramSocket();
            made.connect(InetAddress.getByName("10.9.0.2"), DISCARD_PORT);
            return made;
          });
      return CompletableFuture.supplyAsync(
          () -> {
            long refused = 0;
            DatagramPacket packet = new DatagramPacket(new byte[100], 100);
            try (socket) {
              for (int i = 0; i < FLOOD_PACKETS_MAX && !enough; i++) {
                try {
                  socket.send(packet);
                } catch (IOException e) {
                  // No route while the link is down, or after it: what the test brings about.
                  refused++;
                }
              }
            }
            return refused;
          },
          task -> Thread.ofPlatform().name("flood").start(task));
    }

    /** So many more packets have been read. */
    void awaitPackets() {
      long before = handle.counters().receivedPackets();
      await().until(() -> handle.counters().receivedPackets() >= before + STREAMED);
    }

    void ip(String... arguments) {
      String[] command = new String[arguments.length + 1];
      command[0] = "ip";
      System.arraycopy(arguments, 0, command, 1, arguments.length);
      Program.outputIn(namespace, command);
    }

    /** The stream fails as that of a device that is gone, and the device goes by itself. */
    void assertLost() {
      assertThatThrownBy(
              () -> stream.toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join())
          .hasStackTraceContaining("ENODEV");
      device.gone().toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
    }

    /** What was read was written or dropped for a reason that the stream or the writing has. */
    void assertConserved() {
      PortCounters counters = handle.counters();
      long neverRead =
          counters.dropped(DropReason.DEVICE_DESTROYED)
              + counters.dropped(DropReason.FLUSHED_AT_CLOSE);
      assertThat(counters.receivedPackets())
          .as(counters.toString())
          .isEqualTo(counters.sentPackets() + counters.dropped() - neverRead);
    }

    @Override
    public void close() {
      enough = true;
      flood.orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
      Leftovers.assertNothingLeft(host);
    }
  }

  @ParameterizedTest
  @EnumSource
  void a_deleted_interface_fails_its_stream(HostWay way, NetworkNamespace namespace) {
    try (Scene scene = new Scene(way, namespace)) {
      scene.ip("link", "delete", "tun0");
      scene.assertLost();
      scene.assertConserved();
      assertThat(Program.outputIn(namespace, "ip", "-o", "link")).doesNotContain("tun");
    }
  }

  @ParameterizedTest
  @EnumSource
  void a_link_that_goes_down_and_up_interrupts_its_stream(HostWay way, NetworkNamespace namespace) {
    try (Scene scene = new Scene(way, namespace)) {
      for (int i = 0; i < 3; i++) {
        scene.ip("link", "set", "tun0", "down");
        scene.ip("link", "set", "tun0", "up");
        scene.awaitPackets();
        assertThat(scene.stream.toCompletableFuture()).isNotDone();
      }
      scene.handle.close();
      assertThat(
              scene.stream.toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join())
          .isEqualTo(Done.getInstance());
      scene.handle.closed().toCompletableFuture().join();
      scene.assertConserved();
      assertThat(scene.handle.counters().drops())
          .containsOnlyKeys(
              scene.handle.counters().drops().keySet().stream()
                  .filter(reason ->
                      reason == DropReason.INTERFACE_DOWN
                          || reason == DropReason.STREAM_ENDED
                          || reason == DropReason.FLUSHED_AT_CLOSE)
                  .toList());
    }
  }

  @ParameterizedTest
  @EnumSource
  void an_interface_goes_with_the_namespace_that_it_was_moved_to(
      HostWay way, NetworkNamespace namespace, NetworkNamespace other) {
    try (Scene scene = new Scene(way, namespace)) {
      scene.ip("link", "set", "tun0", "netns", other.path().toString());
      assertThat(scene.stream.toCompletableFuture()).isNotDone();
      // The last that holds it: the kernel takes it down, and what is in it.
      other.close();
      scene.assertLost();
      scene.assertConserved();
    }
  }
}
