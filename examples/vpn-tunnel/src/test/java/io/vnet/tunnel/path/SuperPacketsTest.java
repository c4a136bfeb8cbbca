package io.vnet.tunnel.path;

import static io.vnet.tunnel.testkit.TunnelPair.V4;
import static io.vnet.tunnel.testkit.TunnelPair.V6;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vnet.actors.VnetHost;
import io.vnet.api.offload.Coalescer;
import io.vnet.api.offload.JoinRules;
import io.vnet.api.offload.Offload;
import io.vnet.api.offload.OffloadStatus;
import io.vnet.api.offload.Segmenter;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.OffloadFeature;
import io.vnet.io.testkit.MemoryPort;
import io.vnet.tunnel.MemoryDatagrams;
import io.vnet.tunnel.settings.TunnelDrop;
import io.vnet.tunnel.testkit.IpFlow;
import io.vnet.tunnel.testkit.Mailbox;
import io.vnet.tunnel.testkit.TunnelPair;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Super-packets into a tunnel, and what comes out at the other side, with offloads or without. */
class SuperPacketsTest {
  private static final int QUEUE = 1024;
  private static final Set<OffloadFeature> ALL = EnumSet.allOf(OffloadFeature.class);

  private final VnetHost host = VnetHost.start();
  private final MemoryDatagrams network = MemoryDatagrams.patient();
  private final SlabPool slabs = new SlabPool(1 << 20, 2);
  private final BatchPool batches = new BatchPool(slabs);

  @AfterEach
  void close() {
    host.close();
    batches.close();
    slabs.close();
    assertThat(slabs.mappedBytes()).isZero();
  }

  /** A packet and its offload word. */
  private record Item(Packet packet, long word) {}

  private TunnelPair pair(MemoryPort left, MemoryPort right) {
    return TunnelPair.inMemory(host, network, left, left.peer(), right, right.peer());
  }

