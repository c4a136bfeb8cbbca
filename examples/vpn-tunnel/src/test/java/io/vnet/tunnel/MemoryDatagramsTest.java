package io.vnet.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.error.VnetException;
import io.vnet.api.offload.DatagramTrain;
import io.vnet.api.packet.Packet;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.PacketPort;
import io.vnet.io.loop.IslandLoop;
import io.vnet.tunnel.testkit.IpFlow;
import io.vnet.tunnel.testkit.Mailbox;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A network in memory does what one of sockets does, as far as a tunnel can see. */
class MemoryDatagramsTest {
  private static final IpAddress ONE = IpAddress.parse("192.0.2.1");
  private static final IpAddress TWO = IpAddress.parse("192.0.2.2");
  private static final IpAddress THREE = IpAddress.parse("192.0.2.3");
  private static final IpAddress SIX = IpAddress.parse("2001:db8::6");
  private static final int PORT = 7000;

  private final IslandLoop island = new IslandLoop();

  @AfterEach
  void close() {
    island.close();
  }

  private PacketPort open(MemoryDatagrams network, int port, IpAddress... addresses) {
    return network.at(addresses).open(island, port, 0).port();
  }

  private static Packet packet(int length, int seed) {
    return Packet.of(IpFlow.payload(length, seed));
  }

  @Test
  void an_answer_leaves_from_the_address_that_was_asked() throws InterruptedException {
    MemoryDatagrams network = MemoryDatagrams.create();
    try (Mailbox one = new Mailbox(open(network, PORT, ONE));
        Mailbox two = new Mailbox(open(network, PORT, TWO, THREE, SIX))) {
      one.send(packet(10, 1), 0, Endpoint.of(THREE, PORT));
      Mailbox.Received asked = two.nextReceived();
      Endpoint from = Objects.requireNonNull(asked.from());
      assertThat(from).hasToString("192.0.2.1:7000");
      two.send(packet(10, 2), 0, from);
      assertThat(Objects.requireNonNull(one.nextReceived().from())).hasToString("192.0.2.3:7000");
    }
  }

  @Test
  void trains_and_marks_of_congestion_are_carried() throws InterruptedException {
    MemoryDatagrams network = MemoryDatagrams.create();
    PacketPort to = open(network, PORT, TWO);
    try (Mailbox one = new Mailbox(open(network, 0, ONE));
        Mailbox two = new Mailbox(to)) {
      one.send(packet(25, 1), DatagramTrain.of(10, DatagramTrain.CE), Endpoint.of(TWO, PORT));
      for (int at = 0; at < 25; at += 10) {
        assertThat(two.next())
            .isEqualTo(Packet.of(packet(25, 1).segment(), at, Math.min(10, 25 - at)));
      }
      assertThat(to.counters().receivedPackets()).isEqualTo(3);
    }
  }

  @Test
  void what_goes_nowhere_is_counted() throws InterruptedException {
    MemoryDatagrams network = MemoryDatagrams.create();
    PacketPort port = open(network, 0, ONE);
    try (Mailbox one = new Mailbox(port)) {
      one.send(packet(25, 1), DatagramTrain.of(10, 0), Endpoint.of(TWO, PORT));
      one.send(packet(25, 1), 0, Endpoint.of(SIX, PORT));
      one.send(packet(25, 1), 0, null);
    }
    assertThat(port.counters().dropped(DropReason.UNREACHABLE)).isEqualTo(4);
    assertThat(port.counters().dropped(DropReason.NO_ENDPOINT)).isEqualTo(1);
  }

  @Test
  void a_full_receiver_loses_what_comes_and_the_sender_counts_it() throws InterruptedException {
    MemoryDatagrams network = MemoryDatagrams.create();
    PacketPort from = open(network, 0, ONE);
    PacketPort to = open(network, PORT, TWO);
    try (Mailbox one = new Mailbox(from);
        Mailbox two = new Mailbox(to)) {
      for (int i = 0; i < MemoryDatagrams.PACKETS_MAX + 10; i++) {
        one.send(packet(20, i), 0, Endpoint.of(TWO, PORT));
      }
      assertThat(from.counters().dropped(DropReason.QUEUE_FULL)).isEqualTo(10);
      for (int i = 0; i < MemoryDatagrams.PACKETS_MAX; i++) {
        assertThat(two.next()).isEqualTo(packet(20, i));
      }
      assertThat(two.poll()).isNull();
    }
  }

  @Test
  void in_a_patient_network_the_sender_waits() throws InterruptedException {
    MemoryDatagrams network = MemoryDatagrams.patient();
    PacketPort from = open(network, 0, ONE);
    PacketPort to = open(network, PORT, TWO);
    int packets = 4 * MemoryDatagrams.PACKETS_MAX;
    Thread sender = Thread.ofPlatform().start(() -> sendNumbered(from, packets));
    try (Mailbox two = new Mailbox(to)) {
      for (int i = 0; i < packets; i++) {
        assertThat(two.next()).isEqualTo(packet(1 + i % 60_000, i));
      }
    }
    sender.join();
    assertThat(from.counters().dropped()).isZero();
  }

  private static void sendNumbered(PacketPort from, int packets) {
    try (Mailbox one = new Mailbox(from)) {
      for (int i = 0; i < packets; i++) {
        one.send(packet(1 + i % 60_000, i), 0, Endpoint.of(TWO, PORT));
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void a_port_is_taken_until_it_is_closed() {
    MemoryDatagrams network = MemoryDatagrams.create();
    PacketPort first = open(network, PORT, ONE);
    assertThatThrownBy(() -> open(network, PORT, TWO, ONE))
        .isInstanceOf(VnetException.class)
        .hasMessageContaining("EADDRINUSE");
    PacketPort free = open(network, 0, ONE);
    assertThat(free.name()).isNotEqualTo(first.name());
    first.close();
    assertThat(first.isOpen()).isFalse();
    open(network, PORT, TWO, ONE).close();
  }
}
