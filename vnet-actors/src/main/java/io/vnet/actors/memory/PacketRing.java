package io.vnet.actors.memory;

import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.Slab;
import io.vnet.api.packet.SlabPool;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * A bounded queue of packets from one producer to one consumer at a time, in one slab.
 *
 * <p>Layout: records behind each other, each an {@code int} length and the packet's bytes, padded
 * to 8 bytes. A record never wraps: {@link #SKIP} as a length says that the rest of the slab is
 * unused. {@code head} and {@code tail} are byte positions that only grow; position modulo capacity
 * is the offset. The producer publishes a record by a release store of {@code tail}, the consumer
 * its end by one of {@code head}.
 *
 * <p><b>Copies:</b> one in, one out. <b>Allocation:</b> none but the slab, taken by the first
 * packet.
 *
 * <p><b>Waiting:</b> a side that found nothing to do sets its flag, looks again, and is told by the
 * other side, which looks at the flag after each publication with a full fence between.
 */
final class PacketRing {
  private static final ValueLayout.OfInt LENGTH = ValueLayout.JAVA_INT;
  private static final int HEADER = 8;
  private static final int SKIP = -1;
  private static final VarHandle HEAD = handle("head", long.class);
  private static final VarHandle TAIL = handle("tail", long.class);
  private static final VarHandle CONSUMED = handle("consumed", long.class);
  private static final VarHandle PRODUCED = handle("produced", long.class);
  private static final VarHandle CONSUMER_WAITS = handle("consumerWaits", boolean.class);
  private static final VarHandle PRODUCER_WAITS = handle("producerWaits", boolean.class);

  private final SlabPool pool;
  private final int packetsMax;
  private volatile @Nullable Slab slab;
  private long head;
  private long tail;
  private long consumed;
  private long produced;

  @SuppressWarnings("unused") // Through CONSUMER_WAITS.
  private boolean consumerWaits;

  @SuppressWarnings("unused") // Through PRODUCER_WAITS.
  private boolean producerWaits;

  PacketRing(SlabPool pool, int packetsMax) {
    this.pool = pool;
    this.packetsMax = packetsMax;
  }

  private static VarHandle handle(String field, Class<?> type) {
    try {
      return MethodHandles.lookup().findVarHandle(PacketRing.class, field, type);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** Producer: appends one packet; false if there is no room now. */
  boolean offer(MemorySegment source, long offset, int length) {
    int at = claim(length);
    if (at < 0) {
      return false;
    }
    fill(at, source, offset, length);
    return true;
  }

  /**
   * Producer: where one packet may be written to in {@link #memory}, until {@link #publish}.
   *
   * @return its offset, or -1 if there is no room now: a consumer inside a call has not yet given
   *     any back
   */
  int claim(int length) {
    Slab memory = slab;
    if (memory == null) {
      memory = pool.take();
      slab = memory;
    }
    if (produced - (long) CONSUMED.getAcquire(this) >= packetsMax) {
      return -1;
    }
    int capacity = memory.bytes();
    int needed = recordBytes(length);
    long free = capacity - (tail - (long) HEAD.getAcquire(this));
    int at = (int) (tail % capacity);
    int untilEnd = capacity - at;
    if (untilEnd < needed) {
      if (free < (long) untilEnd + needed) {
        return -1;
      }
      memory.segment().set(LENGTH, at, SKIP);
      TAIL.setRelease(this, tail + untilEnd);
      at = 0;
    } else if (free < needed) {
      return -1;
    }
    return at + HEADER;
  }

  /** Producer: writes a whole packet at the place that {@link #claim} gave, and publishes it. */
  void fill(int at, MemorySegment source, long offset, int length) {
    MemorySegment.copy(source, offset, memory(), at, length);
    publish(at, length);
  }

  /** Producer: the packet that was written at the place that {@link #claim} gave is there. */
  void publish(int at, int length) {
    memory().set(LENGTH, at - (long) HEADER, length);
    PRODUCED.setRelease(this, produced + 1);
    TAIL.setRelease(this, tail + recordBytes(length));
  }

  /** Producer: the ring's memory, after a {@link #claim}. */
  MemorySegment memory() {
    Slab memory = slab;
    if (memory == null) {
      throw new IllegalStateException("nothing was claimed");
    }
    return memory.segment();
  }

  private static int recordBytes(int length) {
    return HEADER + ((length + 7) & -8);
  }

  /**
   * Producer: will wait for room. It has to offer once more after this, or it may wait for ever.
   */
  void producerWaits(boolean waits) {
    PRODUCER_WAITS.setVolatile(this, waits);
    VarHandle.fullFence();
  }

  /** Producer: whether the consumer waits for a packet; it counts as told then. */
  boolean takeConsumerWait() {
    VarHandle.fullFence();
    return (boolean) CONSUMER_WAITS.getOpaque(this)
        && CONSUMER_WAITS.compareAndSet(this, true, false);
  }

  /** Consumer: moves packets into a batch while it has room; returns how many. */
  int drainTo(PacketBatch into) {
    Slab memory = slab;
    if (memory == null) {
      return 0;
    }
    MemorySegment segment = memory.segment();
    int capacity = memory.bytes();
    int moved = 0;
    long position = head;
    long published = (long) TAIL.getAcquire(this);
    while (position != published) {
      int at = (int) (position % capacity);
      int length = segment.get(LENGTH, at);
      if (length == SKIP) {
        position += capacity - at;
        continue;
      }
      if (!into.append(segment, at + (long) HEADER, length)) {
        break;
      }
      position += recordBytes(length);
      moved++;
    }
    publishConsumed(position, moved);
    return moved;
  }

  /** Consumer: the length of the first packet; 0 if there is none. */
  int firstLength() {
    Slab memory = slab;
    long position = head;
    if (memory == null || position == (long) TAIL.getAcquire(this)) {
      return 0;
    }
    int length = memory.segment().get(LENGTH, position % memory.bytes());
    if (length != SKIP) {
      return length;
    }
    position += memory.bytes() - position % memory.bytes();
    return position == (long) TAIL.getAcquire(this)
        ? 0
        : memory.segment().get(LENGTH, position % memory.bytes());
  }

  /** Consumer: drops what is queued; returns how many. */
  int discard() {
    Slab memory = slab;
    if (memory == null) {
      return 0;
    }
    int dropped = 0;
    long position = head;
    long published = (long) TAIL.getAcquire(this);
    while (position != published) {
      int at = (int) (position % memory.bytes());
      int length = memory.segment().get(LENGTH, at);
      if (length == SKIP) {
        position += memory.bytes() - at;
      } else {
        position += recordBytes(length);
        dropped++;
      }
    }
    publishConsumed(position, dropped);
    return dropped;
  }

  private void publishConsumed(long position, int packets) {
    CONSUMED.setRelease(this, consumed + packets);
    HEAD.setRelease(this, position);
  }

  /**
   * Consumer: will wait for packets. It has to look once more after this, or it may wait for ever.
   */
  void consumerWaits(boolean waits) {
    CONSUMER_WAITS.setVolatile(this, waits);
    VarHandle.fullFence();
  }

  /** Consumer: whether the producer waits for room; it counts as told then. */
  boolean takeProducerWait() {
    VarHandle.fullFence();
    return (boolean) PRODUCER_WAITS.getOpaque(this)
        && PRODUCER_WAITS.compareAndSet(this, true, false);
  }

  /** Packets that wait; exact while both sides are quiet. */
  long queued() {
    return (long) PRODUCED.getAcquire(this) - (long) CONSUMED.getAcquire(this);
  }

  /** Gives the memory back. Nobody may use the ring any more. */
  void release() {
    Slab memory = slab;
    if (memory != null) {
      slab = null;
      memory.release();
    }
  }
}
