package io.vnet.api.epoch;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.locks.LockSupport;

/**
 * Sleeps of some microseconds that end on time on a busy machine: for who gives his processor to a
 * reader that was preempted inside its section, and wants it back as soon as that one is out.
 *
 * <p>A thread that wakes while all processors are busy waits until a running one has used up its
 * time slice, some milliseconds. One that has asked for a shorter slice than the running one's gets
 * its processor at once (Linux 6.12 and newer), and takes it from whoever wakes it, at each
 * wake-up, which costs more than it gives to a thread that is sent messages all the time. So the
 * short slice is asked for when it sleeps, and given back when that is {@linkplain #over}. Neither
 * needs a privilege. Where the kernel knows no slices, or refuses, it is a sleep like any other.
 *
 * <p><b>Cost:</b> two system calls beside the sleep, four more with the first nap and at the end.
 * 48 bytes off-heap for each thread that naps.
 *
 * <p>Source: sched_setattr(2), {@code sched_runtime} of SCHED_OTHER; PR_SET_TIMERSLACK of prctl(2).
 */
public final class Nap {
  private static final ThreadLocal<Nap> OF_THREAD = ThreadLocal.withInitial(Nap::new);
  private static final long GETATTR = LinuxCall.number(315, 275);
  private static final long SETATTR = LinuxCall.number(314, 274);
  private static final long PRCTL = LinuxCall.number(157, 167);
  private static final boolean SLICES = LinuxCall.available() && GETATTR >= 0;

  // linux/prctl.h.
  private static final long SET_TIMERSLACK = 29;

  /** To the thread's default. */
  private static final long USUAL_SLACK = 0;

  private static final long SHORT_SLACK = 1_000;

  // struct sched_attr of linux/sched/types.h, its first version.
  private static final long ATTR_BYTES = 48;
  private static final long POLICY = 4;
  private static final long FLAGS = 8;
  private static final long RUNTIME = 24;
  private static final int OTHER = 0;

  /** Threads that a napping one starts do not have its slices. Stays, as that needs privilege. */
  private static final long RESET_ON_FORK = 1;

  /** The shortest that the kernel grants. */
  private static final long SHORT_SLICE = 100_000;

  private final MemorySegment attributes = Arena.ofAuto().allocate(ATTR_BYTES, Long.BYTES);
  private long usualSlice;
  private boolean sliced;

  private Nap() {}

  /**
   * Sleeps so long, or shorter, as a thread that parks may; the calling thread has short slices
   * from then on.
   */
  public static void nanos(long nanos) {
    if (!SLICES) {
      LockSupport.parkNanos(nanos);
      return;
    }
    OF_THREAD.get().shorten();
    LinuxCall.call(PRCTL, SET_TIMERSLACK, SHORT_SLACK, 0, 0);
    LockSupport.parkNanos(nanos);
    LinuxCall.call(PRCTL, SET_TIMERSLACK, USUAL_SLACK, 0, 0);
  }

  /** The calling thread has its usual slices again; it may lose its processor here. */
  public static void over() {
    if (SLICES) {
      OF_THREAD.get().restore();
    }
  }

  private void shorten() {
    if (!sliced && read() && attributes.get(ValueLayout.JAVA_INT, POLICY) == OTHER) {
      usualSlice = attributes.get(ValueLayout.JAVA_LONG, RUNTIME);
      sliced = slice(SHORT_SLICE);
    }
  }

  private boolean read() {
    return LinuxCall.call(GETATTR, 0, attributes.address(), ATTR_BYTES, 0) == 0;
  }

  /** The calling thread's slice in nanoseconds; 0: the kernel does not say. */
  static long slice() {
    Nap own = new Nap();
    return SLICES && own.read() ? own.attributes.get(ValueLayout.JAVA_LONG, RUNTIME) : 0;
  }

  private void restore() {
    if (sliced) {
      slice(usualSlice);
      sliced = false;
    }
  }

  private boolean slice(long nanos) {
    attributes.set(
        ValueLayout.JAVA_LONG, FLAGS, attributes.get(ValueLayout.JAVA_LONG, FLAGS) | RESET_ON_FORK);
    attributes.set(ValueLayout.JAVA_LONG, RUNTIME, nanos);
    return LinuxCall.call(SETATTR, 0, attributes.address(), 0, 0) == 0;
  }
}
