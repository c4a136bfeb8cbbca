package io.vnet.io.libc;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * The C library through the foreign-function interface: one downcall a system call, errno captured
 * in a few bytes of the calling thread. Needs native access for this module. No call is {@code
 * critical}: a system call may last, and the thread must reach safepoints.
 */
@SuppressWarnings("restricted") // The one class of this module that makes downcall handles.
public final class NativeLibc implements Libc {
  private static final MemoryLayout CAPTURE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      CAPTURE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
  private static final ThreadLocal<MemorySegment> CAPTURED =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(CAPTURE));

  // The same on every architecture: linux/unistd.h.
  private static final long IO_URING_SETUP = 425;
  private static final long IO_URING_ENTER = 426;
  private static final long IO_URING_REGISTER = 427;

  private NativeLibc() {}

  /**
   * The C library of this process.
   *
   * @throws VnetException EPERM if the application did not enable native access; EOPNOTSUPP if this
   *     is not a 64-bit Linux
   */
  public static Libc load() {
    if (!String.valueOf(System.getProperty("os.name")).equals("Linux")
        || ValueLayout.ADDRESS.byteSize() != 8) {
      throw new VnetException(
          "load",
          "libc",
          Errno.EOPNOTSUPP,
          "host devices need a 64-bit Linux, this is " + System.getProperty("os.name"),
          "use in-memory devices");
    }
    Module module = NativeLibc.class.getModule();
    if (!mayCall()) {
      throw new VnetException(
          "load",
          "libc",
          Errno.EPERM,
          "native access is not enabled for vnet-io",
          "start java with --enable-native-access="
              + (module.isNamed() ? module.getName() : "ALL-UNNAMED"));
    }
    return new NativeLibc();
  }

  /**
   * Asks as the first restricted call would: the JVM allows it, with or without a warning, or not.
   */
  private static boolean mayCall() {
    try {
      return MemorySegment.NULL.reinterpret(1).byteSize() == 1;
    } catch (IllegalCallerException e) {
      return false;
    }
  }

  private static long result(long returned, MemorySegment captured) {
    return returned == -1 ? -(int) ERRNO.get(captured, 0L) : returned;
  }

  private static AssertionError impossible(Throwable thrown) {
    return new AssertionError("a downcall throws nothing", thrown);
  }

  @Override
  public long open(String path, int flags) {
    MemorySegment captured = CAPTURED.get();
    try (Arena arena = Arena.ofConfined()) {
      return result(
          (int) Calls.OPEN.invokeExact(captured, arena.allocateFrom(path), flags, 0), captured);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  @Override
  public long close(int fd) {
    MemorySegment captured = CAPTURED.get();
    try {
      return result((int) Calls.CLOSE.invokeExact(captured, fd), captured);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  @Override
  public long read(int fd, long address, long bytes) {
    MemorySegment captured = CAPTURED.get();
    try {
      return result((long) Calls.READ.invokeExact(captured, fd, address, bytes), captured);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  @Override
  public long write(int fd, long address, long bytes) {
    MemorySegment captured = CAPTURED.get();
    try {
      return result((long) Calls.WRITE.invokeExact(captured, fd, address, bytes), captured);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  @Override
  public long ioctl(int fd, long request, long argument) {
    MemorySegment captured = CAPTURED.get();
    try {
      return result((int) Calls.IOCTL.invokeExact(captured, fd, request, argument), captured);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  @Override
  public long fcntl(int fd, int command, long argument) {
    MemorySegment captured = CAPTURED.get();
    try {
      return result((int) Calls.FCNTL.invokeExact(captured, fd, command, argument), captured);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  @Override
  public long socket(int domain, int type, int protocol) {
    MemorySegment captured = CAPTURED.get();
    try {
      return result((int) Calls.SOCKET.invokeExact(captured, domain, type, protocol), captured);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  @Override
  public long bind(int fd, long address, int bytes) {
    MemorySegment captured = CAPTURED.get();
    try {
      return result((int) Calls.BIND.invokeExact(captured, fd, address, bytes), captured);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  @Override
  public long setsockopt(int fd, int level, int name, int value) {
    MemorySegment captured = CAPTURED.get();
    try (Arena arena = Arena.ofConfined()) {
      return result(
          (int)
              Calls.SETSOCKOPT.invokeExact(
                  captured,
                  fd,
                  level,
                  name,
                  arena.allocateFrom(ValueLayout.JAVA_INT, value),
                  Integer.BYTES),
          captured);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  @Override
  public long recv(int fd, long address, long bytes, int flags) {
    MemorySegment captured = CAPTURED.get();
    try {
      return result((long) Calls.RECV.invokeExact(captured, fd, address, bytes, flags), captured);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  @Override
  public long getsockname(int fd, long address, long length) {
    MemorySegment captured = CAPTURED.get();
    try {
      return result((int) Calls.GETSOCKNAME.invokeExact(captured, fd, address, length), captured);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  @Override
  public long recvmmsg(int fd, long messages, int count, int flags) {
    MemorySegment captured = CAPTURED.get();
    try {
      return result(
          (int) Calls.RECVMMSG.invokeExact(captured, fd, messages, count, flags, 0L), captured);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  @Override
  public long sendmmsg(int fd, long messages, int count, int flags) {
    MemorySegment captured = CAPTURED.get();
    try {
      return result(
          (int) Calls.SENDMMSG.invokeExact(captured, fd, messages, count, flags), captured);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  @Override
  public long poll(long address, int count, int timeoutMillis) {
    MemorySegment captured = CAPTURED.get();
    try {
      return result(
          (int) Calls.POLL.invokeExact(captured, address, (long) count, timeoutMillis), captured);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  @Override
  public long writev(int fd, long vectors, int count) {
    MemorySegment captured = CAPTURED.get();
    try {
      return result((long) Calls.WRITEV.invokeExact(captured, fd, vectors, count), captured);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  @Override
  public long eventfd(int initial, int flags) {
    MemorySegment captured = CAPTURED.get();
    try {
      return result((int) Calls.EVENTFD.invokeExact(captured, initial, flags), captured);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  @Override
  public long mmap(long bytes, int protection, int flags, int fd, long offset) {
    MemorySegment captured = CAPTURED.get();
    try {
      return result(
          (long) Calls.MMAP.invokeExact(captured, 0L, bytes, protection, flags, fd, offset),
          captured);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  @Override
  public long munmap(long address, long bytes) {
    MemorySegment captured = CAPTURED.get();
    try {
      return result((int) Calls.MUNMAP.invokeExact(captured, address, bytes), captured);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  @Override
  public long uringSetup(int entries, long parameters) {
    MemorySegment captured = CAPTURED.get();
    try {
      return result(
          (long)
              Calls.SYSCALL.invokeExact(
                  captured, IO_URING_SETUP, (long) entries, parameters, 0L, 0L, 0L, 0L),
          captured);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  @Override
  public long uringEnter(
      int fd, int submit, int complete, int flags, long argument, long argumentBytes) {
    MemorySegment captured = CAPTURED.get();
    try {
      return result(
          (long)
              Calls.SYSCALL.invokeExact(
                  captured,
                  IO_URING_ENTER,
                  (long) fd,
                  (long) submit,
                  (long) complete,
                  (long) flags,
                  argument,
                  argumentBytes),
          captured);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  @Override
  public long uringRegister(int fd, int operation, long argument, int count) {
    MemorySegment captured = CAPTURED.get();
    try {
      return result(
          (long)
              Calls.SYSCALL.invokeExact(
                  captured,
                  IO_URING_REGISTER,
                  (long) fd,
                  (long) operation,
                  argument,
                  (long) count,
                  0L,
                  0L),
          captured);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  @Override
  public long setns(int fd, int type) {
    MemorySegment captured = CAPTURED.get();
    try {
      return result((int) Calls.SETNS.invokeExact(captured, fd, type), captured);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  @Override
  public long unshare(int flags) {
    MemorySegment captured = CAPTURED.get();
    try {
      return result((int) Calls.UNSHARE.invokeExact(captured, flags), captured);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  /**
   * Made when the first call is: not before {@link #load} has seen that this process can make them.
   */
  private static final class Calls {
    private static final Linker LINKER = Linker.nativeLinker();
    static final MethodHandle OPEN =
        variadic(
            "open",
            2,
            ValueLayout.JAVA_INT,
            ValueLayout.ADDRESS,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT);
    static final MethodHandle CLOSE = handle("close", ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
    static final MethodHandle READ =
        handle(
            "read",
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG);
    static final MethodHandle WRITE =
        handle(
            "write",
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG);
    static final MethodHandle IOCTL =
        variadic(
            "ioctl",
            2,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG);
    static final MethodHandle FCNTL =
        variadic(
            "fcntl",
            2,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_LONG);
    static final MethodHandle SOCKET =
        handle(
            "socket",
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT);
    static final MethodHandle BIND =
        handle(
            "bind",
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_INT);
    static final MethodHandle SETSOCKOPT =
        handle(
            "setsockopt",
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT,
            ValueLayout.ADDRESS,
            ValueLayout.JAVA_INT);
    static final MethodHandle RECV =
        handle(
            "recv",
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_INT);
    static final MethodHandle GETSOCKNAME =
        handle(
            "getsockname",
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG);
    static final MethodHandle RECVMMSG =
        handle(
            "recvmmsg",
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_LONG);
    static final MethodHandle SENDMMSG =
        handle(
            "sendmmsg",
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT);
    static final MethodHandle POLL =
        handle(
            "poll",
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_INT);
    static final MethodHandle WRITEV =
        handle(
            "writev",
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_INT);
    static final MethodHandle EVENTFD =
        handle("eventfd", ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
    static final MethodHandle MMAP =
        handle(
            "mmap",
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_LONG);
    static final MethodHandle MUNMAP =
        handle("munmap", ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG);
    static final MethodHandle SYSCALL =
        variadic(
            "syscall",
            1,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG);
    static final MethodHandle SETNS =
        handle("setns", ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
    static final MethodHandle UNSHARE =
        handle("unshare", ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);

    private static MethodHandle handle(
        String name, MemoryLayout result, MemoryLayout... parameters) {
      return LINKER.downcallHandle(
          LINKER.defaultLookup().findOrThrow(name),
          FunctionDescriptor.of(result, parameters),
          Linker.Option.captureCallState("errno"));
    }

    private static MethodHandle variadic(
        String name, int fixed, MemoryLayout result, MemoryLayout... parameters) {
      return LINKER.downcallHandle(
          LINKER.defaultLookup().findOrThrow(name),
          FunctionDescriptor.of(result, parameters),
          Linker.Option.captureCallState("errno"),
          Linker.Option.firstVariadicArg(fixed));
    }
  }
}
