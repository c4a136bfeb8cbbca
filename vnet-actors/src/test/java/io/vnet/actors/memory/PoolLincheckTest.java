package io.vnet.actors.memory;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.actors.testkit.Exploration;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.Slab;
import io.vnet.api.packet.SlabPool;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jetbrains.lincheck.LincheckAssertionError;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.ThreadIdGen;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * However users of a pool interleave: it lends up to its bound and not more, never one piece to
 * two, nothing once closed, and counts right.
 */
@Tag("lincheck")
class PoolLincheckTest {
  private static final int PIECES_MAX = 2;

  /** Two at the same time, and room for those before and after. */
  private static final int THREADS = 4;

  /** Fewer, as the memory of each scenario is mapped and unmapped. */
  private static final int SCENARIOS = 5;

  private static final int SLAB_BYTES = 64;

  /** A pool, and who holds what of it. */
  public abstract static class Pool<T> {
    private final Set<T> lent = Collections.newSetFromMap(new IdentityHashMap<>());
    private final List<Deque<T>> held =
        Stream.generate(() -> (Deque<T>) new ArrayDeque<T>()).limit(THREADS).toList();

    abstract T lend();

    abstract void giveBack(T piece);

    abstract int count();

    abstract void close();

    /** "lent", or the errno. */
    @Operation
    public String take(@Param(gen = ThreadIdGen.class) int thread) {
      T piece;
      try {
        piece = lend();
      } catch (VnetException e) {
        return e.errno().toString();
      }
      synchronized (lent) {
        if (!lent.add(piece)) {
          throw new AssertionError("one piece is lent to two");
        }
      }
      held.get(thread).push(piece);
      return "lent";
    }

    @Operation
    public boolean give(@Param(gen = ThreadIdGen.class) int thread) {
      T piece = held.get(thread).poll();
      if (piece == null) {
        return false;
      }
      synchronized (lent) {
        lent.remove(piece);
      }
      giveBack(piece);
      return true;
    }

    @Operation(runOnce = true)
    public void shut() {
      close();
    }

    @Validate
    public void what_is_held_is_lent() {
      int holding = held.stream().mapToInt(Deque::size).sum();
      if (count() != holding || holding > PIECES_MAX) {
        throw new AssertionError(count() + " lent, " + holding + " held");
      }
      held.forEach(pieces -> pieces.forEach(this::giveBack));
      if (count() != 0) {
        throw new AssertionError(count() + " lent in the end");
      }
    }
  }

  /** Slabs. */
  public static class Slabs extends Pool<Slab> {
    private final SlabPool pool = new SlabPool(SLAB_BYTES, PIECES_MAX);

    @Override
    Slab lend() {
      return pool.take();
    }

    @Override
    void giveBack(Slab slab) {
      slab.release();
    }

    @Override
    int count() {
      return pool.lent();
    }

    @Override
    void close() {
      pool.close();
    }
  }

  /** Batches over slabs. */
  public static class Batches extends Pool<PacketBatch> {
    private final SlabPool slabs = new SlabPool(SLAB_BYTES, PIECES_MAX);
    private final BatchPool pool = new BatchPool(slabs, 1, 0, 0);

    @Override
    PacketBatch lend() {
      return pool.acquire();
    }

    @Override
    void giveBack(PacketBatch batch) {
      batch.release();
    }

    @Override
    int count() {
      return pool.lent();
    }

    @Override
    void close() {
      pool.close();
    }
  }

  /** Looks how many are lent, and lends then. */
  public static class LooksThenLends extends Slabs {
    private final SlabPool unbounded = new SlabPool(SLAB_BYTES, Integer.MAX_VALUE);

    @Override
    Slab lend() {
      return count() < PIECES_MAX ? unbounded.take() : super.lend();
    }

    @Override
    int count() {
      return unbounded.lent();
    }
  }

  /** Looks at the first of the free, and removes it then. */
  public static class LooksThenRemoves extends Slabs {
    private final Deque<Slab> free = new ArrayDeque<>();

    public LooksThenRemoves() {
      free.push(super.lend());
    }

    @Override
    Slab lend() {
      Slab first;
      synchronized (free) {
        first = free.peek();
      }
      if (first == null) {
        return super.lend();
      }
      synchronized (free) {
        free.remove(first);
      }
      return first;
    }

    @Override
    void giveBack(Slab slab) {
      synchronized (free) {
        free.push(slab);
      }
    }

    @Override
    int count() {
      return super.count() - free.size();
    }
  }

  @Test
  void every_interleaving_of_a_slab_pool_is_an_order_of_the_calls() {
    Exploration.modelChecking().iterations(SCENARIOS).check(Slabs.class);
  }

  @Test
  void every_interleaving_of_a_batch_pool_keeps_bound_and_count() {
    Exploration.modelChecking().iterations(SCENARIOS).check(Batches.class);
  }

  @Test
  void a_bound_that_is_looked_at_before_the_lock_is_found() {
    assertThatThrownBy(() -> Exploration.fault().check(LooksThenLends.class))
        .isInstanceOf(LincheckAssertionError.class);
  }

  @Test
  void a_piece_that_is_lent_twice_is_found() {
    assertThatThrownBy(() -> Exploration.fault().check(LooksThenRemoves.class))
        .isInstanceOf(LincheckAssertionError.class)
        .hasMessageContaining("one piece is lent to two");
  }
}
