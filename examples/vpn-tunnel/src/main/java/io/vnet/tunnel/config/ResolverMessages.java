package io.vnet.tunnel.config;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * What the C library says of names that there are not. Java passes its words on, in the language of
 * the process, and not the number behind them (getaddrinfo(3)), so the library is asked what it
 * says of which number. Where that cannot be done the words are taken to be English.
 */
@SuppressWarnings("restricted") // One call, made only where native access is enabled.
final class ResolverMessages {
  /** {@code netdb.h}: EAI_NONAME, EAI_FAIL, EAI_NODATA. All others pass, or may. */
  private static final int[] PERMANENT_NUMBERS = {-2, -4, -5};

  private static final Set<String> ENGLISH =
      Set.of(
          "Name or service not known",
          "Non-recoverable failure in name resolution",
          "No address associated with hostname");

  /** No text is longer. */
  private static final int BYTES_MAX = 1024;

  /** Texts of failures that asking again does not mend. */
  static final Set<String> PERMANENT = permanent();

  private ResolverMessages() {}

  private static Set<String> permanent() {
    // Otherwise a call is a warning, or forbidden.
    return ResolverMessages.class.getModule().isNativeAccessEnabled() ? asked() : ENGLISH;
  }

  private static Set<String> asked() {
    Set<String> texts = new HashSet<>(ENGLISH);
    Linker linker = Linker.nativeLinker();
    Optional<MemorySegment> function = linker.defaultLookup().find("gai_strerror");
    if (function.isPresent()) {
      MethodHandle text =
          linker.downcallHandle(
              function.get(), FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
      for (int number : PERMANENT_NUMBERS) {
        texts.add(text(text, number));
      }
    }
    return Set.copyOf(texts);
  }

  private static String text(MethodHandle function, int number) {
    MemorySegment text;
    try {
      text = (MemorySegment) function.invokeExact(number);
    } catch (Throwable e) {
      throw new AssertionError("gai_strerror", e);
    }
    MemorySegment bytes = text.reinterpret(BYTES_MAX);
    int length = 0;
    while (length < BYTES_MAX && bytes.get(ValueLayout.JAVA_BYTE, length) != 0) {
      length++;
    }
    return new String(bytes.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), encoding());
  }

  /** In which Java decodes what it passes on. */
  private static Charset encoding() {
    String name = System.getProperty("sun.jnu.encoding");
    return name != null && Charset.isSupported(name)
        ? Charset.forName(name)
        : StandardCharsets.UTF_8;
  }
}
