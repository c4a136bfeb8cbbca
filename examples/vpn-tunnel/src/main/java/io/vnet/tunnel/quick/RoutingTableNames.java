package io.vnet.tunnel.quick;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * The names of routing tables by iproute2's file; {@code local}, {@code main} and {@code default}
 * are known without it. Immutable.
 *
 * <p>Source: ip-route(8), section FILES.
 */
public final class RoutingTableNames {
  private static final List<Path> FILES =
      List.of(
          Path.of("/etc/iproute2/rt_tables"),
          Path.of("/usr/share/iproute2/rt_tables"),
          Path.of("/usr/lib/iproute2/rt_tables"));
  private static final long U32_MAX = 0xFFFF_FFFFL;

  private final Map<String, Long> numbers;

  private RoutingTableNames(Map<String, Long> numbers) {
    this.numbers = numbers;
  }

  /** Those of this host: the administrator's file, else the distribution's. */
  public static RoutingTableNames ofHost() {
    for (Path file : FILES) {
      if (Files.exists(file)) {
        return read(file);
      }
    }
    return read(FILES.getFirst());
  }

  /** Those of a file of lines {@code NUMBER NAME}; if it is not there, those of the kernel. */
  static RoutingTableNames read(Path file) {
    Map<String, Long> numbers = new HashMap<>(Map.of("default", 253L, "main", 254L, "local", 255L));
    try {
      for (String line : Files.readAllLines(file, StandardCharsets.ISO_8859_1)) {
        String[] words = line.replaceFirst("#.*", "").strip().split("\\s+", -1);
        if (words.length == 2) {
          number(words[0]).ifPresent(number -> numbers.put(words[1], number));
        }
      }
    } catch (NoSuchFileException e) {
      return new RoutingTableNames(numbers);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new RoutingTableNames(numbers);
  }

  private static OptionalLong number(String text) {
    boolean hex = text.startsWith("0x");
    if (!text.matches("0x[0-9a-fA-F]{1,8}|[0-9]{1,10}")) {
      return OptionalLong.empty();
    }
    long number = hex ? Long.parseLong(text.substring(2), 16) : Long.parseLong(text);
    return number > U32_MAX ? OptionalLong.empty() : OptionalLong.of(number);
  }

  /** The table that a text names, by a name or a number; empty if there is none such. */
  public OptionalLong find(String text) {
    Long named = numbers.get(text);
    OptionalLong found = named == null ? number(text) : OptionalLong.of(named);
    return found.isPresent() && found.getAsLong() == 0 ? OptionalLong.empty() : found;
  }
}
