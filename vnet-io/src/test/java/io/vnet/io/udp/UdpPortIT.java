package io.vnet.io.udp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.backend.HostIo;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.offload.DatagramTrain;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.udp.UdpLab.Peer;
import io.vnet.io.udp.UdpLab.Received;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Datagrams and trains through the kernel, over loopback and over Ethernet between namespaces. */
@ExtendWith(NetworkNamespaces.class)
class UdpPortIT {
  private static final int SEGMENT = UdpLab.SEGMENT;
  private static final int CLOSINGS = 20;

  UdpLab lab() {
    return new UdpLab(HostIo.EPOLL);
  }

  private static UdpSettings anyPort() {
    return UdpSettings.onPort(0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "[::1]"})
  void a_train_crosses_as_one_packet_with_its_short_last_segment(
      String address, NetworkNamespace namespace) throws Exception {
    try (UdpLab lab = lab()) {
      Peer sender = lab.open(namespace, anyPort());
      Peer receiver = lab.open(namespace, anyPort());
      Packet train = UdpLab.pattern(44 * SEGMENT + 100, 1);

      sender.send(receiver.at(address), DatagramTrain.of(SEGMENT, 0), train);

      Received received = receiver.await(45);
      assertThat(received.packets()).hasSize(1);
      assertThat(received.first().packet()).isEqualTo(train);
      assertThat(DatagramTrain.segmentBytes(received.first().word())).isEqualTo(SEGMENT);
      assertThat(received.first().from().withoutSource()).isEqualTo(sender.at(address));
      assertThat(sender.port.counters().sentPackets()).isEqualTo(45);
      assertThat(sender.port.counters().sentBytes()).isEqualTo(train.length());
      assertThat(receiver.port.counters().receivedPackets()).isEqualTo(45);
      assertThat(receiver.port.counters().receivedBytes()).isEqualTo(train.length());
      assertThat(sender.port.statistics().trainsSent()).isEqualTo(1);
      assertThat(receiver.port.statistics().trainsReceived()).isEqualTo(1);
      assertThat(lab.libc.counts()).containsEntry("sendmmsg", 1);
      assertThat(sender.port.layer()).isEqualTo(Layer.DATAGRAM);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"10.7.0.2", "[fd07::2]"})
  void a_train_crosses_an_ethernet_as_one_packet(
      String address, NetworkNamespace left, NetworkNamespace right) throws Exception {
    UdpLab.connect(left, right);
    try (UdpLab lab = lab()) {
      Peer sender = lab.open(left, anyPort());
      Peer receiver = lab.open(right, anyPort());
      Packet train = UdpLab.pattern(45 * SEGMENT, 2);

      sender.send(receiver.at(address), DatagramTrain.of(SEGMENT, 0), train);
      Received received = receiver.await(45);
      assertThat(received.packets()).hasSize(1);
      assertThat(received.first().packet()).isEqualTo(train);

      // And back to where it came from.
      receiver.send(received.first().from(), 0, UdpLab.pattern(9, 3));
      assertThat(sender.await(1).datagrams()).containsExactly(UdpLab.pattern(9, 3));
    }
  }

