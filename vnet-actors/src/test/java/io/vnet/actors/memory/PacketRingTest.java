package io.vnet.actors.memory;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.testkit.Traffic;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The ring does what a queue of arrays does, within its two bounds. */
class PacketRingTest {
  private static final int RING_BYTES = 4096;
  private static final int LONGEST = 600;
  private static final int OPERATIONS = 100_000;
  private static final int TRANSFERS = 1_000_000;

  private final SlabPool ringSlabs = new SlabPool(RING_BYTES, 1);
  private final SlabPool batchSlabs = new SlabPool(SlabPool.DEFAULT_SLAB_BYTES, 2);
  private final BatchPool pool = new BatchPool(batchSlabs, 16, 0, 0);

  @AfterEach
  void nothing_is_left() {
    assertThat(ringSlabs.lent()).isZero();
    assertThat(pool.lent()).isZero();
    pool.close();
    batchSlabs.close();
    ringSlabs.close();
  }

  private static int record(int length) {
    return 8 + (length + 7) / 8 * 8;
  }

  private static boolean offer(PacketRing ring, Packet packet) {
    return ring.offer(packet.segment(), 0, packet.length());
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void it_does_what_a_queue_of_packets_does(long seed) {
    Random random = new Random(seed);
    boolean fewPackets = seed % 2 == 0;
    int packetsMax = fewPackets ? 1 + random.nextInt(40) : 1000;
    PacketRing ring = new PacketRing(ringSlabs, packetsMax);
    Queue<Packet> twin = new ArrayDeque<>();
    int used = 0;
    long refusedByPackets = 0;
    long refusedByBytes = 0;
    PacketBatch batch = pool.acquire();
    for (int i = 0; i < OPERATIONS; i++) {
      String at = "seed " + seed + ", operation " + i;
      int choice = random.nextInt(100);
      if (choice < 88) {
        int length = 1 + random.nextInt(random.nextInt(3) == 0 ? LONGEST : 40);
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        Packet packet = Packet.of(bytes);
        boolean taken = offer(ring, packet);
        boolean roomForPackets = twin.size() < packetsMax;
        // What is lost to two ends that no record wraps around is less than two records.
        boolean surelyRoom = used + record(length) + 2 * record(LONGEST) <= RING_BYTES;
        boolean maybeRoom = used + record(length) <= RING_BYTES;
        if (taken) {
          assertThat(roomForPackets && maybeRoom).as(at).isTrue();
          twin.add(packet);
          used += record(length);
        } else {
          assertThat(roomForPackets && surelyRoom).as(at).isFalse();
          refusedByPackets += roomForPackets ? 0 : 1;
          refusedByBytes += roomForPackets ? 1 : 0;
        }
      } else if (choice < 98) {
        batch.clear();
        int moved = ring.drainTo(batch);
        assertThat(moved).as(at).isEqualTo(Math.min(batch.capacity(), twin.size()));
        for (int k = 0; k < moved; k++) {
          Packet expected = twin.remove();
          assertThat(batch.packet(k)).as(at).isEqualTo(expected);
          used -= record(expected.length());
        }
      } else {
        assertThat(ring.discard()).as(at).isEqualTo(twin.size());
        twin.clear();
        used = 0;
      }
      assertThat(ring.queued()).as(at).isEqualTo(twin.size());
    }
    assertThat(fewPackets ? refusedByPackets : refusedByBytes).as("seed " + seed).isPositive();
    batch.release();
    ring.release();
  }

  @Test
  void it_is_full_by_packets() {
    PacketRing ring = new PacketRing(ringSlabs, 3);
    Packet packet = Traffic.numbered(1, Traffic.SHORTEST);
    for (int i = 0; i < 3; i++) {
      assertThat(offer(ring, packet)).as("packet " + i).isTrue();
    }
    assertThat(offer(ring, packet)).isFalse();
    assertThat(ring.discard()).isEqualTo(3);
    assertThat(offer(ring, packet)).isTrue();
    ring.release();
  }

  @Test
  void it_is_full_by_bytes_to_the_last_one() {
    PacketRing ring = new PacketRing(ringSlabs, 1000);
    Packet half = Traffic.numbered(1, RING_BYTES / 2 - 8);
    assertThat(offer(ring, half)).isTrue();
    assertThat(offer(ring, half)).isTrue();
    assertThat(offer(ring, Packet.of(new byte[1]))).isFalse();
    assertThat(ring.queued()).isEqualTo(2);
    assertThat(ring.discard()).isEqualTo(2);
    assertThat(offer(ring, Packet.of(new byte[1]))).isTrue();
    ring.release();
  }

  @Test
  void a_record_that_would_wrap_starts_again_at_the_front() {
    PacketRing ring = new PacketRing(ringSlabs, 1000);
    PacketBatch batch = pool.acquire();
    for (int i = 0; i < 1000; i++) {
      batch.clear();
      assertThat(offer(ring, Traffic.numbered(i, 1500))).as("packet " + i).isTrue();
      assertThat(ring.drainTo(batch)).isEqualTo(1);
      assertThat(batch.packet(0)).isEqualTo(Traffic.numbered(i, 1500));
    }
    batch.release();
    ring.release();
  }

  @Test
  void a_ring_that_was_never_used_takes_no_memory() {
    PacketRing ring = new PacketRing(ringSlabs, 10);
    PacketBatch batch = pool.acquire();
    assertThat(ring.drainTo(batch)).isZero();
    assertThat(ring.discard()).isZero();
    assertThat(ringSlabs.lent()).isZero();
    assertThat(ringSlabs.mappedBytes()).isZero();
    batch.release();
    ring.release();
  }

  @Test
  void a_million_packets_pass_between_two_threads_whole_and_in_order() {
    SlabPool larger = new SlabPool(16 * RING_BYTES, 1);
    PacketRing ring = new PacketRing(larger, 500);
    PacketBatch sending = pool.acquire();
    PacketBatch receiving = pool.acquire();
    CompletableFuture<Integer> producer =
        CompletableFuture.supplyAsync(
            () -> {
              int sent = 0;
              sending.append(Packet.of(new byte[LONGEST]));
              MemorySegment bytes = sending.segment();
              int offset = sending.offset(0);
              for (; sent < TRANSFERS; sent++) {
                int length = length(sent);
                bytes.set(ValueLayout.JAVA_LONG_UNALIGNED, offset, sent);
                bytes.set(ValueLayout.JAVA_BYTE, offset + length - 1L, (byte) sent);
                while (!ring.offer(bytes, offset, length)) {
                  letOthersRun();
                }
              }
              return sent;
            },
            task -> Thread.ofPlatform().start(task));
    int received = 0;
    while (received < TRANSFERS && !producer.isCompletedExceptionally()) {
      receiving.clear();
      int moved = ring.drainTo(receiving);
      for (int i = 0; i < moved; i++, received++) {
        int length = length(received);
        long last = receiving.offset(i) + length - 1L;
        if (receiving.length(i) != length
            || receiving.segment().get(ValueLayout.JAVA_LONG_UNALIGNED, receiving.offset(i))
                != received
            || receiving.segment().get(ValueLayout.JAVA_BYTE, last) != (byte) received) {
          throw new AssertionError("packet " + received + " came as " + receiving.packet(i));
        }
      }
      if (moved == 0) {
        letOthersRun();
      }
    }
    assertThat(producer.orTimeout(60, TimeUnit.SECONDS).join()).isEqualTo(received);
    assertThat(ring.queued()).isZero();
    sending.release();
    receiving.release();
    ring.release();
    larger.close();
  }

  private static int length(int number) {
    return Traffic.SHORTEST + 1 + number % 100;
  }

  @SuppressWarnings("ThreadPriorityCheck") // A hint; the loop is right without it.
  private static void letOthersRun() {
    Thread.yield();
  }
}
