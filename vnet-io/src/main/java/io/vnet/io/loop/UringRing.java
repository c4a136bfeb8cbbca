package io.vnet.io.loop;

import static io.vnet.io.libc.UringConstants.*;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.Libc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * One io_uring: its two rings as memory that this process shares with the kernel.
 *
 * <p>One thread, the one that made it: the kernel holds others off (SINGLE_ISSUER), and works only
 * inside that thread's {@link #enter} (DEFER_TASKRUN). Owner of the descriptor and the mappings,
 * until {@link #close}.
 *
 * <p>Source: io_uring(7), io_uring_setup(2), io_uring_enter(2).
 */
final class UringRing implements AutoCloseable {
  @SuppressWarnings("restricted") // Addresses that the kernel chose.
  private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();
  private static final int COMPLETIONS_FOR_EACH = 8;
  private static final int PAGE_BYTES = 4096;
  private static final long NANOS = 1_000_000_000L;

  private final Libc libc;
  private final int fd;
  private final Arena arena = Arena.ofConfined();
  private final long rings;
  private final long ringsBytes;
  private final long sqes;
  private final long sqesBytes;
  private final int entries;
  private final long sqHead;
  private final long sqTail;
  private final int sqMask;
  private final long cqHead;
  private final long cqTail;
  private final int cqMask;
  private final long cqes;
  private final MemorySegment waitArgument;
  private final MemorySegment timeout;
  private int tail;
  private int submitted;

  /** What is told of each completion. */
  @FunctionalInterface
  interface Completions {
    void complete(long userData, int result, int flags);
  }

  private UringRing(
      Libc libc, int fd, int entries, MemorySegment parameters, long rings, long bytes, long sqes) {
    this.libc = libc;
    this.fd = fd;
    this.entries = entries;
    this.rings = rings;
    this.ringsBytes = bytes;
    this.sqes = sqes;
    this.sqesBytes = (long) entries * SQE_BYTES;
    this.sqHead = rings + offset(parameters, PARAMS_SQ_OFFSETS + RING_HEAD);
    this.sqTail = rings + offset(parameters, PARAMS_SQ_OFFSETS + RING_TAIL);
    this.sqMask = intAt(rings + offset(parameters, PARAMS_SQ_OFFSETS + RING_MASK));
    this.cqHead = rings + offset(parameters, PARAMS_CQ_OFFSETS + RING_HEAD);
    this.cqTail = rings + offset(parameters, PARAMS_CQ_OFFSETS + RING_TAIL);
    this.cqMask = intAt(rings + offset(parameters, PARAMS_CQ_OFFSETS + RING_MASK));
    this.cqes = rings + offset(parameters, PARAMS_CQ_OFFSETS + CQ_CQES);
    this.waitArgument = arena.allocate(GETEVENTS_ARG_BYTES, 8);
    this.timeout = arena.allocate(16, 8);
    waitArgument.set(ValueLayout.JAVA_LONG, GETEVENTS_ARG_TS, timeout.address());
    long array = rings + offset(parameters, PARAMS_SQ_OFFSETS + SQ_ARRAY);
    for (int i = 0; i < entries; i++) {
      MEMORY.set(ValueLayout.JAVA_INT, array + 4L * i, i);
    }
  }

  private static long offset(MemorySegment parameters, long at) {
    return parameters.get(ValueLayout.JAVA_INT, at) & 0xFFFF_FFFFL;
  }

  private static int intAt(long address) {
    return MEMORY.get(ValueLayout.JAVA_INT, address);
  }

  /**
   * Makes a ring for the calling thread.
   *
   * @param entries a power of two
   * @throws VnetException EPERM: io_uring is forbidden (sysctl kernel.io_uring_disabled, seccomp);
   *     ENOSYS, EINVAL, EOPNOTSUPP: the kernel is older than 6.7
   */
  static UringRing create(Libc libc, int entries) {
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment parameters = scratch.allocate(PARAMS_BYTES, 8);
      parameters.set(
          ValueLayout.JAVA_INT,
          PARAMS_FLAGS,
          SETUP_SINGLE_ISSUER | SETUP_DEFER_TASKRUN | SETUP_CQSIZE);
      parameters.set(ValueLayout.JAVA_INT, PARAMS_CQ_ENTRIES, entries * COMPLETIONS_FOR_EACH);
      int fd = (int) check("io_uring_setup", libc.uringSetup(entries, parameters.address()));
      try {
        int features = parameters.get(ValueLayout.JAVA_INT, PARAMS_FEATURES);
        if ((features & FEAT_SINGLE_MMAP) == 0
            || (features & FEAT_EXT_ARG) == 0
            || !supports(libc, scratch, fd, OP_READ_MULTISHOT)) {
          throw new VnetException(
              "io_uring_setup",
              "io_uring",
              Errno.EOPNOTSUPP,
              "the kernel has no multishot reads",
              "use epoll, or Linux 6.7");
        }
        return map(libc, fd, entries, parameters);
      } catch (VnetException e) {
        libc.close(fd);
        throw e;
      }
    }
  }

  private static UringRing map(Libc libc, int fd, int entries, MemorySegment parameters) {
    long ringsBytes =
        Math.max(
            offset(parameters, PARAMS_SQ_OFFSETS + SQ_ARRAY) + 4L * entries,
            offset(parameters, PARAMS_CQ_OFFSETS + CQ_CQES)
                + (long) CQE_BYTES * entries * COMPLETIONS_FOR_EACH);
    long rings =
        check("mmap", libc.mmap(ringsBytes, PROT_READ_WRITE, MAP_SHARED_POPULATE, fd, OFF_SQ_RING));
    long sqes =
        libc.mmap((long) entries * SQE_BYTES, PROT_READ_WRITE, MAP_SHARED_POPULATE, fd, OFF_SQES);
    if (sqes < 0 && sqes > -PAGE_BYTES) {
      libc.munmap(rings, ringsBytes);
    }
    check("mmap", sqes);
    return new UringRing(libc, fd, entries, parameters, rings, ringsBytes, sqes);
  }

  private static boolean supports(Libc libc, Arena scratch, int fd, int operation) {
    MemorySegment probe = scratch.allocate(PROBE_BYTES + (operation + 1L) * PROBE_OP_BYTES, 8);
    return libc.uringRegister(fd, REGISTER_PROBE, probe.address(), operation + 1) >= 0
        && (probe.get(
                    ValueLayout.JAVA_SHORT,
                    PROBE_BYTES + (long) operation * PROBE_OP_BYTES + PROBE_OP_FLAGS)
                & PROBE_OP_SUPPORTED)
            != 0;
  }

  private static long check(String call, long result) {
    if (result < 0 && result > -PAGE_BYTES) {
      Errno errno = Errno.ofNumber((int) -result);
      throw new VnetException(
          call,
          "io_uring",
          errno,
          Libc.meaning(result),
          switch (errno) {
            case EPERM -> "use epoll, or allow it: sysctl kernel.io_uring_disabled=0";
            case ENOMEM -> "raise the limit of locked memory: ulimit -l";
            default -> "use epoll";
          });
    }
    return result;
  }

  /**
   * Adds a request; what was added goes to the kernel with the next {@link #enter}.
   *
   * @param userData comes back in its completions
   */
  void add(int operation, int flags, int target, long address, int length, long userData) {
    add(operation, flags, target, address, length, 0, 0, userData);
  }

  /** With flags of the operation and a group of provided buffers. */
  void add(
      int operation,
      int flags,
      int target,
      long address,
      int length,
      int operationFlags,
      int bufferGroup,
      long userData) {
    if (tail - (int) INT.getAcquire(MEMORY, sqHead) == entries) {
      enter(0);
    }
    long sqe = sqes + (long) (tail & sqMask) * SQE_BYTES;
    for (int at = 0; at < SQE_BYTES; at += Long.BYTES) {
      MEMORY.set(ValueLayout.JAVA_LONG, sqe + at, 0L);
    }
    MEMORY.set(ValueLayout.JAVA_BYTE, sqe, (byte) operation);
    MEMORY.set(ValueLayout.JAVA_BYTE, sqe + SQE_FLAGS, (byte) flags);
    MEMORY.set(ValueLayout.JAVA_INT, sqe + SQE_FD, target);
    // Of a descriptor without a position.
    MEMORY.set(
        ValueLayout.JAVA_LONG,
        sqe + SQE_OFF,
        operation == OP_WRITE || operation == OP_READ_MULTISHOT ? -1L : 0L);
    MEMORY.set(ValueLayout.JAVA_LONG, sqe + SQE_ADDR, address);
    MEMORY.set(ValueLayout.JAVA_INT, sqe + SQE_LEN, length);
    MEMORY.set(ValueLayout.JAVA_INT, sqe + SQE_OP_FLAGS, operationFlags);
    MEMORY.set(ValueLayout.JAVA_LONG, sqe + SQE_USER_DATA, userData);
    MEMORY.set(ValueLayout.JAVA_SHORT, sqe + SQE_BUF_GROUP, (short) bufferGroup);
    tail++;
  }

  /**
   * Hands the kernel what was added and lets it work.
   *
   * @param complete how many completions to wait for; 0: none
   */
  void enter(int complete) {
    publish();
    account(libc.uringEnter(fd, tail - submitted, complete, ENTER_GETEVENTS, 0, 0));
  }

  /** The same, and waits for one completion, but not longer than this. */
  void enterAndWait(long nanos) {
    publish();
    timeout.set(ValueLayout.JAVA_LONG, 0, nanos / NANOS);
    timeout.set(ValueLayout.JAVA_LONG, 8, nanos % NANOS);
    account(
        libc.uringEnter(
            fd,
            tail - submitted,
            1,
            ENTER_GETEVENTS | ENTER_EXT_ARG,
            waitArgument.address(),
            GETEVENTS_ARG_BYTES));
  }

  private void publish() {
    INT.setRelease(MEMORY, sqTail, tail);
  }

  private void account(long result) {
    if (result > 0) {
      submitted += (int) result;
      return;
    }
    // Nothing was taken; what was added stays for the next time.
    switch (Errno.ofNumber((int) -result)) {
      case EINTR, ETIME, EBUSY, EAGAIN -> {}
      default -> {
        if (result < 0) {
          check("io_uring_enter", result);
        }
      }
    }
  }

  /**
   * Passes on what has completed.
   *
   * @return how many
   */
  int drain(Completions to) {
    int head = intAt(cqHead);
    int end = (int) INT.getAcquire(MEMORY, cqTail);
    int drained = end - head;
    while (head != end) {
      long cqe = cqes + (long) (head & cqMask) * CQE_BYTES;
      long userData = MEMORY.get(ValueLayout.JAVA_LONG, cqe);
      int result = intAt(cqe + CQE_RES);
      int flags = intAt(cqe + CQE_FLAGS);
      head++;
      INT.setRelease(MEMORY, cqHead, head);
      to.complete(userData, result, flags);
    }
    return drained;
  }

  /** Gives the kernel a ring of buffers, page-aligned. */
  void registerBuffers(int group, long address, int count) {
    try (Arena scratch = Arena.ofConfined()) {
      check(
          "IORING_REGISTER_PBUF_RING",
          libc.uringRegister(
              fd, REGISTER_PBUF_RING, registration(scratch, group, address, count), 1));
    }
  }

  /** Takes it back; no read may be under way. */
  void unregisterBuffers(int group) {
    try (Arena scratch = Arena.ofConfined()) {
      check(
          "IORING_UNREGISTER_PBUF_RING",
          libc.uringRegister(fd, UNREGISTER_PBUF_RING, registration(scratch, group, 0, 0), 1));
    }
  }

  private static long registration(Arena scratch, int group, long address, int count) {
    MemorySegment registration = scratch.allocate(BUF_REG_BYTES, 8);
    registration.set(ValueLayout.JAVA_LONG, 0, address);
    registration.set(ValueLayout.JAVA_INT, BUF_REG_ENTRIES, count);
    registration.set(ValueLayout.JAVA_SHORT, BUF_REG_GROUP, (short) group);
    return registration.address();
  }

  @Override
  public void close() {
    libc.munmap(sqes, sqesBytes);
    libc.munmap(rings, ringsBytes);
    libc.close(fd);
    arena.close();
  }
}
