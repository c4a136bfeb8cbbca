package io.vnet.api.epoch;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.epoch.Epoch.Barrier;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Real threads read through a pointer while a reclaimer replaces what it points to and poisons the
 * old one after a grace period. With the protocol no reader meets poison; without the wait one
 * does, in the same harness.
 */
class EpochStressTest {
  private static final long POISON = 0xdead_dead_dead_deadL;

  /**
   * One processor is the reclaimer's: a reader that waits for its turn inside a section is idle.
   */
  private static final int READERS =
      Math.clamp(Runtime.getRuntime().availableProcessors() - 1, 1, 4);

  private static final int SECTIONS = 4_000_000;
  private static final int RETIRED_MAX = 4_096;

  /** Freed blocks stay poisoned for a while before they are used again. */
  private static final int FREE_MIN = 64;

  private static final int COLD_LONGS = 1 << 21;
  private static final int COLD_STORES = 16;
  private static final int COLD_STEP = 1_048_573;
  private static final int LOOKS = 32;
  private static final int GUARD_SECONDS = 60;

  private static final VarHandle POINTER;
  private static final VarHandle PAYLOAD = MethodHandles.arrayElementVarHandle(long[].class);

  static {
    try {
      POINTER = MethodHandles.lookup().findVarHandle(EpochStressTest.class, "pointer", Block.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** Stands for off-heap memory: reused, and poisoned when it is freed. */
  private static final class Block {
    private final long[] payload = new long[4];

    void fill(long value) {
      for (int i = 0; i < payload.length; i++) {
        PAYLOAD.setOpaque(payload, i, value);
      }
    }

    /** Whether it was freed, or freed and used again, under the reader. */
    boolean freed() {
      long first = (long) PAYLOAD.getOpaque(payload, 0);
      boolean same = true;
      for (int i = 1; i < payload.length; i++) {
        same &= (long) PAYLOAD.getOpaque(payload, i) == first;
      }
      return !same || first == POISON;
    }
  }

  private record Retired(Block block, long token) {}

  @SuppressWarnings("unused") // Through POINTER.
  private Block pointer = new Block();

  @ParameterizedTest
  @EnumSource
  void no_reader_meets_what_was_freed_after_a_grace_period(Barrier barrier) throws Exception {
    Epoch epoch = Epoch.create(barrier);
    CyclicBarrier start = new CyclicBarrier(READERS + 1);
    try (ExecutorService executor =
        Executors.newThreadPerTaskExecutor(Thread.ofPlatform().factory())) {
      List<Future<Integer>> readers = new ArrayList<>();
      for (int i = 0; i < READERS; i++) {
        String owner = "reader " + i;
        readers.add(executor.submit(() -> read(epoch, owner, start)));
      }
      start.await(GUARD_SECONDS, TimeUnit.SECONDS);
      assertThat(reclaimUntilDone(epoch, readers)).as("blocks freed").isPositive();
      for (Future<Integer> reader : readers) {
        assertThat(reader.get()).as("freed blocks seen").isZero();
      }
    }
    assertThat(epoch.readers()).isZero();
  }

  @ParameterizedTest
  @EnumSource
  void a_reclaimer_that_does_not_wait_is_found_out(Barrier barrier) throws Exception {
    Epoch epoch = Epoch.create(barrier);

    assertThat(readAcrossReplacement(epoch, false)).isTrue();
    assertThat(readAcrossReplacement(epoch, true)).isFalse();
  }

  /**
   * Replaces without pause, and frees each block once its grace period is over; blocks that a
   * descheduled reader holds up wait in a bounded queue.
   */
  private int reclaimUntilDone(Epoch epoch, List<Future<Integer>> readers) {
    ArrayDeque<Retired> retired = new ArrayDeque<>();
    ArrayDeque<Block> free = new ArrayDeque<>();
    int freed = 0;
    long value = 0;
    while (!readers.stream().allMatch(Future::isDone)) {
      // Several replacements for each look at the futures.
      for (int i = 0; i < 64; i++) {
        if (retired.size() < RETIRED_MAX) {
          Block next = free.size() < FREE_MIN ? new Block() : free.remove();
          next.fill(++value);
          Block old = replace(next);
          retired.add(new Retired(old, epoch.begin()));
        }
        freed += freeElapsed(epoch, retired, free);
      }
    }
    return freed;
  }

  private static int freeElapsed(Epoch epoch, ArrayDeque<Retired> retired, ArrayDeque<Block> free) {
    int freed = 0;
    while (!retired.isEmpty() && epoch.elapsed(retired.element().token())) {
      Block block = retired.remove().block();
      block.fill(POISON);
      free.add(block);
      freed++;
    }
    return freed;
  }

  /** Publishes a block and unlinks the one before, as a reclaimer does. */
  private Block replace(Block next) {
    return (Block) POINTER.getAndSet(this, next);
  }

  private static void waitFor(Epoch epoch, long token) {
    while (!epoch.elapsed(token)) {
      Thread.onSpinWait();
    }
  }

  /**
   * How many freed blocks were seen. Stores to cold memory before a section keep the processor busy
   * writing, so that the store which announces the section is late, as it may be.
   */
  private int read(Epoch epoch, String owner, CyclicBarrier start) throws Exception {
    int freed = 0;
    long[] cold = new long[COLD_LONGS];
    int at = 0;
    try (EpochReader reader = epoch.register(owner)) {
      start.await(GUARD_SECONDS, TimeUnit.SECONDS);
      for (int section = 0; section < SECTIONS; section++) {
        for (int i = 0; i < COLD_STORES; i++) {
          at = (at + COLD_STEP) & (COLD_LONGS - 1);
          PAYLOAD.setOpaque(cold, at, (long) section);
        }
        reader.enter();
        try {
          Block block = (Block) POINTER.getAcquire(this);
          for (int look = 0; look < LOOKS; look++) {
            freed += block.freed() ? 1 : 0;
          }
        } finally {
          reader.exit();
        }
      }
    }
    return freed;
  }

  /**
   * One reader stops between loading the pointer and reading through it; meanwhile the block is
   * replaced. A reclaimer that waits cannot free it before the reader has left.
   *
   * @return whether the reader met poison
   */
  private boolean readAcrossReplacement(Epoch epoch, boolean waits) throws Exception {
    CountDownLatch loaded = new CountDownLatch(1);
    CountDownLatch resume = new CountDownLatch(1);
    Block fresh = new Block();
    try (ExecutorService executor = Executors.newSingleThreadExecutor();
        EpochReader reader = epoch.register("halfway")) {
      Future<Boolean> reading =
          executor.submit(() -> {
            reader.enter();
            try {
              Block block = (Block) POINTER.getAcquire(this);
              loaded.countDown();
              assertThat(resume.await(GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
              return block.freed();
            } finally {
              reader.exit();
            }
          });
      assertThat(loaded.await(GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
      Block old = replace(fresh);
      long token = epoch.begin();
      assertThat(epoch.elapsed(token)).isFalse();
      if (waits) {
        resume.countDown();
        waitFor(epoch, token);
        old.fill(POISON);
      } else {
        old.fill(POISON);
        resume.countDown();
      }
      return reading.get(GUARD_SECONDS, TimeUnit.SECONDS);
    }
  }
}
