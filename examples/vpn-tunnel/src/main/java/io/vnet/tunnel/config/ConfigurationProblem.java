package io.vnet.tunnel.config;

import java.util.Optional;

/**
 * Something that is wrong with a configuration, or deserves a look.
 *
 * @param file the file's name, or where else the configuration comes from
 * @param line from 1; 0: the whole
 * @param key the key or the section; may be empty
 * @param reason why, lower case
 * @param value what was given; empty for secrets and what could be one
 */
public record ConfigurationProblem(
    String file, int line, String key, String reason, Optional<String> value) {
  private static final int VALUE_CHARS_MAX = 80;

  /** {@code FILE:LINE: KEY: reason ('value')}. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(file);
    if (line > 0) {
      text.append(':').append(line);
    }
    if (!key.isEmpty()) {
      text.append(": ").append(key);
    }
    text.append(": ").append(reason);
    if (value.isPresent() && !reason.contains(value.get())) {
      text.append(" ('").append(printable(value.get())).append("')");
    }
    return text.toString();
  }

  /** Short, and without what a terminal might carry out. */
  private static String printable(String value) {
    StringBuilder text = new StringBuilder();
    int chars = Math.min(value.length(), VALUE_CHARS_MAX);
    for (int i = 0; i < chars; i++) {
      char c = value.charAt(i);
      text.append(Character.isISOControl(c) || Character.getType(c) == Character.FORMAT ? '?' : c);
    }
    return chars < value.length() ? text.append("...").toString() : text.toString();
  }
}
