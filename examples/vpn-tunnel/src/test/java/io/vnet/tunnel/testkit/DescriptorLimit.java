package io.vnet.tunnel.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.io.libc.Libc;
import io.vnet.io.libc.NativeLibc;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * This process may open nothing more until this is closed: calls that need a descriptor fail with
 * EMFILE. Classes are read from files too, so what is called meanwhile must have been called
 * before, and there should not be much of it.
 */
@SuppressWarnings("restricted") // getrlimit(2) and setrlimit(2).
public final class DescriptorLimit implements AutoCloseable {
  /** {@code asm-generic/resource.h}. */
  private static final int RLIMIT_NOFILE = 7;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final MethodHandle GET = handle("getrlimit");
  private static final MethodHandle SET = handle("setrlimit");

  private final Arena arena = Arena.ofShared();

  /** {@code struct rlimit}: the limit, and the most that it may be. */
  private final MemorySegment before = arena.allocate(ValueLayout.JAVA_LONG, 2);

  private DescriptorLimit() {}

  /** The limit is what is open now. */
  public static DescriptorLimit reached() {
    DescriptorLimit limit = new DescriptorLimit();
    MemorySegment reached = limit.arena.allocate(ValueLayout.JAVA_LONG, 2);
    call(GET, limit.before);
    reached.copyFrom(limit.before);
    Libc libc = NativeLibc.load();
    // The lowest number that is free.
    long free = libc.open("/dev/null", 0);
    assertThat(free).isPositive();
    assertThat(libc.close((int) free)).isZero();
    reached.set(ValueLayout.JAVA_LONG, 0, free);
    call(SET, reached);
    return limit;
  }

  private static MethodHandle handle(String name) {
    return LINKER.downcallHandle(
        LINKER.defaultLookup().findOrThrow(name),
        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS));
  }

  private static void call(MethodHandle function, MemorySegment limit) {
    int result;
    try {
      result = (int) function.invokeExact(RLIMIT_NOFILE, limit);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
    assertThat(result).isZero();
  }

  @Override
  public void close() {
    call(SET, before);
    arena.close();
  }
}
