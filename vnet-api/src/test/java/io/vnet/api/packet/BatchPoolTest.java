package io.vnet.api.packet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.awaitility.Awaitility.await;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Batches are reused, counted, bounded by their slabs, and found when they are lost. */
class BatchPoolTest {
  private static final int SLABS = 4;
  private static final Duration GUARD = Duration.ofSeconds(60);

  private final SlabPool slabs = new SlabPool(4096, SLABS);
  private final BatchPool pool = new BatchPool(slabs, 2, 16, 8);

  @AfterEach
  void every_slab_has_gone_home() {
    pool.close();
    assertThat(pool.lent()).isZero();
    assertThat(slabs.lent()).isZero();
    slabs.close();
    assertThat(slabs.mappedBytes()).isZero();
  }

  @Test
  void a_batch_has_the_pools_shape() {
    PacketBatch batch = pool.acquire();

    assertThat(batch.capacity()).isEqualTo(2);
    assertThat(batch.segment().byteSize()).isEqualTo(4096);
    assertThat(batch.room(1)).isEqualTo(64);
    batch.release();
  }

  @Test
  void the_default_shape_holds_64_packets_of_1500_bytes() {
    try (SlabPool defaults = new SlabPool(SlabPool.DEFAULT_SLAB_BYTES, 1);
        BatchPool usual = new BatchPool(defaults)) {
      PacketBatch batch = usual.acquire();
      Packet packet = Packet.of(new byte[1500]);

      while (batch.append(packet)) {
        assertThat(batch.count()).isLessThanOrEqualTo(BatchPool.DEFAULT_CAPACITY);
      }

      assertThat(batch.count()).isEqualTo(BatchPool.DEFAULT_CAPACITY).isEqualTo(64);
      batch.release();
    }
  }

  @Test
  void a_released_batch_is_lent_again_and_is_empty() {
    PacketBatch batch = pool.acquire();
    batch.append(Packet.of(new byte[] {1}));
    batch.release();

    PacketBatch again = pool.acquire();

    assertThat(again).isSameAs(batch);
    assertThat(again.isEmpty()).isTrue();
    assertThat(again.room(1)).isEqualTo(64);
    assertThat(slabs.lent()).isEqualTo(1);
    again.release();
  }

  @Test
  void a_second_release_is_refused_also_after_the_batch_was_lent_again() {
    PacketBatch batch = pool.acquire();
    batch.release();
    assertThatIllegalStateException().isThrownBy(batch::release);
    assertThat(pool.lent()).isZero();

    PacketBatch first = pool.acquire();
    PacketBatch second = pool.acquire();
    assertThat(second).isNotSameAs(first);
    assertThat(pool.lent()).isEqualTo(2);
    first.release();
    second.release();
  }

  @Test
  void lent_counts_what_is_out() {
    List<PacketBatch> out = new ArrayList<>();
    for (int i = 1; i <= SLABS; i++) {
      out.add(pool.acquire());
      assertThat(pool.lent()).isEqualTo(i);
    }
    for (PacketBatch batch : out) {
      batch.release();
    }
    assertThat(pool.lent()).isZero();
    assertThat(slabs.lent()).as("slabs under free batches").isEqualTo(SLABS);
  }

  @Test
  void without_a_free_slab_the_answer_is_enobufs_until_a_batch_comes_back() {
    List<PacketBatch> out = new ArrayList<>();
    for (int i = 0; i < SLABS; i++) {
      out.add(pool.acquire());
    }

    assertThatExceptionOfType(VnetException.class)
        .isThrownBy(pool::acquire)
        .extracting(VnetException::errno)
        .isEqualTo(Errno.ENOBUFS);
    assertThat(pool.lent()).isEqualTo(SLABS);

    out.removeLast().release();
    out.add(pool.acquire());
    assertThat(out).doesNotHaveDuplicates();
    out.forEach(PacketBatch::release);
  }

  @Test
  void closing_gives_free_slabs_back_at_once_and_others_as_they_are_released() {
    PacketBatch lent = pool.acquire();
    pool.acquire().release();
    PacketBatch free = pool.acquire();
    free.release();

    pool.close();

    assertThat(slabs.lent()).isEqualTo(1);
    assertThat(pool.lent()).isEqualTo(1);
    lent.segment().fill((byte) 1);

    lent.release();
    assertThat(slabs.lent()).isZero();
    assertThat(pool.lent()).isZero();
    assertThat(pool.leaked()).isZero();
  }

  @Test
  void a_closed_pool_lends_nothing_even_if_there_are_slabs() {
    pool.acquire().release();
    pool.close();
    pool.close();

    assertThatExceptionOfType(VnetException.class)
        .isThrownBy(pool::acquire)
        .extracting(VnetException::errno)
        .isEqualTo(Errno.ESHUTDOWN);
    assertThat(slabs.lent()).isZero();
  }

  @Test
  void a_lost_batch_is_found_by_the_collector_and_counted() {
    loseOne();
    loseOne();
    PacketBatch kept = pool.acquire();
    assertThat(pool.lent()).isEqualTo(3);
    assertThat(pool.leaked()).isZero();

    await()
        .atMost(GUARD)
        .until(() -> {
          System.gc();
          return pool.leaked() == 2 && slabs.lent() == 1;
        });

    assertThat(pool.lent()).isEqualTo(1);
    kept.release();
    assertThat(pool.leaked()).as("a batch that was released is not lost").isEqualTo(2);
  }

  @Test
  void a_batch_lost_after_the_pool_was_closed_is_found_too() {
    loseOne();
    pool.close();

    await()
        .atMost(GUARD)
        .until(() -> {
          System.gc();
          return pool.leaked() == 1 && slabs.lent() == 0;
        });

    assertThat(pool.lent()).isZero();
  }

  /** In a frame of its own, so that no local variable keeps it. */
  private void loseOne() {
    assertThat(pool.acquire().append(Packet.of(new byte[] {1}))).isTrue();
  }

  @ParameterizedTest
  @CsvSource({"0, 0, 0", "-1, 0, 0", "1, -1, 0", "1, 0, -1"})
  void a_shape_that_no_batch_has_is_refused(int capacity, int headRoom, int tailRoom) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new BatchPool(slabs, capacity, headRoom, tailRoom).close());
  }

  @Test
  void batches_acquired_here_and_released_there_are_lent_to_one_at_a_time() throws Exception {
    int threads = SLABS;
    CyclicBarrier start = new CyclicBarrier(threads);
    try (ExecutorService executor =
        Executors.newThreadPerTaskExecutor(Thread.ofPlatform().factory())) {
      List<Future<Integer>> users = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        byte mark = (byte) (i + 1);
        users.add(executor.submit(() -> useAndRelease(start, mark)));
      }
      for (Future<Integer> user : users) {
        assertThat(user.get(GUARD.toSeconds(), TimeUnit.SECONDS)).isZero();
      }
    }
    assertThat(pool.lent()).isZero();
    assertThat(pool.leaked()).isZero();
  }

  /** How often somebody else's mark was found in a batch of one's own. */
  private int useAndRelease(CyclicBarrier start, byte mark) throws Exception {
    start.await(GUARD.toSeconds(), TimeUnit.SECONDS);
    Packet packet = Packet.of(new byte[] {mark, mark});
    int foreign = 0;
    for (int round = 0; round < 5_000; round++) {
      PacketBatch batch = pool.acquire();
      batch.append(packet);
      Thread.onSpinWait();
      foreign += batch.count() == 1 && batch.packet(0).equals(packet) ? 0 : 1;
      batch.release();
    }
    return foreign;
  }
}
