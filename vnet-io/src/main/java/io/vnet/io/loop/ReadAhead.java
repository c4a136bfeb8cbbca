package io.vnet.io.loop;

import static io.vnet.io.libc.UringConstants.*;

import io.vnet.api.error.Errno;
import io.vnet.io.libc.UringConstants;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;

/**
 * Packets that the kernel reads before they are asked for: one multishot read into a ring of
 * provided buffers.
 *
 * <p><b>Threads:</b> the loop's thread puts lengths in, in the kernel's order; one receiver at a
 * time, on any thread, takes them out and gives the buffers back. A receiver that does not leaves
 * the kernel without buffers: the read ends, and packets wait and are dropped in the kernel's own
 * queue, until half of the buffers are back.
 *
 * <p><b>Owner of the memory:</b> this object, until {@link #close}; the kernel writes to it until
 * {@link IslandLoop.Watch#cancel} has said that it is done.
 */
public final class ReadAhead implements IslandLoop.Watch, AutoCloseable {
  private static final int BYTES_MAX = 1024 * 1024;
  private static final int BUFFERS_MAX = 256;
  private static final int BUFFERS_MIN = 16;
  private static final int ALIGNMENT = 64;
  private static final int PAGE_BYTES = 4096;
  private static final int FAILURES_MAX = 64;
  private static final VarHandle PUT;
  private static final VarHandle TAKEN;
  private static final VarHandle TAIL = ValueLayout.JAVA_SHORT.varHandle();

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      PUT = lookup.findVarHandle(ReadAhead.class, "put", int.class);
      TAKEN = lookup.findVarHandle(ReadAhead.class, "taken", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final IslandLoop island;
  private final UringHandler handler;
  private final IslandLoop.Watcher watcher;
  private final int fd;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment memory;
  private final MemorySegment bufferRing;
  private final int bufferBytes;
  private final int count;
  private final long[] arrived;
  private final Reading reading = new Reading();
  private int group;

  @SuppressWarnings("unused") // Through PUT.
  private int put;

  @SuppressWarnings("unused") // Through TAKEN.
  private int taken;

  private int given;
  private volatile boolean starved;

  ReadAhead(
      IslandLoop island, UringHandler handler, int fd, IslandLoop.Watcher watcher, int roomBytes) {
    this.island = island;
    this.handler = handler;
    this.fd = fd;
    this.watcher = watcher;
    this.bufferBytes = (roomBytes + ALIGNMENT - 1) & -ALIGNMENT;
    this.count =
        Math.clamp(Integer.highestOneBit(BYTES_MAX / bufferBytes), BUFFERS_MIN, BUFFERS_MAX);
    this.arrived = new long[count];
    this.memory = arena.allocate((long) bufferBytes * count, PAGE_BYTES);
    this.bufferRing = arena.allocate((long) BUF_BYTES * count, PAGE_BYTES);
    for (int i = 0; i < count; i++) {
      give(i);
    }
  }

  /** The length of the next packet, in bytes; -1 if none has arrived. By the receiver. */
  public int length() {
    int next = (int) TAKEN.getOpaque(this);
    return next == (int) PUT.getAcquire(this) ? -1 : (int) arrived[next & (count - 1)];
  }

  /** The longest that a packet can be here; the kernel cuts it off. */
  public int bufferBytes() {
    return bufferBytes;
  }

  /** What {@link #offset} counts from. */
  public MemorySegment memory() {
    return memory;
  }

  /** Where the next packet begins; there must be one. */
  public long offset() {
    return (arrived[(int) TAKEN.getOpaque(this) & (count - 1)] >>> Integer.SIZE) * bufferBytes;
  }

  /** The next packet has been dealt with: its buffer goes back to the kernel. */
  public void release() {
    int next = (int) TAKEN.getOpaque(this);
    int buffer = (int) (arrived[next & (count - 1)] >>> Integer.SIZE);
    give(buffer);
    // A full fence between this and the look, as between their counterparts: one sees the other.
    TAKEN.setVolatile(this, next + 1);
    if (starved && isHalfFree()) {
      starved = false;
      rearm();
    }
  }

  private void give(int buffer) {
    long entry = (long) BUF_BYTES * (given & (count - 1));
    bufferRing.set(ValueLayout.JAVA_LONG, entry, memory.address() + (long) buffer * bufferBytes);
    bufferRing.set(ValueLayout.JAVA_INT, entry + BUF_LEN, bufferBytes);
    bufferRing.set(ValueLayout.JAVA_SHORT, entry + BUF_ID, (short) buffer);
    given++;
    TAIL.setRelease(bufferRing, (long) BUF_RING_TAIL, (short) given);
  }

  private boolean isHalfFree() {
    return (int) PUT.getVolatile(this) - (int) TAKEN.getVolatile(this) <= count / 2;
  }

  private void rearm() {
    try {
      island.execute(() -> {
        if (!reading.armed && !reading.isEnding() && !reading.broken) {
          reading.arm();
        }
      });
    } catch (RejectedExecutionException e) {
      // The island is ending; nobody reads any more.
      starved = true;
    }
  }

  /** Begins to read. On the loop's thread. */
  void start() {
    group = handler.nextGroup();
    handler.ring().registerBuffers(group, bufferRing.address(), count);
    handler.start(reading);
  }

  /** Waits until what the kernel has read by now can be taken. Not on the loop's thread. */
  public void sync() {
    CountDownLatch looked = new CountDownLatch(1);
    try {
      island.execute(() -> {
        try {
          handler.poll();
        } finally {
          looked.countDown();
        }
      });
      looked.await();
    } catch (RejectedExecutionException e) {
      // The island is ending: nothing comes any more.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void cancel(Runnable done) {
    island.cancelling(
        done, told -> island.execute(() -> handler.cancel(reading, reading.armed, told)));
  }

  /** Gives the memory back; after {@link #cancel} has said that it is done. */
  @Override
  public void close() {
    arena.close();
  }

  private final class Reading extends UringHandler.Operation {
    private boolean armed;
    private boolean broken;
    private boolean told;
    private int failures;

    @Override
    void arm() {
      armed = true;
      handler.ring().add(OP_READ_MULTISHOT, IOSQE_BUFFER_SELECT, fd, 0, 0, 0, group, number());
    }

    @Override
    boolean completed(int result, int flags) {
      boolean news = false;
      if (result > 0 && (flags & CQE_F_BUFFER) != 0) {
        int at = (int) PUT.getOpaque(ReadAhead.this);
        arrived[at & (count - 1)] =
            (long) (flags >>> UringConstants.CQE_BUFFER_SHIFT) << Integer.SIZE | result;
        PUT.setVolatile(ReadAhead.this, at + 1);
        failures = 0;
        news = true;
      }
      if ((flags & CQE_F_MORE) == 0) {
        armed = false;
        if (!isEnding()) {
          news |= interrupted(result);
        }
      }
      return news;
    }

    /** The kernel reads no more: it has no buffers, or no device. */
    private boolean interrupted(int result) {
      if (result > 0) {
        arm();
        return false;
      }
      return switch (Errno.ofNumber(-result)) {
        case ENOBUFS -> {
          starved = true;
          if (!isHalfFree()) {
            yield false;
          }
          // It may have been the kernel's own that were missing: not for ever.
          starved = false;
          yield failed();
        }
        case EINTR, EAGAIN, ENOMEM -> failed();
        default -> {
          broken = true;
          yield true;
        }
      };
    }

    /** Begins again, unless that did not help often enough. */
    private boolean failed() {
      failures++;
      broken = failures > FAILURES_MAX;
      if (!broken) {
        arm();
      }
      return broken;
    }

    @Override
    void signal() {
      if (isEnding()) {
        return;
      }
      if (broken && !told) {
        told = true;
        watcher.broken();
      }
      watcher.readable();
    }

    @Override
    void end() {
      handler.ring().unregisterBuffers(group);
    }
  }
}
