package io.vnet.actors.memory;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.actors.testkit.Exploration;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jetbrains.lincheck.LincheckAssertionError;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Whatever way a ring's producer and its consumer interleave, the answers are those that a queue
 * gives to some order of their calls. The ring is so small that it wraps within a scenario.
 */
@Tag("lincheck")
class RingLincheckTest {
  private static final int PACKETS_MAX = 3;

  /** Three of the longest records, and what is lost to the end that no record wraps around. */
  private static final int RING_BYTES = 96;

  private static final int[] LENGTHS_BEFORE = {16, 16, 8, 8};

  /** Reused, as closing a shared arena costs more than a scenario. */
  private static final SlabPool SLABS = new SlabPool(RING_BYTES, Integer.MAX_VALUE);

  private static final PacketBatch SINGLE = new BatchPool(SLABS, 1, 0, 0).acquire();
  private static final PacketBatch MANY = new BatchPool(new SlabPool(512, 1), 8, 0, 0).acquire();

  /** A ring whose next record of 24 bytes does not fit before the end. */
  public abstract static class Rings {
    final PacketRing ring = new PacketRing(SLABS, PACKETS_MAX);

    Rings() {
      for (int length : LENGTHS_BEFORE) {
        put(length, 0);
        ring.discard();
      }
    }

    final boolean put(int length, int mark) {
      int at = ring.claim(length);
      if (at < 0) {
        return false;
      }
      fillAndPublish(at, length, (byte) mark);
      return true;
    }

    void fillAndPublish(int at, int length, byte mark) {
      ring.memory().asSlice(at, length).fill(mark);
      ring.publish(at, length);
    }

    /** The byte that each of a packet's bytes is, or -1. */
    static int mark(PacketBatch batch, int i) {
      MemorySegment packet = batch.segment().asSlice(batch.offset(i), batch.length(i));
      byte mark = packet.get(ValueLayout.JAVA_BYTE, 0);
      for (int k = 1; k < batch.length(i); k++) {
        if (packet.get(ValueLayout.JAVA_BYTE, k) != mark) {
          return -1;
        }
      }
      return mark;
    }
  }

  /** Packets one by one. */
  public static class Single extends Rings {
    @Operation(nonParallelGroup = "producer")
    public boolean offer(@Param(gen = IntGen.class, conf = "1:16") int length) {
      return put(length, length);
    }

    /** The length of a whole packet; 0: none, -1: not whole. */
    @Operation(nonParallelGroup = "consumer")
    public int take() {
      SINGLE.clear();
      if (ring.drainTo(SINGLE) == 0) {
        return 0;
      }
      return mark(SINGLE, 0) == SINGLE.length(0) ? SINGLE.length(0) : -1;
    }

    @Operation(nonParallelGroup = "consumer")
    public int firstLength() {
      return ring.firstLength();
    }

    @Validate
    public void end() {
      ring.release();
    }
  }

  /** Tells the consumer of a packet before its bytes are there. */
  public static class PublishedTooEarly extends Single {
    @Override
    void fillAndPublish(int at, int length, byte mark) {
      ring.publish(at, length);
      ring.memory().asSlice(at, length).fill(mark);
    }
  }

  /** What it has to look like. */
  public static class Twin {
    private final Queue<Integer> packets = new ArrayDeque<>();

    public boolean offer(int length) {
      return packets.size() < PACKETS_MAX && packets.add(length);
    }

    public int take() {
      return packets.isEmpty() ? 0 : packets.remove();
    }

    public int firstLength() {
      return packets.isEmpty() ? 0 : packets.element();
    }
  }

  /**
   * Packets by the batch. Not a queue's answers: an offer finds no room while a consumer that has
   * copied the packets has not yet given their room back. But each is taken once, in order.
   */
  public static class Bulk extends Rings {
    private int offered;
    private int taken;

    @Operation(nonParallelGroup = "producer")
    public void offer(@Param(gen = IntGen.class, conf = "1:16") int length) {
      if (put(length, offered + 1)) {
        offered++;
      }
    }

    @Operation(nonParallelGroup = "consumer")
    public void drain() {
      MANY.clear();
      int moved = ring.drainTo(MANY);
      for (int i = 0; i < moved; i++) {
        int mark = mark(MANY, i);
        if (mark != ++taken) {
          throw new AssertionError("packet " + mark + " in place of packet " + taken);
        }
      }
    }

    @Operation(nonParallelGroup = "consumer")
    public void discard() {
      taken += ring.discard();
    }

    @Validate
    public void each_packet_was_taken_once() {
      if (ring.queued() != offered - taken) {
        throw new AssertionError(
            ring.queued() + " queued of " + offered + " offered, " + taken + " taken");
      }
      drain();
      if (taken != offered) {
        throw new AssertionError(taken + " taken of " + offered + " offered");
      }
      ring.release();
    }
  }

  @Test
  void every_interleaving_of_the_two_sides_is_that_of_a_queue() {
    Exploration.modelChecking().sequentialSpecification(Twin.class).check(Single.class);
  }

  @Test
  void every_interleaving_takes_each_packet_once_and_in_order() {
    Exploration.modelChecking().check(Bulk.class);
  }

  @Test
  void a_packet_that_is_published_too_early_is_found() {
    assertThatThrownBy(() ->
            Exploration.fault().sequentialSpecification(Twin.class).check(PublishedTooEarly.class))
        .isInstanceOf(LincheckAssertionError.class)
        .hasMessageContaining("take(): -1");
  }
}
