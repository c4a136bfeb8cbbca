package io.vnet.tunnel.path;

import static io.vnet.tunnel.testkit.TunnelPair.V4;
import static io.vnet.tunnel.testkit.TunnelPair.V6;
import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.offload.Coalescer;
import io.vnet.api.offload.JoinRules;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.OffloadFeature;
import io.vnet.io.testkit.MemoryPort;
import io.vnet.tunnel.core.Drops;
import io.vnet.tunnel.testkit.IpFlow;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Packets that are joined where they were opened are what {@link Coalescer} makes of them, to the
 * byte. The seed is fixed; what fails says which round it was.
 */
class DeliveryTest {
  private static final int SEED = 2_026;
  private static final int ROUNDS = 2_000;
  private static final int PACKETS = 40;
  private static final int SLAB_BYTES = 4 << 20;

  private final SlabPool slabs = new SlabPool(SLAB_BYTES, 4);
  private final BatchPool batches = new BatchPool(slabs, 128, 64, 32);
  private final MemoryPort port =
      MemoryPort.pair("inside", Layer.L3, 1024, EnumSet.allOf(OffloadFeature.class));
  private final Drops drops = new Drops();
  private final Delivery delivery = new Delivery(port, drops, batches.acquire());

  /** A packet and its offload word. */
  private record Item(Packet packet, long word) {}

  @AfterEach
  void nothing_is_left() {
    delivery.close();
    assertThat(batches.lent()).isZero();
    assertThat(drops.snapshot()).isEmpty();
  }

  private void open(Packet packet, int padding) {
    int textBytes = packet.length() + padding;
    assertThat(delivery.prepare(textBytes)).isTrue();
    MemorySegment to = delivery.segment();
    to.asSlice(delivery.place(), textBytes).fill((byte) 0);
    MemorySegment.copy(packet.segment(), 0, to, delivery.place(), packet.length());
  }

  private void take(Packet packet) {
    int padding = -packet.length() & 15;
    open(packet, padding);
    delivery.take(packet.length());
  }

  private List<Item> delivered() {
    assertThat(delivery.flush()).isTrue();
    List<Item> items = new ArrayList<>();
    PacketBatch batch = batches.acquire();
    while (port.peer().receive(batch) > 0) {
      addAll(items, batch);
      batch.clear();
    }
    batch.release();
    return items;
  }

  private static void addAll(List<Item> items, PacketBatch batch) {
    for (int i = 0; i < batch.count(); i++) {
      items.add(new Item(batch.packet(i), batch.offload(i)));
    }
  }

  private List<Item> coalesced(List<Packet> packets) {
    PacketBatch from = batches.acquire();
    packets.forEach(packet -> assertThat(from.append(packet)).isTrue());
    Coalescer coalescer = new Coalescer(JoinRules.of(Layer.L3).withUdp(true));
    coalescer.begin(from);
    List<Item> items = new ArrayList<>();
    PacketBatch into = batches.acquire();
    while (!coalescer.isDone()) {
      assertThat(coalescer.write(into)).isPositive();
      addAll(items, into);
      into.clear();
    }
    from.release();
    into.release();
    return items;
  }

  @Test
  void O3_random_flows_are_joined_as_the_coalescer_joins_them() {
    Random random = new Random(SEED);
    delivery.refresh();
    for (int round = 0; round < ROUNDS; round++) {
      List<Packet> packets = new Flows(random).packets(PACKETS);
      for (Packet packet : packets) {
        if (random.nextInt(20) == 0) {
          // What is opened and left, as a forged one, changes nothing.
          open(packet, 0);
          delivery.segment().asSlice(delivery.place(), packet.length()).fill((byte) 0xa5);
          delivery.leave();
        }
        take(packet);
      }
      assertThat(delivered()).as("round %d", round).isEqualTo(coalesced(packets));
    }
  }

  @Test
  void O6_sequence_numbers_go_on_beyond_the_last() {
    List<Packet> packets = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      packets.add(V4.tcp(i, 0xFFFF_FFFF - 150 + i * 100, IpFlow.ACK, IpFlow.payload(100, i)));
    }
    delivery.refresh();
    packets.forEach(this::take);
    assertThat(delivered()).hasSize(1).isEqualTo(coalesced(packets));
  }

  @Test
  void nothing_is_joined_for_a_port_that_takes_single_packets_only() {
    List<Packet> packets = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      packets.add(V6.tcp(i, i * 100, IpFlow.ACK, IpFlow.payload(100, i)));
    }
    // It has not been asked what it takes.
    packets.forEach(this::take);
    assertThat(delivered()).extracting(Item::packet).isEqualTo(packets);
  }

  @Test
  void a_full_super_packet_is_followed_by_another() {
    List<Packet> packets = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      packets.add(V4.tcp(i, i * 1000, IpFlow.ACK, IpFlow.payload(1000, i)));
    }
    delivery.refresh();
    packets.forEach(this::take);
    assertThat(delivered()).hasSize(2).isEqualTo(coalesced(packets));
  }

  /** Some TCP and UDP flows whose packets mostly follow one another. */
  private static final class Flows {
    private final Random random;
    private final List<IpFlow> flows = new ArrayList<>();
    private final int[] sequences = new int[4];
    private final int[] ids = new int[4];
    private final int[] sizes = new int[4];
    private int current;

    Flows(Random random) {
      this.random = random;
      for (int i = 0; i < sequences.length; i++) {
        flows.add((random.nextBoolean() ? V4 : V6).withPorts(4000 + i, 80));
        sequences[i] = random.nextInt();
        ids[i] = random.nextInt(65536);
        sizes[i] = 1 + random.nextInt(random.nextBoolean() ? 60 : 1300);
      }
    }

    List<Packet> packets(int count) {
      List<Packet> packets = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        packets.add(next());
      }
      return packets;
    }

    private Packet next() {
      if (random.nextInt(4) == 0) {
        current = random.nextInt(flows.size());
      }
      boolean udp = current == 3;
      int flags = IpFlow.ACK;
      int size = sizes[current];
      switch (random.nextInt(16)) {
        case 0 -> flags |= IpFlow.PSH;
        case 1 -> size = 1 + random.nextInt(size);
        case 2 -> size = 0;
        case 3 -> flags |= 1;
        case 4 -> sequences[current] += 7;
        default -> {}
      }
      byte[] payload = IpFlow.payload(size, random.nextInt());
      IpFlow flow = flows.get(current);
      Packet packet =
          udp
              ? flow.udp(ids[current], payload)
              : flow.tcp(ids[current], sequences[current], flags, payload);
      ids[current]++;
      sequences[current] += size;
      return random.nextInt(16) == 0 ? damaged(packet) : packet;
    }

    /** With another bit somewhere behind the IP version, so that it stays an IP packet. */
    private Packet damaged(Packet packet) {
      byte[] bytes = packet.toByteArray();
      boolean v6 = bytes[0] >> 4 == 6;
      int at = random.nextInt(bytes.length);
      boolean length = v6 ? at == 4 || at == 5 : at == 2 || at == 3;
      if (at > 0 && !length) {
        bytes[at] ^= (byte) (1 << random.nextInt(8));
      }
      MemorySegment check = MemorySegment.ofArray(bytes);
      assertThat(check.get(ValueLayout.JAVA_BYTE, 0) >> 4).isIn(4, 6);
      return Packet.of(bytes);
    }
  }
}