  private static List<Packet> segments(IpFlow flow, boolean udp, int count, int bytes) {
    List<Packet> packets = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      byte[] payload = IpFlow.payload(i == count - 1 ? bytes / 2 : bytes, i);
      packets.add(
          udp
              ? flow.udp(i, payload)
              : flow.tcp(
                  i, i * bytes, i == count - 1 ? IpFlow.ACK | IpFlow.PSH : IpFlow.ACK, payload));
    }
    return packets;
  }

  private List<Item> joined(List<Packet> packets) {
    PacketBatch from = batches.acquire();
    packets.forEach(packet -> assertThat(from.append(packet)).isTrue());
    Coalescer coalescer = new Coalescer(JoinRules.of(Layer.L3).withUdp(true));
    coalescer.begin(from);
    PacketBatch into = batches.acquire();
    coalescer.write(into);
    assertThat(coalescer.isDone()).isTrue();
    List<Item> items = new ArrayList<>();
    for (int i = 0; i < into.count(); i++) {
      items.add(new Item(into.packet(i), into.offload(i)));
    }
    from.release();
    into.release();
    return items;
  }

  private List<Packet> split(Item item) {
    PacketBatch batch = batches.acquire();
    assertThat(batch.append(item.packet)).isTrue();
    batch.setOffload(0, item.word);
    Segmenter segmenter = new Segmenter(Layer.L3);
    assertThat(segmenter.begin(batch, 0)).isEqualTo(OffloadStatus.OK);
    List<Packet> packets = new ArrayList<>();
    while (segmenter.nextInPlace()) {
      packets.add(Packet.of(batch.segment(), segmenter.offset(), segmenter.length()));
    }
    batch.release();
    return packets;
  }

  private static List<List<Packet>> kinds() {
    List<List<Packet>> kinds = new ArrayList<>();
    for (IpFlow flow : List.of(V4, V6)) {
      kinds.add(segments(flow, false, 40, 1368));
      kinds.add(segments(flow, true, 40, 1392));
      kinds.add(segments(flow, false, 40, 333));
    }
    return kinds;
  }

  @Test
  void O1_super_packets_are_split_for_an_inside_without_offloads() throws InterruptedException {
    MemoryPort left = MemoryPort.pair("left", Layer.L3, QUEUE, ALL);
    MemoryPort right = MemoryPort.pair("right", Layer.L3, QUEUE);
    try (TunnelPair pair = pair(left, right);
        Mailbox from = new Mailbox(left.peer());
        Mailbox to = new Mailbox(right.peer())) {
      pair.shakeHands();
      for (List<Packet> packets : kinds()) {
        for (Item item : joined(packets)) {
          assertThat(Offload.isSegmented(item.word)).isTrue();
          from.send(item.packet, item.word, null);
        }
        for (Packet packet : packets) {
          assertThat(to.next()).isEqualTo(packet);
        }
      }
      assertThat(pair.right.status().drops()).isEmpty();
    }
  }

  @Test
  void O3_super_packets_are_super_packets_at_the_other_side() throws InterruptedException {
    MemoryPort left = MemoryPort.pair("left", Layer.L3, QUEUE, ALL);
    MemoryPort right = MemoryPort.pair("right", Layer.L3, QUEUE, ALL);
    try (TunnelPair pair = pair(left, right);
        Mailbox from = new Mailbox(left.peer());
        Mailbox to = new Mailbox(right.peer())) {
      pair.shakeHands();
      for (List<Packet> packets : kinds()) {
        for (Item item : joined(packets)) {
          from.send(item.packet, item.word, null);
        }
        List<Packet> received = new ArrayList<>();
        int items = 0;
        while (received.size() < packets.size()) {
          Mailbox.Received next = to.nextReceived();
          received.addAll(split(new Item(next.packet(), next.offload())));
          items++;
        }
        assertThat(received).isEqualTo(packets);
        assertThat(items).isLessThan(packets.size() / 4);
      }
    }
  }

  @Test
  void O4_a_packet_with_a_wrong_checksum_stays_alone_and_as_it_is() throws InterruptedException {
    MemoryPort left = MemoryPort.pair("left", Layer.L3, QUEUE);
    MemoryPort right = MemoryPort.pair("right", Layer.L3, QUEUE, ALL);
    try (TunnelPair pair = pair(left, right);
        Mailbox from = new Mailbox(left.peer());
        Mailbox to = new Mailbox(right.peer())) {
      pair.shakeHands();
      List<Packet> packets = segments(V4, false, 10, 500);
      byte[] damaged = packets.get(4).toByteArray();
      damaged[100] ^= 1;
      packets.set(4, Packet.of(damaged));
      from.send(packets.toArray(Packet[]::new));
      List<Packet> received = new ArrayList<>();
      while (received.size() < packets.size()) {
        Mailbox.Received next = to.nextReceived();
        if (next.packet().equals(packets.get(4))) {
          assertThat(next.offload()).isZero();
        }
        received.addAll(split(new Item(next.packet(), next.offload())));
      }
      assertThat(received).isEqualTo(packets);
    }
  }

  @Test
  void O7_words_that_do_not_fit_are_counted() throws InterruptedException {
    MemoryPort left = MemoryPort.pair("left", Layer.L3, QUEUE, ALL);
    MemoryPort right = MemoryPort.pair("right", Layer.L3, QUEUE);
    try (TunnelPair pair = pair(left, right);
        Mailbox from = new Mailbox(left.peer());
        Mailbox to = new Mailbox(right.peer())) {
      pair.shakeHands();
      Packet packet = V4.tcp(1, 1, IpFlow.ACK, IpFlow.payload(500, 1));
      from.send(packet, Offload.of(Offload.NEEDS_CSUM, Offload.TCPV4, 0, 20, 16), null);
      from.send(packet, Offload.of(Offload.NEEDS_CSUM, 3, 100, 20, 16), null);
      from.send(packet, Offload.of(Offload.NEEDS_CSUM, Offload.NONE, 0, 551, 2), null);
      from.send(packet);
      assertThat(to.next()).isEqualTo(packet);
      assertThat(pair.left.status().drops()).isEqualTo(Map.of(TunnelDrop.BAD_OUTGOING, 3L));
    }
  }

  @Test
  void a_super_packet_goes_on_where_it_had_to_stop() throws InterruptedException {
    int supers = 200;
    MemoryPort left = MemoryPort.pair("left", Layer.L3, QUEUE, ALL);
    MemoryPort right = MemoryPort.pair("right", Layer.L3, 16);
    try (TunnelPair pair = pair(left, right);
        Mailbox from = new Mailbox(left.peer());
        Mailbox to = new Mailbox(right.peer())) {
      pair.shakeHands();
      List<Packet> packets = segments(V4, false, 40, 1368);
      List<Item> items = joined(packets);
      for (int i = 0; i < supers; i++) {
        for (Item item : items) {
          from.send(item.packet, item.word, null);
        }
      }
      // More than the network and the far side hold, so that the near side has stopped somewhere.
      await().until(() -> right.peer().waiting() == 16 && left.waiting() > 0);
      for (int i = 0; i < supers; i++) {
        for (Packet packet : packets) {
          assertThat(to.next()).isEqualTo(packet);
        }
      }
      assertThat(pair.left.status().drops()).isEmpty();
      assertThat(pair.right.status().drops()).isEmpty();
    }
  }

  @Test
  void segments_wait_for_the_handshake_finished_and_in_order() throws InterruptedException {
    MemoryPort left = MemoryPort.pair("left", Layer.L3, QUEUE, ALL);
    MemoryPort right = MemoryPort.pair("right", Layer.L3, QUEUE);
    try (TunnelPair pair = pair(left, right);
        Mailbox from = new Mailbox(left.peer());
        Mailbox to = new Mailbox(right.peer())) {
      List<Packet> packets = segments(V6, false, 40, 1000);
      for (Item item : joined(packets)) {
        from.send(item.packet, item.word, null);
      }
      for (Packet packet : packets) {
        assertThat(to.next()).isEqualTo(packet);
      }
      assertThat(pair.left.status().drops()).isEmpty();
    }
  }
}