  @Test
  void endpoints_sizes_and_families_may_be_mixed_in_a_batch(NetworkNamespace namespace)
      throws Exception {
    long seed = Long.getLong("vnet.udp.seed", ThreadLocalRandom.current().nextLong());
    Random random = new Random(seed);
    try (UdpLab lab = lab()) {
      Peer sender = lab.open(namespace, anyPort());
      Peer first = lab.open(namespace, anyPort());
      Peer second = lab.open(namespace, anyPort());
      List<Peer> peers = List.of(first, first, second, second);
      List<Endpoint> ways =
          List.of(
              first.at("127.0.0.1"), first.at("[::1]"), second.at("127.0.0.1"), second.at("[::1]"));
      List<List<Packet>> expected = new ArrayList<>();
      ways.forEach(_ -> expected.add(new ArrayList<>()));
      PacketBatch batch = lab.batches.acquire();
      int size = 100;
      int way = 0;
      for (int i = 0; i < 100; i++) {
        if (random.nextInt(4) == 0) {
          way = random.nextInt(ways.size());
          size = 1 + random.nextInt(1400);
        }
        int segments = 1 + random.nextInt(6);
        Packet bytes = UdpLab.pattern(size * segments - random.nextInt(size), i);
        UdpLab.add(batch, ways.get(way), bytes, DatagramTrain.of(size, 0));
        expected
            .get(way)
            .addAll(
                new Received(List.of(new UdpLab.Piece(bytes, batch.offload(i), ways.get(way))))
                    .datagrams());
      }
      assertThat(sender.port.send(batch, 0)).isEqualTo(100);
      batch.release();

      for (int i = 0; i < ways.size(); i += 2) {
        List<UdpLab.Piece> pieces =
            peers.get(i).await(expected.get(i).size() + expected.get(i + 1).size()).packets();
        for (int family = 0; family < 2; family++) {
          boolean v6 = family == 1;
          List<UdpLab.Piece> mine =
              pieces.stream().filter(piece -> piece.from().address().v6() == v6).toList();
          assertThat(new Received(mine).datagrams())
              .as("seed %d", seed)
              .containsExactlyElementsOf(expected.get(i + family));
        }
      }
    }
  }

  @Test
  void a_link_local_endpoint_has_its_scope_both_ways(NetworkNamespace left, NetworkNamespace right)
      throws Exception {
    UdpLab.connect(left, right);
    try (UdpLab lab = lab()) {
      Peer sender = lab.open(left, anyPort());
      Peer receiver = lab.open(right, anyPort());
      int out = UdpLab.index(left, "veth0");
      int in = UdpLab.index(right, "veth0");

      sender.send(receiver.at("[fe80::2%" + out + "]"), 0, UdpLab.pattern(20, 1));
      Endpoint from = receiver.await(1).first().from();
      assertThat(from.withoutSource()).isEqualTo(sender.at("[fe80::1%" + in + "]"));

      receiver.send(from, 0, UdpLab.pattern(30, 2));
      assertThat(sender.await(1).first().from().withoutSource())
          .isEqualTo(receiver.at("[fe80::2%" + out + "]"));
    }
  }

  @Test
  void an_answer_leaves_from_the_address_that_was_asked(
      NetworkNamespace left, NetworkNamespace right) throws Exception {
    UdpLab.connect(left, right);
    UdpLab.ip(right, "address add 10.7.0.22/24 dev veth0");
    UdpLab.ip(right, "address add fd07::22/64 dev veth0 nodad");
    try (UdpLab lab = lab()) {
      Peer client = lab.open(left, anyPort());
      Peer server = lab.open(right, anyPort());
      Peer forgetful = lab.open(right, anyPort().withSticky(false));
      for (String asked : List.of("10.7.0.22", "[fd07::22]")) {
        client.send(server.at(asked), 0, UdpLab.pattern(20, 1));
        Endpoint from = server.await(1).first().from();
        assertThat(from.source().orElseThrow())
            .isEqualTo(
                new Endpoint.Source(server.at(asked).address(), UdpLab.index(right, "veth0")));
        server.send(from, 0, UdpLab.pattern(20, 2));
        assertThat(client.await(1).first().from().withoutSource()).isEqualTo(server.at(asked));

        client.send(forgetful.at(asked), 0, UdpLab.pattern(20, 1));
        assertThat(forgetful.await(1).first().from().source()).isEmpty();
      }
    }
  }

