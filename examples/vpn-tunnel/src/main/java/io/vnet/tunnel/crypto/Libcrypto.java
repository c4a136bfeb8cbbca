package io.vnet.tunnel.crypto;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Finds the system's libcrypto, once, and makes handles to its functions. It stays loaded. A call
 * is not {@code critical} if it takes a text of any length: one of 64 KiB takes 40 µs, and the
 * thread must reach safepoints.
 */
@SuppressWarnings("restricted") // The one class of this room that loads a library or links calls.
final class Libcrypto {
  /** Of C's {@code int}, pointer and {@code size_t}. */
  static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;

  static final ValueLayout.OfLong POINTER = ValueLayout.JAVA_LONG;
  static final ValueLayout.OfLong SIZE = ValueLayout.JAVA_LONG;

  private static final String[] NAMES = {"libcrypto.so.3", "libcrypto.so.1.1", "libcrypto.so"};
  // openssl/crypto.h: libcrypto must not free what other threads still use when the process ends.
  private static final long NO_ATEXIT = 0x80000;

  private final Linker linker;
  private final SymbolLookup lookup;
  private final MemorySegment everything;
  private final String version;

  private Libcrypto(Linker linker, SymbolLookup lookup, MemorySegment everything) {
    this.linker = linker;
    this.lookup = lookup;
    this.everything = everything;
    this.version = initialized();
  }

  private static final class Loaded {
    static final @Nullable Libcrypto LIBRARY;
    static final String REASON;

    private Loaded() {}

    static {
      Libcrypto library = null;
      String reason = "no " + String.join(", ", NAMES) + " here";
      try {
        Linker linker = Linker.nativeLinker();
        MemorySegment everything = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
        for (String name : NAMES) {
          Optional<SymbolLookup> lookup = open(name);
          if (lookup.isPresent()) {
            library = new Libcrypto(linker, lookup.get(), everything);
            break;
          }
        }
      } catch (IllegalCallerException _) {
        reason = "native access is not enabled for this module";
      } catch (UnsupportedOperationException _) {
        reason = "this Java cannot call native functions here";
      } catch (VnetException e) {
        reason = e.reason();
      }
      LIBRARY = library;
      REASON = reason;
    }

    private static Optional<SymbolLookup> open(String name) {
      try {
        return Optional.of(SymbolLookup.libraryLookup(name, Arena.global()));
      } catch (IllegalArgumentException _) {
        return Optional.empty();
      }
    }
  }

  /**
   * The library of this process.
   *
   * @throws VnetException EOPNOTSUPP: there is none, or native access is not enabled
   */
  static Libcrypto load() {
    if (ValueLayout.ADDRESS.byteSize() != Long.BYTES) {
      throw unusable("this is no 64-bit machine");
    }
    Libcrypto library = Loaded.LIBRARY;
    if (library == null) {
      throw unusable(Loaded.REASON);
    }
    return library;
  }

  static VnetException unusable(String reason) {
    return new VnetException(
        "load", "libcrypto", Errno.EOPNOTSUPP, reason, "use vnet.crypto=portable");
  }

  /** A call that only fails if memory is out, unless this libcrypto is not as we know it. */
  static VnetException refused(String what) {
    return new VnetException("call", "libcrypto", Errno.ENOMEM, what + " is refused", "");
  }

  static AssertionError impossible(Throwable thrown) {
    return new AssertionError("a downcall throws nothing", thrown);
  }

  private String initialized() {
    MethodHandle init = handle("OPENSSL_init_crypto", FunctionDescriptor.of(INT, SIZE, POINTER));
    MethodHandle version = handle("OpenSSL_version", FunctionDescriptor.of(POINTER, INT));
    long text;
    try {
      if ((int) init.invokeExact(NO_ATEXIT, 0L) != 1) {
        throw unusable("it does not initialize");
      }
      text = (long) version.invokeExact(0);
    } catch (VnetException e) {
      throw e;
    } catch (Throwable e) {
      throw impossible(e);
    }
    String[] words = string(text).split(" ", -1); // "OpenSSL 3.0.17 1 Jul 2025"
    return words.length > 1 ? words[1] : words[0];
  }

  /** {@code 3.0.17} */
  String version() {
    return version;
  }

  /**
   * A function by name.
   *
   * @throws VnetException EOPNOTSUPP: this libcrypto has none of that name
   */
  MethodHandle handle(String name, FunctionDescriptor descriptor) {
    return linker.downcallHandle(
        lookup.find(name).orElseThrow(() -> unusable("it has no " + name)), descriptor);
  }

  /** A function at an address. */
  MethodHandle handle(long address, FunctionDescriptor descriptor) {
    return linker.downcallHandle(MemorySegment.ofAddress(address), descriptor);
  }

  /** The same for calls that last a microsecond at the most: the collector waits for their end. */
  MethodHandle shortHandle(long address, FunctionDescriptor descriptor) {
    return linker.downcallHandle(
        MemorySegment.ofAddress(address), descriptor, Linker.Option.critical(false));
  }

  int readInt(long address) {
    return everything.get(ValueLayout.JAVA_INT, address);
  }

  long readLong(long address) {
    return everything.get(ValueLayout.JAVA_LONG, address);
  }

  String string(long address) {
    return everything.getString(address, StandardCharsets.US_ASCII);
  }
}
