package io.vnet.tunnel;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;

/** The known answers of {@code known-answers.txt} by name. Any thread. */
public final class KnownAnswers {
  private static final String RESOURCE = "known-answers.txt";
  private static final String EMPTY = "(empty)";
  private static final Map<String, String> ANSWERS = read();

  private KnownAnswers() {}

  private static Map<String, String> read() {
    Map<String, String> answers = new HashMap<>();
    try (InputStream in = KnownAnswers.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new IllegalStateException("no test resource " + RESOURCE);
      }
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      for (String line : text.lines().toList()) {
        if (line.isBlank() || line.charAt(0) == '#') {
          continue;
        }
        String[] parts = line.split(" = ", -1);
        if (parts.length != 2 || answers.put(parts[0], parts[1]) != null) {
          throw new IllegalStateException(RESOURCE + ": not one answer: " + line);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return answers;
  }

  /** The answer as it is written: hex digits, a decimal number, or nothing for an empty one. */
  public static String text(String name) {
    String text = ANSWERS.get(name);
    if (text == null) {
      throw new IllegalArgumentException("no known answer " + name);
    }
    return text.equals(EMPTY) ? "" : text;
  }

  /** The bytes, in wire order; the caller's own. */
  public static byte[] hex(String name) {
    return HexFormat.of().parseHex(text(name));
  }

  /** A decimal number. */
  public static long number(String name) {
    return Long.parseLong(text(name));
  }
}
