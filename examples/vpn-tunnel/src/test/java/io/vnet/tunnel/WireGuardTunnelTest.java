package io.vnet.tunnel;

import static io.vnet.tunnel.testkit.TunnelPair.V4;
import static io.vnet.tunnel.testkit.TunnelPair.V6;
import static io.vnet.tunnel.testkit.TunnelPair.join;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.vnet.actors.VnetHost;
import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.NetworkEnd;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.ForwardingPort;
import io.vnet.api.port.Island;
import io.vnet.api.port.PacketPort;
import io.vnet.io.loop.IslandLoop;
import io.vnet.io.testkit.MemoryPort;
import io.vnet.tunnel.core.Padding;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.settings.TunnelDrop;
import io.vnet.tunnel.settings.TunnelStatus;
import io.vnet.tunnel.testkit.IpFlow;
import io.vnet.tunnel.testkit.Mailbox;
import io.vnet.tunnel.testkit.TunnelPair;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tunnels over a network in memory, with real handshakes and keys. */
class WireGuardTunnelTest {
  private static final int QUEUE = 64;

  private final VnetHost host = VnetHost.start();
  private final MemoryPort leftPort = MemoryPort.pair("left", Layer.L3, QUEUE);
  private final MemoryPort rightPort = MemoryPort.pair("right", Layer.L3, QUEUE);
  private final MemoryDatagrams network = MemoryDatagrams.patient();
  private final IslandLoop island = new IslandLoop();

  @AfterEach
  void close() {
    island.close();
    host.close();
  }

  private TunnelPair pair() {
    return TunnelPair.inMemory(
        host, network, leftPort, leftPort.peer(), rightPort, rightPort.peer());
  }

  private static void assertRefused(CompletionStage<?> stage, Errno errno) {
    assertThatThrownBy(() -> join(stage))
        .isInstanceOf(CompletionException.class)
        .cause()
        .isInstanceOfSatisfying(VnetException.class, e -> assertThat(e.errno()).isEqualTo(errno));
  }

  @Test
  void packets_cross_both_ways_in_both_families() throws InterruptedException {
    try (TunnelPair pair = pair();
        Mailbox left = new Mailbox(leftPort.peer());
        Mailbox right = new Mailbox(rightPort.peer())) {
      for (IpFlow flow : List.of(V4, V6)) {
        Packet question = flow.udp(1, IpFlow.payload(100, 1));
        left.send(question);
        assertThat(right.next()).isEqualTo(question);
        Packet answer = flow.reversed().udp(2, IpFlow.payload(1000, 2));
        right.send(answer);
        assertThat(left.next()).isEqualTo(answer);
      }
      assertThat(pair.left.peer().lastHandshake()).isPresent();
      assertThat(pair.right.peer().lastHandshake()).isPresent();
      assertThat(pair.left.status().drops()).isEmpty();
      assertThat(pair.right.status().drops()).isEmpty();
      assertThat(pair.left.peer().sentBytes()).isEqualTo(pair.right.peer().receivedBytes());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1280, 1420, 1500, 9000})
  void T3_packets_of_every_size_arrive_whole(int mtu) throws InterruptedException {
    Device first = host.create(DeviceSpec.of("tun").withMtu(mtu));
    Device second = host.create(DeviceSpec.of("tun").withMtu(mtu));
    try (NetworkEnd near = first.networkEnd();
        NetworkEnd far = second.networkEnd();
        TunnelPair pair =
            TunnelPair.inMemory(host, network, first.open(), near, second.open(), far)) {
      pair.shakeHands();
      long before = pair.left.peer().sentBytes();
      long expected = 0;
      try (Mailbox from = new Mailbox(near);
          Mailbox to = new Mailbox(far)) {
        for (int size = 20; size <= mtu; size += size < 1200 || size > mtu - 300 ? 1 : 97) {
          Packet packet = (size < 40 ? V4 : V6).sized(size, size);
          from.send(packet);
          assertThat(to.next()).isEqualTo(packet);
          expected += size + Padding.bytes(size, mtu) + 32;
        }
      }
      assertThat(pair.left.peer().sentBytes() - before).isEqualTo(expected);
    }
  }