  @Test
  void a_source_that_is_not_there_any_more_is_left_out(
      NetworkNamespace left, NetworkNamespace right) throws Exception {
    UdpLab.connect(left, right);
    try (UdpLab lab = lab()) {
      Peer sender = lab.open(left, anyPort());
      Peer receiver = lab.open(right, anyPort());
      Endpoint.Source gone = new Endpoint.Source(IpAddress.parse("10.7.0.99"), 0);
      Endpoint.Source gone6 = new Endpoint.Source(IpAddress.parse("fd07::99"), 0);

      Packet train = UdpLab.pattern(300, 1);
      long word = DatagramTrain.of(100, 0);
      sender.send(receiver.at("10.7.0.2").withSource(gone), word, train);
      sender.send(receiver.at("[fd07::2]").withSource(gone6), word, train);

      assertThat(receiver.await(6).datagrams())
          .allSatisfy(d -> assertThat(d.length()).isEqualTo(100));
      assertThat(sender.port.statistics().sourcesRefused()).isPositive();
      assertThat(sender.port.counters().drops()).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "[::1]"})
  void without_trains_every_datagram_crosses_alone(String address, NetworkNamespace namespace)
      throws Exception {
    try (UdpLab lab = lab()) {
      UdpSettings plain = anyPort().withTrains(false, false).withDatagramBytes(2048);
      Peer sender = lab.open(namespace, plain);
      Peer receiver = lab.open(namespace, plain);
      Packet train = UdpLab.pattern(70 * SEGMENT + 1, 1);

      sender.send(receiver.at(address), DatagramTrain.of(SEGMENT, 0), train);

      Received received = receiver.await(71);
      assertThat(received.packets()).hasSize(71).allSatisfy(p -> assertThat(p.word()).isZero());
      assertThat(received.joined()).isEqualTo(train);
      assertThat(sender.port.statistics().segmentation()).isFalse();
      assertThat(receiver.port.statistics().coalescing()).isFalse();
    }
  }

  @Test
  void a_train_of_any_length_and_many_small_datagrams_cross(NetworkNamespace namespace)
      throws Exception {
    try (UdpLab lab = lab()) {
      Peer sender = lab.open(namespace, anyPort());
      Peer receiver = lab.open(namespace, anyPort());
      Packet train = UdpLab.pattern(300 * SEGMENT + 7, 1);
      sender.send(receiver.at("127.0.0.1"), DatagramTrain.of(SEGMENT, 0), train);
      assertThat(receiver.await(301).joined()).isEqualTo(train);

      Packet[] small = new Packet[100];
      for (int i = 0; i < small.length; i++) {
        small[i] = UdpLab.pattern(64, i);
      }
      int calls = lab.libc.counts().getOrDefault("sendmmsg", 0);
      sender.send(receiver.at("127.0.0.1"), 0, small);
      assertThat(receiver.await(100).datagrams()).containsExactly(small);
      assertThat(lab.libc.counts()).containsEntry("sendmmsg", calls + 1);
    }
  }

  @Test
  void a_datagram_longer_than_the_room_is_dropped_and_counted(NetworkNamespace namespace)
      throws Exception {
    try (UdpLab lab = lab()) {
      Peer sender = lab.open(namespace, anyPort());
      Peer receiver =
          lab.open(namespace, anyPort().withTrains(true, false).withDatagramBytes(1000));
      sender.send(
          receiver.at("127.0.0.1"),
          0,
          Packet.of(new byte[1001]),
          UdpLab.pattern(1000, 1),
          Packet.of(new byte[60_000]));
      sender.send(receiver.at("127.0.0.1"), 0, UdpLab.pattern(5, 2));
      assertThat(receiver.await(2).datagrams())
          .containsExactly(UdpLab.pattern(1000, 1), UdpLab.pattern(5, 2));
      assertThat(receiver.port.counters().dropped(DropReason.TOO_LONG)).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "[::1]"})
  void ecn_bits_cross_with_datagrams_and_trains(String address, NetworkNamespace namespace)
      throws Exception {
    try (UdpLab lab = lab()) {
      Peer sender = lab.open(namespace, anyPort().withEcn(true));
      Peer receiver = lab.open(namespace, anyPort().withEcn(true));
      Peer deaf = lab.open(namespace, anyPort());
      for (int ecn = 0; ecn <= DatagramTrain.CE; ecn++) {
        sender.send(receiver.at(address), DatagramTrain.of(100, ecn), UdpLab.pattern(300, 1));
        assertThat(receiver.await(3).first().word()).isEqualTo(DatagramTrain.of(100, ecn));
        sender.send(receiver.at(address), DatagramTrain.of(0, ecn), UdpLab.pattern(300, 1));
        assertThat(receiver.await(1).first().word()).isEqualTo(DatagramTrain.of(0, ecn));
      }
      sender.send(deaf.at(address), DatagramTrain.of(0, DatagramTrain.CE), UdpLab.pattern(3, 1));
      assertThat(deaf.await(1).first().word()).isZero();
    }
  }

