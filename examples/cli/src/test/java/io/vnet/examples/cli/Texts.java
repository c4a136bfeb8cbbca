package io.vnet.examples.cli;

import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** Text that is there, or a failure that says what is missing. */
final class Texts {
  private Texts() {}

  /** For each match its groups, the whole first; a group that did not take part is empty. */
  static List<List<String>> matches(Pattern pattern, String text) {
    return pattern
        .matcher(text)
        .results()
        .map(match ->
            IntStream.rangeClosed(0, match.groupCount())
                .mapToObj(i -> Objects.requireNonNullElse(match.group(i), ""))
                .toList())
        .toList();
  }

  /** The first group of the first match. */
  static String first(Pattern pattern, String text) {
    List<List<String>> found = matches(pattern, text);
    if (found.isEmpty()) {
      throw new AssertionError("no " + pattern + " in: " + text);
    }
    return found.getFirst().get(1);
  }

  static String property(String name) {
    return Objects.requireNonNull(System.getProperty(name), name);
  }
}
