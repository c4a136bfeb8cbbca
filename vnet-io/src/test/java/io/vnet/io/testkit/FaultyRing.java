package io.vnet.io.testkit;

import static io.vnet.io.libc.UringConstants.*;

import io.vnet.api.error.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Makes requests of one io_uring fail, as a rule of {@link InjectingLibc}. A request that shall
 * fail is handed to the kernel as one that does nothing, and its completion says the errno: so
 * nothing is read or written, no provided buffer is taken, and no read is armed afterwards, as when
 * the kernel fails it itself.
 *
 * <p>Safe on any thread; the ring itself is used by one.
 */
public final class FaultyRing implements InjectingLibc.Rule {
  @SuppressWarnings("restricted") // Addresses that the kernel chose.
  private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();

  private final List<Fault> faults = new ArrayList<>();
  private final Map<Long, Errno> failing = new HashMap<>();
  private int fired;
  private int sqTailOffset;
  private int cqTailOffset;
  private int cqesOffset;
  private int sqMask;
  private int cqMask;
  private long rings;
  private long sqes;
  private int requestsSeen;
  private int completionsSeen;

  private static final class Fault {
    private final int operation;
    private final Errno errno;
    private int times;

    Fault(int operation, Errno errno, int times) {
      this.operation = operation;
      this.errno = errno;
      this.times = times;
    }
  }

  /**
   * Fails the next requests of a kind.
   *
   * @param operation as in {@link io.vnet.io.libc.UringConstants}: {@code OP_WRITE}
   * @param times how many of them
   */
  public synchronized void fail(int operation, Errno errno, int times) {
    faults.add(new Fault(operation, errno, times));
  }

  /** How many have failed. */
  public synchronized int fired() {
    return fired;
  }

  @Override
  public long answer(String call, Object[] arguments, LongSupplier real) {
    return switch (call) {
      case "uringSetup" -> {
        long fd = real.getAsLong();
        if (fd >= 0) {
          setUp((long) arguments[1]);
        }
        yield fd;
      }
      case "mmap" -> {
        long address = real.getAsLong();
        mapped((long) arguments[4], address);
        yield address;
      }
      case "uringEnter" -> {
        replaceRequests();
        long result = real.getAsLong();
        changeCompletions();
        yield result;
      }
      default -> real.getAsLong();
    };
  }

  private static int intAt(long address) {
    return MEMORY.get(ValueLayout.JAVA_INT, address);
  }

  private synchronized void setUp(long parameters) {
    sqTailOffset = intAt(parameters + PARAMS_SQ_OFFSETS + RING_TAIL);
    cqTailOffset = intAt(parameters + PARAMS_CQ_OFFSETS + RING_TAIL);
    cqesOffset = intAt(parameters + PARAMS_CQ_OFFSETS + CQ_CQES);
    // The masks' offsets first; they are read when the rings are there.
    sqMask = intAt(parameters + PARAMS_SQ_OFFSETS + RING_MASK);
    cqMask = intAt(parameters + PARAMS_CQ_OFFSETS + RING_MASK);
  }

  private synchronized void mapped(long offset, long address) {
    if (offset == OFF_SQ_RING) {
      rings = address;
      sqMask = intAt(rings + sqMask);
      cqMask = intAt(rings + cqMask);
    } else if (offset == OFF_SQES) {
      sqes = address;
    }
  }

  private synchronized void replaceRequests() {
    int tail = (int) INT.getAcquire(MEMORY, rings + sqTailOffset);
    for (; requestsSeen != tail; requestsSeen++) {
      long sqe = sqes + (long) (requestsSeen & sqMask) * SQE_BYTES;
      Errno errno = faultOf(MEMORY.get(ValueLayout.JAVA_BYTE, sqe));
      if (errno != null) {
        long userData = MEMORY.get(ValueLayout.JAVA_LONG, sqe + SQE_USER_DATA);
        MEMORY.asSlice(sqe, SQE_BYTES).fill((byte) 0);
        MEMORY.set(ValueLayout.JAVA_BYTE, sqe, (byte) OP_NOP);
        MEMORY.set(ValueLayout.JAVA_LONG, sqe + SQE_USER_DATA, userData);
        failing.put(userData, errno);
      }
    }
  }

  private @Nullable Errno faultOf(int operation) {
    for (Iterator<Fault> i = faults.iterator(); i.hasNext(); ) {
      Fault fault = i.next();
      if (fault.operation == operation) {
        if (--fault.times == 0) {
          i.remove();
        }
        return fault.errno;
      }
    }
    return null;
  }

  private synchronized void changeCompletions() {
    int tail = (int) INT.getAcquire(MEMORY, rings + cqTailOffset);
    for (; completionsSeen != tail; completionsSeen++) {
      long cqe = rings + cqesOffset + (long) (completionsSeen & cqMask) * CQE_BYTES;
      Errno errno = failing.remove(MEMORY.get(ValueLayout.JAVA_LONG, cqe));
      if (errno != null) {
        MEMORY.set(ValueLayout.JAVA_INT, cqe + CQE_RES, -errno.number());
        fired++;
      }
    }
  }
}