  @Test
  void a_route_that_is_too_narrow_for_a_train_gets_its_datagrams_one_by_one(
      NetworkNamespace left, NetworkNamespace right) throws Exception {
    UdpLab.connect(left, right);
    UdpLab.ip(left, "route add 10.7.0.2/32 dev veth0 mtu 1300");
    try (UdpLab lab = lab()) {
      Peer sender = lab.open(left, anyPort());
      Peer receiver = lab.open(right, anyPort());
      Packet train = UdpLab.pattern(3 * SEGMENT, 1);
      sender.send(receiver.at("10.7.0.2"), DatagramTrain.of(SEGMENT, 0), train);
      assertThat(receiver.await(3).joined()).isEqualTo(train);
      assertThat(sender.port.statistics().trainsRefused()).isEqualTo(1);
      assertThat(sender.port.statistics().segmentation()).isTrue();
      // A narrower one still goes as a train.
      sender.send(receiver.at("10.7.0.2"), DatagramTrain.of(1000, 0), train);
      assertThat(receiver.await(5).joined()).isEqualTo(train);
      assertThat(sender.port.statistics().trainsSent()).isEqualTo(1);
    }
  }

  @Test
  void what_the_kernel_has_no_way_for_is_dropped_with_a_reason(
      NetworkNamespace left, NetworkNamespace right) throws Exception {
    UdpLab.connect(left, right);
    UdpLab.ip(left, "route add prohibit 10.8.0.0/24");
    UdpLab.ip(left, "route add unreachable 10.9.0.0/24");
    try (UdpLab lab = lab()) {
      Peer sender = lab.open(left, anyPort());
      Peer receiver = lab.open(right, anyPort());
      Peer onlyV4 = lab.open(left, anyPort().withFamilies(UdpSettings.Families.IPV4));
      PacketBatch batch = lab.batches.acquire();
      Packet bytes = UdpLab.pattern(300, 1);
      long word = DatagramTrain.of(100, 0);
      UdpLab.add(batch, Endpoint.parse("10.8.0.1:9"), bytes, word);
      UdpLab.add(batch, Endpoint.parse("10.9.0.1:9"), bytes, word);
      UdpLab.add(batch, Endpoint.parse("198.51.100.1:9"), bytes, 0);
      UdpLab.add(batch, null, bytes, word);
      UdpLab.add(batch, receiver.at("10.7.0.2"), bytes, word);
      UdpLab.add(batch, receiver.at("10.7.0.2"), Packet.of(new byte[66_000]), 0);

      assertThat(sender.port.send(batch, 0)).isEqualTo(6);
      assertThat(receiver.await(3).datagrams()).hasSize(3);
      assertThat(sender.port.counters().sentPackets()).isEqualTo(3);
      assertThat(sender.port.counters().drops())
          .containsEntry(DropReason.FILTERED, 3L)
          .containsEntry(DropReason.UNREACHABLE, 4L)
          .containsEntry(DropReason.NO_ENDPOINT, 3L)
          .containsEntry(DropReason.TOO_LONG, 1L)
          .hasSize(4);
      batch.release();

      onlyV4.send(receiver.at("[fd07::2]"), word, bytes);
      assertThat(onlyV4.port.counters().drops()).containsOnlyKeys(DropReason.WRONG_FAMILY);
      assertThat(onlyV4.port.counters().dropped()).isEqualTo(3);
    }
  }

