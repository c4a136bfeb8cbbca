package io.vnet.api.packet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Slabs are lent, reused, bounded, and unmapped at the end, whoever is last. */
class SlabPoolTest {
  private static final int BYTES = 4096;
  private static final int GUARD_SECONDS = 60;

  @Test
  void a_slab_is_memory_of_the_pools_size_aligned_to_a_cache_line() {
    try (SlabPool pool = new SlabPool(1000, 2)) {
      Slab slab = pool.take();

      assertThat(pool.slabBytes()).isEqualTo(1000);
      assertThat(slab.bytes()).isEqualTo(1000);
      assertThat(slab.segment().byteSize()).isEqualTo(1000);
      assertThat(slab.segment().isNative()).isTrue();
      assertThat(slab.segment().address() % 64).isZero();
      slab.release();
    }
  }

  @Test
  void a_slab_that_came_back_is_lent_again_as_its_last_user_left_it() {
    try (SlabPool pool = new SlabPool(BYTES, 2)) {
      Slab slab = pool.take();
      slab.segment().set(ValueLayout.JAVA_BYTE, 17, (byte) 0xa5);
      slab.release();

      Slab again = pool.take();

      assertThat(again).isSameAs(slab);
      assertThat(again.segment().get(ValueLayout.JAVA_BYTE, 17)).isEqualTo((byte) 0xa5);
      assertThat(pool.mappedBytes()).isEqualTo(BYTES);
      again.release();
    }
  }

  @Test
  void the_pool_counts_what_is_lent_and_what_is_mapped() {
    SlabPool pool = new SlabPool(BYTES, 3);
    assertThat(pool.lent()).isZero();
    assertThat(pool.mappedBytes()).isZero();

    Slab first = pool.take();
    Slab second = pool.take();
    assertThat(pool.lent()).isEqualTo(2);
    assertThat(pool.mappedBytes()).isEqualTo(2 * BYTES);

    first.release();
    assertThat(pool.lent()).isEqualTo(1);
    assertThat(pool.mappedBytes()).isEqualTo(2 * BYTES);

    second.release();
    pool.close();
    assertThat(pool.lent()).isZero();
    assertThat(pool.mappedBytes()).isZero();
  }

  @Test
  void more_than_the_pool_has_is_refused_with_enobufs_until_one_comes_back() {
    try (SlabPool pool = new SlabPool(BYTES, 2)) {
      Slab first = pool.take();
      Slab second = pool.take();

      assertThatExceptionOfType(VnetException.class)
          .isThrownBy(pool::take)
          .withMessageContaining("all 2 slabs of 4096 bytes are in use")
          .extracting(VnetException::errno)
          .isEqualTo(Errno.ENOBUFS);
      assertThat(pool.lent()).isEqualTo(2);

      first.release();
      pool.take().release();
      second.release();
    }
  }

  @Test
  void a_slab_is_released_once() {
    try (SlabPool pool = new SlabPool(BYTES, 2)) {
      Slab slab = pool.take();
      slab.release();

      assertThatIllegalStateException().isThrownBy(slab::release).withMessageContaining("twice");
      assertThat(pool.lent()).isZero();
    }
  }

  @Test
  void closing_unmaps_free_slabs_at_once_and_lent_ones_as_they_come_back() {
    SlabPool pool = new SlabPool(BYTES, 2);
    Slab lent = pool.take();
    Slab free = pool.take();
    free.release();

    pool.close();

    assertThat(free.segment().scope().isAlive()).isFalse();
    assertThat(pool.mappedBytes()).isEqualTo(BYTES);
    lent.segment().fill((byte) 1);

    lent.release();
    assertThat(lent.segment().scope().isAlive()).isFalse();
    assertThat(pool.mappedBytes()).isZero();
    assertThat(pool.lent()).isZero();
  }

  @Test
  void a_closed_pool_lends_nothing_and_closes_again_without_effect() {
    SlabPool pool = new SlabPool(BYTES, 2);
    pool.take().release();
    pool.close();
    pool.close();

    assertThatExceptionOfType(VnetException.class)
        .isThrownBy(pool::take)
        .extracting(VnetException::errno)
        .isEqualTo(Errno.ESHUTDOWN);
    assertThat(pool.mappedBytes()).isZero();
  }

  @ParameterizedTest
  @CsvSource({"63, 1", "0, 1", "-1, 1", "64, 0", "64, -1"})
  void a_pool_without_memory_is_refused(int slabBytes, int slabsMax) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new SlabPool(slabBytes, slabsMax).close());
  }

  @Test
  void no_slab_is_lent_to_two_threads() throws Exception {
    int threads = 4;
    Set<Slab> lent = ConcurrentHashMap.newKeySet();
    SlabPool pool = new SlabPool(BYTES, threads);
    CyclicBarrier start = new CyclicBarrier(threads);
    try (ExecutorService executor =
        Executors.newThreadPerTaskExecutor(Thread.ofPlatform().factory())) {
      List<Future<Integer>> users = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        users.add(
            executor.submit(() -> {
              start.await(GUARD_SECONDS, TimeUnit.SECONDS);
              int shared = 0;
              for (int round = 0; round < 5_000; round++) {
                Slab slab = pool.take();
                shared += lent.add(slab) ? 0 : 1;
                lent.remove(slab);
                slab.release();
              }
              return shared;
            }));
      }
      for (Future<Integer> user : users) {
        assertThat(user.get(GUARD_SECONDS, TimeUnit.SECONDS)).isZero();
      }
    }
    assertThat(pool.lent()).isZero();
    assertThat(pool.mappedBytes()).isBetween((long) BYTES, (long) threads * BYTES);
    pool.close();
    assertThat(pool.mappedBytes()).isZero();
  }
}
