package io.vnet.tunnel;

import static io.vnet.tunnel.testkit.TunnelPair.join;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import akka.Done;
import io.vnet.actors.VnetHost;
import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.ForwardingPort;
import io.vnet.api.port.PacketPort;
import io.vnet.io.testkit.MemoryPort;
import io.vnet.io.udp.UdpSettings;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.testkit.TunnelPair;
import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * A tunnel that lets go of a UDP port and takes it again at once, with sockets on loopback: closing
 * them takes longer than the call.
 */
class PortReuseTest {
  private static final int ROUNDS = 100;
  private static final IpAddress LOOPBACK = IpAddress.parse("127.0.0.1");
  private static final UdpSettings SETTINGS =
      UdpSettings.onPort(0).withFamilies(UdpSettings.Families.IPV4).withAddress(LOOPBACK);

  private final VnetHost host = VnetHost.start();
  private final Outside sockets = Outside.udp(SETTINGS);

  @AfterEach
  void close() {
    host.close();
  }

  private WireGuardTunnel start(Outside outside) {
    return WireGuardTunnel.start(host, "wg", MemoryPort.pair("inside", Layer.L3, 16), outside);
  }

  private static TunnelChange port(int number) {
    return TunnelChange.NONE.withListenPort(number);
  }

  /** Ports that nobody had a moment ago. */
  private static int[] freePorts() throws IOException {
    try (DatagramSocket first = bound(0);
        DatagramSocket second = bound(0)) {
      return new int[] {first.getLocalPort(), second.getLocalPort()};
    }
  }

  private static DatagramSocket bound(int port) throws IOException {
    return new DatagramSocket(
        new InetSocketAddress(InetAddress.getByAddress(LOOPBACK.toByteArray()), port));
  }

  @Test
  void down_and_up_in_one_go_has_the_same_port_again() throws IOException {
    int port = freePorts()[0];
    try (WireGuardTunnel tunnel = start(sockets)) {
      join(tunnel.change(TunnelPair.change(1).withListenPort(port)));
      join(tunnel.up());
      for (int i = 0; i < ROUNDS; i++) {
        CompletionStage<Void> down = tunnel.down();
        CompletionStage<Void> up = tunnel.up();
        join(down);
        join(up);
        assertThat(join(tunnel.status()).listenPort()).isEqualTo(port);
        assertThat(join(tunnel.status()).up()).isTrue();
      }
    }
  }

  @Test
  void a_port_is_left_and_taken_again() throws IOException {
    int[] ports = freePorts();
    try (WireGuardTunnel tunnel = start(sockets)) {
      join(tunnel.change(TunnelPair.change(1).withListenPort(ports[0])));
      join(tunnel.up());
      for (int i = 0; i < ROUNDS; i++) {
        CompletionStage<Void> there = tunnel.change(port(ports[1]));
        CompletionStage<Void> back = tunnel.change(port(ports[0]));
        join(there);
        join(back);
        assertThat(join(tunnel.status()).listenPort()).isEqualTo(ports[0]);
      }
    }
  }

  @Test
  void the_port_is_free_when_down_a_change_or_the_end_is_answered() throws IOException {
    int[] ports = freePorts();
    for (int i = 0; i < 10; i++) {
      try (WireGuardTunnel tunnel = start(sockets)) {
        join(tunnel.change(TunnelPair.change(1).withListenPort(ports[0])));
        join(tunnel.up());
        join(tunnel.change(port(ports[1])));
        bound(ports[0]).close();
        join(tunnel.down());
        bound(ports[1]).close();
        join(tunnel.up());
      }
      bound(ports[1]).close();
    }
  }

  @Test
  void a_port_that_failed_once_is_replaced_by_one_with_the_same_number() {
    for (int i = 0; i < 10; i++) {
      AtomicInteger opened = new AtomicInteger();
      Outside failing =
          (island, port, mark) -> {
            Outside.Bound bound = sockets.open(island, port, mark);
            return opened.getAndIncrement() == 0 ? failingOnce(bound) : bound;
          };
      try (WireGuardTunnel tunnel = start(failing)) {
        join(
            tunnel.change(
                TunnelPair.change(1)
                    .withListenPort(0)
                    .withPeers(
                        List.of(
                            TunnelPair.peer(2)
                                .withEndpoint(Endpoint.of(LOOPBACK, 9))
                                .withPersistentKeepalive(5)))));
        join(tunnel.up());
        int port = join(tunnel.status()).listenPort();
        await().until(() -> opened.get() == 2);
        // The next request has its turn when the port is open or cannot be.
        join(tunnel.change(TunnelChange.NONE));
        assertThat(join(tunnel.status()).up()).isTrue();
        assertThat(join(tunnel.status()).listenPort()).isEqualTo(port);
      }
    }
  }