  @Test
  void no_room_leaves_the_rest_with_the_caller_until_the_signal(
      NetworkNamespace left, NetworkNamespace right) throws Exception {
    UdpLab.connect(left, right);
    // Nobody answers for this address, so what goes there waits with the kernel, on our account.
    String neighbour = "neighbour replace 10.7.0.50 lladdr 02:00:00:00:00:50 dev veth0";
    try (UdpLab lab = lab()) {
      Peer sender = lab.open(left, anyPort().withBuffers(1 << 20, 4608));
      Endpoint to = Endpoint.parse("10.7.0.50:9");
      PacketBatch batch = lab.batches.acquire();
      for (int i = 0; i < 60; i++) {
        UdpLab.add(batch, to, UdpLab.pattern(1000 + i, i), 0);
      }
      int taken = sender.port.send(batch, 0);
      assertThat(taken).isLessThan(60);
      sender.writable.drainPermits();
      assertThat(sender.port.send(batch, taken)).isZero();
      assertThat(sender.port.counters().sentPackets()).isEqualTo(taken);

      UdpLab.ip(left, neighbour);
      while (taken < 60) {
        assertThat(sender.writable.tryAcquire(UdpLab.GUARD_SECONDS, TimeUnit.SECONDS))
            .as("writable")
            .isTrue();
        taken += sender.port.send(batch, taken);
      }
      assertThat(sender.port.counters().sentPackets()).isEqualTo(60);
      assertThat(sender.port.counters().drops()).isEmpty();
      batch.release();
    }
  }

  @Test
  void what_overflows_the_kernels_queue_is_reported(NetworkNamespace namespace) throws Exception {
    try (UdpLab lab = lab()) {
      Peer sender = lab.open(namespace, anyPort());
      Peer receiver =
          lab.open(namespace, anyPort().withBuffers(1, 1 << 20).withTrains(false, false));
      Endpoint to = receiver.at("127.0.0.1");
      PacketBatch sink = lab.batches.acquire();
      for (int i = 0; i < 50; i++) {
        sender.send(to, 0, UdpLab.pattern(1000 + i, i));
      }
      int received = 0;
      for (int got = receiver.port.receive(sink); got > 0; got = receiver.port.receive(sink)) {
        received += got;
        sink.clear();
      }
      sink.release();
      assertThat(received).isBetween(1, 49);
      // The kernel says it with the next that it queues.
      sender.send(to, 0, UdpLab.pattern(10, 1));
      receiver.await(1);
      assertThat(receiver.port.statistics().queueOverflows()).isEqualTo(50 - received);
    }
  }

  @Test
  void both_families_have_one_port_and_each_setting_is_applied(NetworkNamespace namespace)
      throws Exception {
    try (UdpLab lab = lab()) {
      Peer both = lab.open(namespace, anyPort());
      assertThat(both.port.port()).isPositive();
      assertThat(both.port.locals()).containsExactly(both.at("0.0.0.0"), both.at("[::]"));
      assertThat(both.port.name()).isEqualTo("udp/" + both.port.port());

      Peer one = lab.open(namespace, anyPort().withAddress(IpAddress.parse("127.0.0.2")));
      assertThat(one.port.locals()).containsExactly(one.at("127.0.0.2"));
      Peer v6 = lab.open(namespace, anyPort().withFamilies(UdpSettings.Families.IPV6));
      assertThat(v6.port.locals()).containsExactly(v6.at("[::]"));

      Peer marked = lab.open(namespace, anyPort().withMark(0x51));
      // Only what is marked finds a way there.
      UdpLab.ip(namespace, "rule add fwmark 0x51 to 192.0.2.0/24 lookup 100");
      UdpLab.ip(namespace, "route add local 192.0.2.0/24 dev lo table 100");
      marked.send(both.at("192.0.2.1"), 0, UdpLab.pattern(10, 1));
      assertThat(both.await(1).datagrams()).hasSize(1);
      one.send(both.at("192.0.2.1"), 0, UdpLab.pattern(10, 1));
      marked.port.mark(0);
      marked.send(both.at("192.0.2.1"), 0, UdpLab.pattern(10, 1));
      assertThat(marked.port.counters().dropped(DropReason.UNREACHABLE)).isEqualTo(1);
      marked.port.mark(0x51);
      marked.send(both.at("192.0.2.1"), 0, UdpLab.pattern(10, 2));
      assertThat(both.await(1).datagrams()).containsExactly(UdpLab.pattern(10, 2));
    }
  }

