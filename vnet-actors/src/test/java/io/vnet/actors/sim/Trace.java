package io.vnet.actors.sim;

import java.util.ArrayList;
import java.util.List;

/**
 * What happened in one schedule: the last few thousand entries as text on demand, and a digest of
 * all of them.
 */
final class Trace {
  private static final int ENTRIES = 1 << 12;

  private final Object[] entries = new Object[ENTRIES];
  private long count;
  private long digest;

  /** A message on its way. */
  private record Sent(String to, Class<?> message) {
    @Override
    public String toString() {
      return "      -> " + to + ": " + message.getSimpleName();
    }
  }

  /** Something to read. */
  private record Note(String text) {
    @Override
    public String toString() {
      return "      " + text;
    }
  }

  void clear() {
    count = 0;
    digest = 1;
  }

  void step(Lane lane) {
    add(lane, lane.key.hashCode());
  }

  void sent(String to, Class<?> message) {
    add(new Sent(to, message), to.hashCode() + 31 * message.getName().hashCode());
  }

  void note(String text) {
    add(new Note(text), text.hashCode());
  }

  long digest() {
    return digest;
  }

  /** The end of the trace, one entry a line; steps are numbered from the schedule's begin. */
  String text() {
    List<String> lines = new ArrayList<>();
    if (count > ENTRIES) {
      lines.add("(" + (count - ENTRIES) + " entries before)");
    }
    for (long i = Math.max(0, count - ENTRIES); i < count; i++) {
      lines.add(entries[(int) (i & (ENTRIES - 1))].toString());
    }
    return String.join("\n", lines);
  }

  private void add(Object entry, int hash) {
    entries[(int) (count++ & (ENTRIES - 1))] = entry;
    digest = (digest ^ hash) * 0x9E3779B97F4A7C15L;
    digest ^= digest >>> 29;
  }
}
