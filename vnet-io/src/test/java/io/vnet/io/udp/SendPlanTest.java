package io.vnet.io.udp;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.Endpoint;
import io.vnet.api.offload.DatagramTrain;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import io.vnet.io.libc.SocketConstants;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which datagrams share a message, and that none is lost, made up or moved by it. */
class SendPlanTest {
  private static final int BATCHES = 3000;
  private static final int PACKETS = 128;
  private static final Endpoint HERE = Endpoint.parse("192.0.2.1:1");
  private static final Endpoint THERE = Endpoint.parse("192.0.2.2:1");
  private static final Endpoint V6 = Endpoint.parse("[2001:db8::1]:1");
  private static final Endpoint[] ENDPOINTS = {HERE, THERE, V6};

  private final SlabPool slabs = new SlabPool(4 << 20, 1);
  private final BatchPool batches = new BatchPool(slabs, PACKETS, 0, 0);
  private final PacketBatch batch = batches.acquire();
  private final SendPlan plan = new SendPlan();

  @AfterEach
  void close() {
    batch.release();
    batches.close();
    slabs.close();
  }

  private void add(Endpoint to, int length, int segmentBytes) {
    add(to, length, segmentBytes, 0);
  }

  private void add(Endpoint to, int length, int segmentBytes, int ecn) {
    assertThat(batch.room(length)).isNotNegative();
    batch.commit(length, DatagramTrain.of(segmentBytes, ecn));
    batch.setEndpoint(batch.count() - 1, to);
  }

  /** {@code datagrams x segment = bytes} of each message, up to the end of the batch. */
  private List<String> planned() {
    List<String> messages = new ArrayList<>();
    long place = 0;
    while (SendPlan.packet(place) < batch.count()) {
      int count = plan.plan(batch, place);
      for (int i = 0; i < count; i++) {
        messages.add(plan.datagrams(i) + "x" + plan.segment(i) + "=" + plan.bytes(i));
      }
      place = plan.end(count - 1);
    }
    return messages;
  }

  @Test
  void equal_datagrams_to_one_endpoint_are_one_message_which_a_shorter_one_ends() {
    add(HERE, 100, 0);
    add(HERE, 100, 0);
    add(HERE, 60, 0);
    add(HERE, 60, 0);
    assertThat(planned()).containsExactly("3x100=260", "1x60=60");
  }

  @Test
  void a_longer_one_another_endpoint_another_ecn_or_another_family_begins_a_message() {
    add(HERE, 100, 0);
    add(HERE, 101, 0);
    add(THERE, 101, 0);
    add(THERE, 101, 0, DatagramTrain.ECT_0);
    add(V6, 101, 0, DatagramTrain.ECT_0);
    assertThat(planned())
        .containsExactly("1x100=100", "1x101=101", "1x101=101", "1x101=101", "1x101=101");
  }

  @Test
  void equal_endpoints_need_not_be_one_object() {
    add(HERE, 100, 0);
    add(Endpoint.parse("192.0.2.1:1"), 100, 0);
    assertThat(planned()).containsExactly("2x100=200");
  }

  @Test
  void trains_are_joined_where_the_one_before_ends_whole() {
    add(HERE, 300, 100);
    add(HERE, 250, 100);
    add(HERE, 100, 0);
    add(HERE, 200, 50);
    assertThat(planned()).containsExactly("6x100=550", "1x100=100", "4x50=200");
  }

  @Test
  void a_message_ends_at_64_datagrams_in_the_midst_of_a_train_too() {
    add(HERE, 150 * 10, 10);
    add(HERE, 10, 0);
    assertThat(planned()).containsExactly("64x10=640", "64x10=640", "23x10=230");
    batch.clear();
    for (int i = 0; i < 65; i++) {
      add(HERE, 10, 0);
    }
    assertThat(planned()).containsExactly("64x10=640", "1x10=10");
  }

  @Test
  void a_message_ends_before_it_is_longer_than_udp() {
    add(HERE, 50 * 1452, 1452);
    assertThat(planned()).containsExactly("45x1452=65340", "5x1452=7260");
    batch.clear();
    add(HERE, 65507, 0);
    add(HERE, 65507, 0);
    assertThat(planned()).containsExactly("1x65507=65507", "1x65507=65507");
    batch.clear();
    add(V6, 65527, 0);
    add(V6, 3 * 32763, 32763);
    assertThat(planned()).containsExactly("1x65527=65527", "2x32763=65526", "1x32763=32763");
    batch.clear();
    add(HERE, 70000, 0);
    assertThat(planned()).containsExactly("1x70000=70000");
  }

  @Test
  void without_trains_each_datagram_is_a_message() {
    plan.allowTrains(false, false);
    add(HERE, 250, 100);
    add(HERE, 50, 0);
    add(V6, 200, 100);
    assertThat(planned())
        .containsExactly("1x100=100", "1x100=100", "1x50=50", "1x50=50", "2x100=200");
  }

  @Test
  void one_by_one_up_to_a_place_and_together_from_there() {
    add(HERE, 300, 100);
    add(HERE, 300, 100);
    plan.singlyUntil(SendPlan.place(0, 200));
    assertThat(planned()).containsExactly("1x100=100", "1x100=100", "4x100=400");
    plan.begin();
    assertThat(planned()).containsExactly("6x100=600");
  }