  @Test
  void a_port_that_is_not_to_be_had_is_said_with_a_remedy(NetworkNamespace namespace) {
    try (UdpLab lab = lab()) {
      Peer first = lab.open(namespace, anyPort());
      assertRefused(
          () -> lab.open(namespace, UdpSettings.onPort(first.port.port())),
          Errno.EADDRINUSE,
          "another socket has UDP port " + first.port.port());
      assertRefused(
          () -> lab.open(namespace, anyPort().withAddress(IpAddress.parse("192.0.2.1"))),
          Errno.EADDRNOTAVAIL,
          "give it to an interface first");
      assertRefused(
          () -> lab.openPort(anyPort().inNetworkNamespace(Path.of("/run/netns/none-such"))),
          Errno.ENOENT,
          "none-such");

      // Free again as soon as the port says that it has ended.
      int port = first.port.port();
      first.close();
      lab.open(namespace, UdpSettings.onPort(port));
    }
  }

  private static void assertRefused(Supplier<?> open, Errno errno, String words) {
    assertThatThrownBy(open::get)
        .isInstanceOfSatisfying(VnetException.class, e -> assertThat(e.errno()).isEqualTo(errno))
        .hasMessageContaining(words);
  }

  @Test
  void a_port_whose_island_has_ended_lets_go_of_its_number(NetworkNamespace namespace)
      throws Exception {
    try (UdpLab lab = lab()) {
      Peer peer = lab.open(namespace, anyPort());
      lab.island.close();
      peer.port.closeAsync().toCompletableFuture().get(UdpLab.GUARD_SECONDS, TimeUnit.SECONDS);
    }
  }

  @Test
  void closing_while_others_send_and_receive_ends_them_and_nothing_else(NetworkNamespace namespace)
      throws Exception {
    try (UdpLab lab = lab()) {
      for (int i = 0; i < CLOSINGS; i++) {
        Peer peer = lab.open(namespace, anyPort());
        CountDownLatch busy = new CountDownLatch(2);
        CompletableFuture<VnetException> receiver =
            until(
                lab,
                busy,
                batch -> {
                  batch.clear();
                  peer.port.receive(batch);
                });
        CompletableFuture<VnetException> sender =
            until(
                lab,
                busy,
                batch -> {
                  if (batch.isEmpty()) {
                    UdpLab.add(
                        batch,
                        peer.at("127.0.0.1"),
                        Packet.of(new byte[10_000]),
                        DatagramTrain.of(1000, 0));
                  }
                  peer.port.send(batch, 0);
                });
        assertThat(busy.await(UdpLab.GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
        peer.port.closeAsync().toCompletableFuture().get(UdpLab.GUARD_SECONDS, TimeUnit.SECONDS);

        for (CompletableFuture<VnetException> user : List.of(receiver, sender)) {
          assertThat(user.get(UdpLab.GUARD_SECONDS, TimeUnit.SECONDS).errno())
              .isEqualTo(Errno.EBADF);
        }
        assertThat(peer.closed.get(UdpLab.GUARD_SECONDS, TimeUnit.SECONDS)).isEmpty();
        assertThat(peer.port.isOpen()).isFalse();
        assertThatThrownBy(() -> peer.port.mark(1)).hasMessageContaining("EBADF");
      }
    }
  }

  private interface Use {
    void use(PacketBatch batch);
  }

  private static CompletableFuture<VnetException> until(UdpLab lab, CountDownLatch busy, Use use) {
    CompletableFuture<VnetException> end = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .start(() -> {
          PacketBatch batch = lab.batches.acquire();
          try {
            use.use(batch);
            busy.countDown();
            while (true) {
              use.use(batch);
            }
          } catch (VnetException e) {
            end.complete(e);
          } catch (RuntimeException | Error e) {
            end.completeExceptionally(e);
          } finally {
            batch.release();
          }
        });
    return end;
  }
}
