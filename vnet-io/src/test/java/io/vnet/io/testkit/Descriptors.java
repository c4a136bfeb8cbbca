package io.vnet.io.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/**
 * This process's open descriptors of the kinds that networking uses, counted by kind: {@code tun},
 * {@code socket}, {@code net} (a network namespace), and anonymous inodes by their name ({@code
 * [eventpoll]}, {@code [eventfd]}). Two are equal if the counts are.
 *
 * @param byKind the counts; a kind without descriptors is absent
 */
public record Descriptors(Map<String, Integer> byKind) {
  private static final Path DIRECTORY = Path.of("/proc/self/fd");

  /** Copies the counts. */
  public Descriptors {
    byKind = Map.copyOf(byKind);
  }

  /** Those that are open now. */
  public static Descriptors now() {
    Map<String, Integer> kinds = new TreeMap<>();
    try (DirectoryStream<Path> links = Files.newDirectoryStream(DIRECTORY)) {
      for (Path link : links) {
        String kind = kind(link);
        if (!kind.isEmpty()) {
          kinds.merge(kind, 1, Integer::sum);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new Descriptors(kinds);
  }

  /** How many there are of a kind. */
  public int count(String kind) {
    return byKind.getOrDefault(kind, 0);
  }

  /** What is more (positive) or less (negative) here than before, by kind; empty: nothing. */
  public Map<String, Integer> since(Descriptors before) {
    Map<String, Integer> difference = new TreeMap<>(byKind);
    before.byKind.forEach((kind, count) -> difference.merge(kind, -count, Integer::sum));
    difference.values().removeIf(count -> count == 0);
    return difference;
  }

  private static String kind(Path link) throws IOException {
    String target;
    try {
      target = Files.readSymbolicLink(link).toString();
    } catch (NoSuchFileException e) {
      // Closed meanwhile: the directory's own descriptor, or another thread's.
      return "";
    }
    if (target.equals("/dev/net/tun")) {
      return "tun";
    }
    int colon = target.indexOf(':');
    return switch (colon < 0 ? "" : target.substring(0, colon)) {
      case "socket" -> "socket";
      case "net" -> "net";
      case "anon_inode" -> target.substring(colon + 1);
      default -> "";
    };
  }
}