  @Test
  void a_packet_without_an_endpoint_ends_the_plan() {
    add(HERE, 100, 0);
    add(HERE, 100, 0);
    batch.setEndpoint(1, null);
    assertThat(plan.plan(batch, 0)).isEqualTo(1);
    assertThat(plan.plan(batch, SendPlan.place(1, 0))).isZero();
  }

  /** One datagram, where its bytes lie and how long it is. */
  private record Datagram(Endpoint to, int ecn, int offset, int length) {}

  private List<Datagram> datagramsOfBatch() {
    List<Datagram> datagrams = new ArrayList<>();
    for (int i = 0; i < batch.count(); i++) {
      int segment = DatagramTrain.segmentBytes(batch.offload(i));
      int step = segment == 0 ? batch.length(i) : segment;
      for (int at = 0; at < batch.length(i); at += step) {
        datagrams.add(
            new Datagram(
                Objects.requireNonNull(batch.endpoint(i)),
                DatagramTrain.ecn(batch.offload(i)),
                batch.offset(i) + at,
                Math.min(step, batch.length(i) - at)));
      }
    }
    return datagrams;
  }

  /** What a kernel would make of a message: its pieces behind each other, cut into segments. */
  private void cut(int message, List<Datagram> into) {
    int segmentLeft = plan.segment(message);
    List<int[]> ranges = new ArrayList<>();
    for (int piece = plan.firstPiece(message); piece < plan.firstPiece(message + 1); piece++) {
      int offset = plan.pieceOffset(piece);
      int left = plan.pieceLength(piece);
      while (left > 0) {
        int taken = Math.min(left, segmentLeft);
        ranges.add(new int[] {offset, taken});
        offset += taken;
        left -= taken;
        segmentLeft -= taken;
        if (segmentLeft == 0) {
          segmentLeft = plan.segment(message);
        }
      }
    }
    for (int[] range : ranges) {
      into.add(new Datagram(plan.endpoint(message), plan.ecn(message), range[0], range[1]));
    }
  }

  private void fill(Random random) {
    batch.clear();
    int packets = 1 + random.nextInt(PACKETS);
    int size = 1 + random.nextInt(1500);
    Endpoint to = HERE;
    for (int i = 0; i < packets; i++) {
      if (random.nextInt(8) == 0) {
        size = random.nextInt(20) == 0 ? 1 + random.nextInt(70000) : 1 + random.nextInt(1500);
      }
      if (random.nextInt(10) == 0) {
        to = ENDPOINTS[random.nextInt(ENDPOINTS.length)];
      }
      boolean train = random.nextBoolean();
      int length =
          Math.min(train ? size * (1 + random.nextInt(100)) + random.nextInt(size) : size, 100_000);
      if (!train && random.nextInt(5) == 0) {
        length = 1 + random.nextInt(size);
      }
      if (batch.room(length) < 0) {
        return;
      }
      add(to, length, train ? Math.min(size, 65535) : 0, random.nextInt(10) == 0 ? 3 : 0);
    }
  }

  @Test
  void every_datagram_goes_once_in_order_and_whole_whatever_the_batch() {
    long seed = Long.getLong("vnet.udp.seed", ThreadLocalRandom.current().nextLong());
    Random random = new Random(seed);
    Map<String, Integer> kinds = new HashMap<>();
    for (int run = 0; run < BATCHES; run++) {
      fill(random);
      plan.begin();
      boolean trains = random.nextInt(4) != 0;
      plan.allowTrains(false, trains);
      plan.allowTrains(true, trains);
      List<Datagram> sent = new ArrayList<>();
      long place = 0;
      while (SendPlan.packet(place) < batch.count()) {
        int count = plan.plan(batch, place);
        assertThat(count).as("seed %d", seed).isPositive();
        // As when the kernel takes fewer than there are.
        int taken = random.nextInt(3) == 0 ? 1 + random.nextInt(count) : count;
        for (int i = 0; i < taken; i++) {
          int before = sent.size();
          cut(i, sent);
          assertThat(sent.size() - before).as("seed %d", seed).isEqualTo(plan.datagrams(i));
          assertThat(plan.datagrams(i))
              .as("seed %d", seed)
              .isLessThanOrEqualTo(trains ? SocketConstants.UDP_SEGMENTS_MAX : 1);
          assertThat(plan.datagrams(i) == 1 || plan.bytes(i) <= SendPlan.BYTES_MAX_V6)
              .as("seed %d", seed)
              .isTrue();
          assertThat(plan.start(i)).as("seed %d", seed).isEqualTo(i == 0 ? place : plan.end(i - 1));
          kinds.merge(plan.datagrams(i) > 1 ? "train" : "single", 1, Integer::sum);
        }
        place = plan.end(taken - 1);
        if (random.nextInt(20) == 0) {
          plan.singlyUntil(place + random.nextInt(1000));
        }
      }
      assertThat(sent).as("seed %d", seed).isEqualTo(datagramsOfBatch());
    }
    assertThat(kinds).as("seed %d", seed).containsKeys("train", "single");
  }
}
