package io.vnet.api.epoch;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/**
 * syscall(2), for calls that the C library has no function for. Where it is not Linux, or native
 * access is not enabled for this module, there is none, and no warning is printed.
 */
final class LinuxCall {
  private static final @Nullable MethodHandle SYSCALL = handle();

  private LinuxCall() {}

  static boolean available() {
    return SYSCALL != null;
  }

  /** The number of a call on this processor; -1: not known. */
  static long number(long amd64, long generic) {
    return switch (String.valueOf(System.getProperty("os.arch"))) {
      case "amd64" -> amd64;
      case "aarch64", "riscv64" -> generic;
      default -> -1;
    };
  }

  @SuppressWarnings("restricted") // Only where the application has enabled native access.
  private static @Nullable MethodHandle handle() {
    if (!String.valueOf(System.getProperty("os.name")).equals("Linux")
        || !LinuxCall.class.getModule().isNativeAccessEnabled()) {
      return null;
    }
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow("syscall"),
        FunctionDescriptor.of(
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG),
        Linker.Option.firstVariadicArg(1));
  }

  /** What the call returns; -1: it failed. */
  static long call(long number, long first, long second, long third, long fourth) {
    MethodHandle syscall = SYSCALL;
    if (syscall == null) {
      throw new IllegalStateException("there are no system calls here");
    }
    try {
      return (long) syscall.invokeExact(number, first, second, third, fourth);
    } catch (Throwable e) {
      throw new AssertionError("a downcall throws nothing", e);
    }
  }
}