  @Test
  void the_end_waits_for_a_port_that_is_still_being_opened() throws InterruptedException {
    CountDownLatch opening = new CountDownLatch(1);
    CountDownLatch mayOpen = new CountDownLatch(1);
    CompletableFuture<Outside.Bound> opened = new CompletableFuture<>();
    CompletableFuture<Done> free = new CompletableFuture<>();
    Outside slow =
        (island, port, mark) -> {
          opening.countDown();
          awaitLatch(mayOpen);
          Outside.Bound bound = releasedWith(sockets.open(island, port, mark), free);
          opened.complete(bound);
          return bound;
        };
    MemoryPort inside = MemoryPort.pair("inside", Layer.L3, 16);
    WireGuardTunnel tunnel = WireGuardTunnel.start(host, "wg", inside, slow);
    List<String> events = new CopyOnWriteArrayList<>();
    var _ = free.thenRun(() -> events.add("free"));
    CompletionStage<Done> ended =
        tunnel
            .ended()
            .thenApply(_ -> {
              events.add("ended");
              return Done.getInstance();
            });
    CompletionStage<Void> up = tunnel.up();
    assertThat(opening.await(TunnelPair.GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
    CompletionStage<Void> end = tunnel.endAsync();
    await().until(() -> !inside.isOpen());
    mayOpen.countDown();
    await().until(() -> !join(opened).port().isOpen());
    free.complete(Done.getInstance());
    join(end);
    join(ended);
    assertThat(events).containsExactly("free", "ended");
    assertThat(up.toCompletableFuture())
        .failsWithin(Duration.ofSeconds(TunnelPair.GUARD_SECONDS))
        .withThrowableOfType(ExecutionException.class)
        .withMessageContaining("the tunnel has ended");
  }

  @Test
  void an_opening_that_fails_does_not_hold_up_the_end() throws InterruptedException {
    CountDownLatch opening = new CountDownLatch(1);
    CountDownLatch mayFail = new CountDownLatch(1);
    Outside failing =
        (_, _, _) -> {
          opening.countDown();
          awaitLatch(mayFail);
          throw new VnetException("open", "wg", Errno.EADDRINUSE, "the test says so", "");
        };
    MemoryPort inside = MemoryPort.pair("inside", Layer.L3, 16);
    WireGuardTunnel tunnel = WireGuardTunnel.start(host, "wg", inside, failing);
    var _ = tunnel.up();
    assertThat(opening.await(TunnelPair.GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
    CompletionStage<Void> end = tunnel.endAsync();
    await().until(() -> !inside.isOpen());
    mayFail.countDown();
    join(end);
    assertThat(join(tunnel.dropped())).isEmpty();
  }

  private static void awaitLatch(CountDownLatch latch) {
    try {
      assertThat(latch.await(TunnelPair.GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** A port that is free when the test says so, too. */
  private static Outside.Bound releasedWith(Outside.Bound bound, CompletionStage<?> free) {
    return with(bound, bound.port(), bound.released().thenCombine(free, (first, _) -> first));
  }

  private static Outside.Bound failingOnce(Outside.Bound bound) {
    return with(bound, new SendFails(bound.port()), bound.released());
  }

  private static Outside.Bound with(
      Outside.Bound bound, PacketPort port, CompletionStage<?> released) {
    return new Outside.Bound() {
      @Override
      public PacketPort port() {
        return port;
      }

      @Override
      public int localPort() {
        return bound.localPort();
      }

      @Override
      public void mark(int mark) {
        bound.mark(mark);
      }

      @Override
      public CompletionStage<?> released() {
        return released;
      }
    };
  }

  /** A port that cannot send. */
  private static final class SendFails extends ForwardingPort {
    SendFails(PacketPort port) {
      super(port);
    }

    @Override
    public int send(PacketBatch batch, int from) {
      throw new VnetException("send", name(), Errno.EIO, "the test says so", "");
    }
  }
}
