package io.vnet.examples.cli;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * How high the terminal is.
 *
 * <p>Source: ioctl_tty(2), TIOCGWINSZ.
 */
final class TerminalRows {
  /** Of a terminal that does not say. */
  static final int USUAL = 24;

  private static final int STANDARD_OUTPUT = 1;
  private static final long TIOCGWINSZ = 0x5413;
  // struct winsize: four shorts, rows first.
  private static final long WINSIZE_BYTES = 8;
  private static final MethodHandle IOCTL = ioctl();

  private TerminalRows() {}

  @SuppressWarnings("restricted") // The launcher enables native access.
  private static MethodHandle ioctl() {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow("ioctl"),
        FunctionDescriptor.of(
            ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS),
        Linker.Option.firstVariadicArg(2));
  }

  /** Rows of the terminal at standard output; {@link #USUAL} if it is none. */
  static int now() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment size = arena.allocate(WINSIZE_BYTES);
      int failed = (int) IOCTL.invokeExact(STANDARD_OUTPUT, TIOCGWINSZ, size);
      int rows = failed == 0 ? Short.toUnsignedInt(size.get(ValueLayout.JAVA_SHORT, 0)) : 0;
      return rows == 0 ? USUAL : rows;
    } catch (Throwable e) {
      throw new AssertionError("a downcall throws nothing", e);
    }
  }
}