  @Test
  void U4_ten_thousand_peers_are_told_while_packets_flow() throws Exception {
    int more = 10_000;
    try (TunnelPair pair = pair();
        Mailbox left = new Mailbox(leftPort.peer());
        Mailbox right = new Mailbox(rightPort.peer())) {
      pair.shakeHands();
      List<PeerChange> peers = new ArrayList<>();
      for (int i = 0; i < more; i++) {
        byte[] key = new byte[32];
        ByteBuffer.wrap(key).putInt(i + 1);
        peers.add(
            PeerChange.of(PublicKey.of(key))
                .withAllowedIps(
                    List.of(IpPrefix.parse("fd42::" + Integer.toHexString(i) + "/128"))));
      }
      join(pair.left.tunnel().change(TunnelChange.NONE.withPeers(peers)));
      AtomicBoolean over = new AtomicBoolean();
      AtomicInteger crossed = new AtomicInteger();
      CompletableFuture<Integer> traffic =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  while (!over.get()) {
                    Packet packet = V4.sized(100, crossed.get());
                    left.send(packet);
                    assertThat(right.next()).isEqualTo(packet);
                    crossed.incrementAndGet();
                  }
                } catch (InterruptedException e) {
                  throw new AssertionError(e);
                }
                return crossed.get();
              },
              task -> Thread.ofPlatform().start(task));
      long sent = 0;
      for (int round = 0; round < 10; round++) {
        int before = crossed.get();
        TunnelStatus status = pair.left.status();
        assertThat(status.peers()).hasSize(more + 1);
        assertThat(status.peers()).allMatch(peer -> !peer.allowedIps().isEmpty());
        assertThat(status.peers().getFirst().sentBytes()).isGreaterThanOrEqualTo(sent);
        sent = status.peers().getFirst().sentBytes();
        await().until(() -> crossed.get() > before || traffic.isDone());
      }
      over.set(true);
      assertThat(traffic.get(TunnelPair.GUARD_SECONDS, TimeUnit.SECONDS)).isPositive();
      assertThat(pair.left.status().drops()).isEmpty();
    }
  }

  @Test
  void T2_packets_that_waited_for_the_handshake_come_in_order() throws InterruptedException {
    try (TunnelPair pair = pair();
        Mailbox left = new Mailbox(leftPort.peer());
        Mailbox right = new Mailbox(rightPort.peer())) {
      // At both sides: one of them becomes the responder, who has to wait for the other's first.
      for (int i = 0; i < 50; i++) {
        left.send(V4.sized(100 + i, i));
        right.send(V4.reversed().sized(100 + i, i));
      }
      for (int i = 0; i < 50; i++) {
        assertThat(right.next()).isEqualTo(V4.sized(100 + i, i));
        assertThat(left.next()).isEqualTo(V4.reversed().sized(100 + i, i));
      }
      assertThat(pair.left.status().drops()).isEmpty();
    }
  }

  @Test
  void packets_for_several_peers_in_one_batch_go_each_its_way() throws InterruptedException {
    MemoryPort thirdPort = MemoryPort.pair("third", Layer.L3, QUEUE);
    try (TunnelPair pair = pair();
        WireGuardTunnel third =
            WireGuardTunnel.start(host, "third", thirdPort, network.at(TunnelPair.outside(3)));
        Mailbox left = new Mailbox(leftPort.peer());
        Mailbox right = new Mailbox(rightPort.peer());
        Mailbox other = new Mailbox(thirdPort.peer())) {
      join(third.change(TunnelPair.change(3).withPeers(List.of(TunnelPair.peer(1)))));
      join(third.up());
      PeerChange peer =
          TunnelPair.peer(3).withEndpoint(Endpoint.of(TunnelPair.outside(3), TunnelPair.PORT));
      join(pair.left.tunnel().change(TunnelChange.NONE.withPeers(List.of(peer))));
      IpFlow toThird = IpFlow.of("10.9.0.1", "10.9.0.3");
      for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 20; i++) {
          left.send((i % 3 == 0 ? toThird : V4).sized(200, i));
        }
        for (int i = 0; i < 20; i++) {
          IpFlow flow = i % 3 == 0 ? toThird : V4;
          assertThat((i % 3 == 0 ? other : right).next()).isEqualTo(flow.sized(200, i));
        }
      }
      assertThat(pair.left.status().drops()).isEmpty();
    }
  }

  @Test
  void back_pressure_reaches_the_sender_and_nothing_is_lost() throws InterruptedException {
    int packets = 5_000;
    try (TunnelPair pair = pair();
        Mailbox right = new Mailbox(rightPort.peer())) {
      pair.shakeHands();
      Thread sender = Thread.ofPlatform().start(() -> sendNumbered(packets));
      // Nobody receives: more than all queues hold is not taken.
      await().until(() -> rightPort.peer().waiting() == QUEUE && leftPort.waiting() == QUEUE);
      assertThat(leftPort.peer().counters().sentPackets()).isLessThan(packets);
      for (int i = 0; i < packets; i++) {
        assertThat(right.next()).isEqualTo(V4.sized(1400, i));
      }
      sender.join();
      assertThat(pair.left.status().drops()).isEmpty();
      assertThat(pair.right.status().drops()).isEmpty();
    }
  }

  private void sendNumbered(int packets) {
    try (Mailbox left = new Mailbox(leftPort.peer())) {
      for (int i = 0; i < packets; i++) {
        left.send(V4.sized(1400, i));
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void E3_a_packet_for_a_peer_that_is_nowhere_waits_for_the_peers_handshake()
      throws InterruptedException {
    try (TunnelPair pair = pair();
        Mailbox left = new Mailbox(leftPort.peer());
        Mailbox right = new Mailbox(rightPort.peer())) {
      Packet early = V4.reversed().sized(90, 1);
      right.send(early);
      await().until(() -> rightPort.waiting() == 0);
      assertThat(pair.right.peer().endpoint()).isEmpty();
      Packet first = V4.sized(80, 2);
      left.send(first);
      assertThat(right.next()).isEqualTo(first);
      assertThat(left.next()).isEqualTo(early);
    }
  }

  @Test
  void a_tunnel_moves_to_another_port_while_it_is_used() throws InterruptedException {
    try (TunnelPair pair = pair();
        Mailbox left = new Mailbox(leftPort.peer());
        Mailbox right = new Mailbox(rightPort.peer())) {
      pair.shakeHands();
      join(pair.left.tunnel().change(TunnelChange.NONE.withListenPort(6000)));
      assertThat(pair.left.status().listenPort()).isEqualTo(6000);
      left.send(V4.sized(70, 1));
      assertThat(right.next()).isEqualTo(V4.sized(70, 1));
      assertThat(pair.right.peer().endpoint().orElseThrow()).hasToString("192.0.2.1:6000");
      right.send(V4.reversed().sized(70, 2));
      assertThat(left.next()).isEqualTo(V4.reversed().sized(70, 2));
      // The old one is free again.
      Outside.Bound free = network.at(TunnelPair.outside(1)).open(island, TunnelPair.PORT, 0);
      free.port().close();
    }
  }

  @Test
  void U8_a_port_that_is_taken_changes_nothing() throws InterruptedException {
    Outside.Bound other = network.at(TunnelPair.outside(1)).open(island, 6000, 0);
    try (TunnelPair pair = pair();
        Mailbox left = new Mailbox(leftPort.peer());
        Mailbox right = new Mailbox(rightPort.peer())) {
      pair.shakeHands();
      TunnelStatus before = pair.left.status();
      assertRefused(
          pair.left
              .tunnel()
              .change(
                  TunnelChange.NONE
                      .withListenPort(6000)
                      .withPrivateKey(TunnelPair.privateKey(7))
                      .replacingPeers()),
          Errno.EADDRINUSE);
      TunnelStatus after = pair.left.status();
      assertThat(after.listenPort()).isEqualTo(before.listenPort());
      assertThat(after.privateKey()).isEqualTo(before.privateKey());
      assertThat(after.peers()).hasSize(1);
      left.send(V4.sized(70, 1));
      assertThat(right.next()).isEqualTo(V4.sized(70, 1));
    } finally {
      other.port().close();
    }
  }

  @Test
  void down_and_up_again_keeps_the_configuration() throws InterruptedException {
    try (TunnelPair pair = pair();
        Mailbox left = new Mailbox(leftPort.peer());
        Mailbox right = new Mailbox(rightPort.peer())) {
      pair.shakeHands();
      join(pair.left.tunnel().down());
      TunnelStatus down = pair.left.status();
      assertThat(down.up()).isFalse();
      assertThat(down.peers()).hasSize(1);
      left.send(V4.sized(70, 1));
      await().until(() -> pair.left.drops(TunnelDrop.STAGED_DROPPED) == 1);
      join(pair.left.tunnel().up());
      left.send(V4.sized(70, 2));
      assertThat(right.next()).isEqualTo(V4.sized(70, 2));
    }
  }

  @Test
  void a_destroyed_device_ends_its_tunnel() {
    Device device = host.create(DeviceSpec.of("tun"));
    DeviceHandle handle = device.open();
    WireGuardTunnel tunnel =
        WireGuardTunnel.start(host, "wg", handle, network.at(TunnelPair.outside(1)));
    join(tunnel.change(TunnelPair.change(1).withPeers(List.of(TunnelPair.peer(2)))));
    join(tunnel.up());
    device.destroy();
    join(tunnel.ended());
    assertThat(handle.isOpen()).isFalse();
    assertRefused(tunnel.status(), Errno.ESHUTDOWN);
    assertRefused(tunnel.change(TunnelChange.NONE), Errno.ESHUTDOWN);
    tunnel.close();
  }

  @Test
  void a_tunnel_closes_while_packets_flow() throws InterruptedException {
    for (int round = 0; round < 5; round++) {
      MemoryPort near = MemoryPort.pair("near", Layer.L3, QUEUE);
      MemoryPort far = MemoryPort.pair("far", Layer.L3, QUEUE);
      AtomicBoolean over = new AtomicBoolean();
      Thread sender;
      try (TunnelPair pair =
          TunnelPair.inMemory(host, network, near, near.peer(), far, far.peer())) {
        pair.shakeHands();
        byte[] packet = V4.sized(1000, 1).toByteArray();
        sender =
            Thread.ofPlatform()
                .start(() -> {
                  while (!over.get()) {
                    near.peer().offer(packet);
                    far.peer().poll();
                  }
                });
        await().until(() -> pair.right.peer().receivedBytes() > 100_000);
      }
      over.set(true);
      sender.join();
      assertThat(near.isOpen()).isFalse();
      assertThat(far.isOpen()).isFalse();
      assertThat(near.listeners()).isZero();
    }
  }

  private static VnetException failure(Errno errno) {
    return new VnetException("send", "test", errno, "the test says so", "");
  }

  /** Places whose ports fail as the test wants; nobody is at the other end. */
  private static final class FailingOutside implements Outside {
    private final List<MemoryPort> opened = new CopyOnWriteArrayList<>();
    private final Errno errno;
    private final int failing;

    FailingOutside(Errno errno, int failing) {
      this.errno = errno;
      this.failing = failing;
    }

    @Override
    public Bound open(Island island, int port, int mark) {
      MemoryPort made = MemoryPort.pair("outside", Layer.DATAGRAM, QUEUE);
      if (opened.size() < failing) {
        made.failNextSend(failure(errno));
      }
      opened.add(made);
      return new Bound() {
        @Override
        public PacketPort port() {
          return made;
        }

        @Override
        public int localPort() {
          return port == 0 ? 1234 : port;
        }

        @Override
        public void mark(int newMark) {
          throw failure(Errno.EPERM);
        }
      };
    }
  }

  private WireGuardTunnel initiating(Outside outside) {
    WireGuardTunnel tunnel = WireGuardTunnel.start(host, "wg", leftPort, outside);
    PeerChange peer =
        TunnelPair.peer(2)
            .withEndpoint(Endpoint.of(TunnelPair.outside(2), TunnelPair.PORT))
            .withPersistentKeepalive(25);
    join(tunnel.change(TunnelPair.change(1).withPeers(List.of(peer))));
    join(tunnel.up());
    return tunnel;
  }

  @Test
  void an_outside_port_that_fails_is_replaced() {
    FailingOutside outside = new FailingOutside(Errno.EIO, 1);
    try (WireGuardTunnel tunnel = initiating(outside)) {
      await().until(() -> outside.opened.size() == 2);
      await().until(() -> join(tunnel.status()).drops().containsKey(TunnelDrop.SEND_FAILED));
      assertThat(outside.opened.getFirst().isOpen()).isFalse();
      assertThat(outside.opened.getLast().isOpen()).isTrue();
      assertThat(join(tunnel.status()).up()).isTrue();
      assertThat(join(tunnel.status()).listenPort()).isEqualTo(TunnelPair.PORT);
    }
    assertThat(outside.opened.getLast().isOpen()).isFalse();
  }

  @Test
  void a_message_for_which_there_is_no_memory_is_counted() {
    FailingOutside outside = new FailingOutside(Errno.ENOBUFS, 1);
    try (WireGuardTunnel tunnel = initiating(outside)) {
      await().until(() -> join(tunnel.status()).drops().containsKey(TunnelDrop.SEND_FAILED));
      assertThat(outside.opened).hasSize(1);
      assertThat(join(tunnel.status()).drops()).isEqualTo(Map.of(TunnelDrop.SEND_FAILED, 1L));
    }
  }

  @Test
  void a_mark_that_is_refused_changes_nothing() {
    try (WireGuardTunnel tunnel = initiating(new FailingOutside(Errno.EIO, 0))) {
      assertRefused(tunnel.change(TunnelChange.NONE.withMark(7).replacingPeers()), Errno.EPERM);
      assertThat(join(tunnel.status()).mark()).isZero();
      assertThat(join(tunnel.status()).peers()).hasSize(1);
    }
  }

  @Test
  void the_host_ends_with_a_tunnel_on_it() {
    VnetHost own = VnetHost.start();
    WireGuardTunnel tunnel =
        WireGuardTunnel.start(own, "wg", leftPort, network.at(TunnelPair.outside(1)));
    join(tunnel.up());
    own.close();
    join(tunnel.ended());
    tunnel.close();
    assertThat(leftPort.isOpen()).isFalse();
  }

  private PacketPort readingFailsWith(Errno errno) {
    return new ForwardingPort(leftPort) {
      @Override
      public int receive(PacketBatch into) {
        throw new VnetException("read", "wg0", errno, "the test says so", "");
      }
    };
  }

  /** An island may read before its poller has told the port. */
  @Test
  void a_read_that_meets_the_removal_of_the_interface_ends_the_tunnel_in_order() {
    WireGuardTunnel tunnel =
        WireGuardTunnel.start(
            host, "wg", readingFailsWith(Errno.ENODEV), network.at(TunnelPair.outside(1)));
    join(tunnel.ended());
    assertThat(leftPort.isOpen()).isFalse();
  }

  @Test
  void another_failure_of_a_read_is_how_the_tunnel_ends() {
    WireGuardTunnel tunnel =
        WireGuardTunnel.start(
            host, "wg", readingFailsWith(Errno.EIO), network.at(TunnelPair.outside(1)));
    assertThat(tunnel.ended().toCompletableFuture())
        .failsWithin(Duration.ofSeconds(TunnelPair.GUARD_SECONDS))
        .withThrowableOfType(ExecutionException.class)
        .withMessageContaining("read wg0: EIO");
    assertThat(leftPort.isOpen()).isFalse();
  }

  @Test
  void only_packets_of_ip_can_be_inside() {
    MemoryPort frames = MemoryPort.pair("tap0", Layer.L2, QUEUE);
    assertThatThrownBy(
            () -> WireGuardTunnel.start(host, "wg", frames, network.at(TunnelPair.outside(1))))
        .isInstanceOf(VnetException.class)
        .hasMessage(
            "start wg: EPROTOTYPE, a tunnel carries IP packets, and tap0 has packets of L2; use a"
                + " tun device instead");
    assertThat(frames.isOpen()).isTrue();
    leftPort.close();
    assertThatThrownBy(
            () -> WireGuardTunnel.start(host, "wg", leftPort, network.at(TunnelPair.outside(1))))
        .isInstanceOf(VnetException.class)
        .hasMessageContaining("EBADF");
  }

  @Test
  void close_on_its_own_thread_is_refused() {
    WireGuardTunnel tunnel =
        WireGuardTunnel.start(
            host, "wg", new OnIsland(leftPort, island), network.at(TunnelPair.outside(1)));
    assertRefused(CompletableFuture.runAsync(tunnel::close, island), Errno.EDEADLK);
    tunnel.close();
    assertThat(leftPort.isOpen()).isFalse();
  }

  @Test
  void ten_thousand_peers_are_configured_shown_and_used() throws InterruptedException {
    try (TunnelPair pair = pair()) {
      List<PeerChange> many = new ArrayList<>();
      for (int i = 0; i < 10_000; i++) {
        byte[] key = new byte[PublicKey.BYTES];
        ByteBuffer.wrap(key).putInt(i + 1);
        many.add(
            PeerChange.of(PublicKey.of(key))
                .withEndpoint(Endpoint.of(IpAddress.v4(0x0A0A0000 + i), 1))
                .withAllowedIps(List.of(new IpPrefix(IpAddress.v4(0x0B000000 + i), 32))));
      }
      join(pair.left.tunnel().change(TunnelChange.NONE.withPeers(many)));
      pair.shakeHands();
      assertThat(pair.left.status().peers()).hasSize(10_001);
      join(
          pair.left
              .tunnel()
              .change(
                  TunnelChange.NONE.withPeers(
                      many.stream().map(peer -> PeerChange.removing(peer.publicKey())).toList())));
      assertThat(pair.left.status().peers()).hasSize(1);
    }
  }
}
