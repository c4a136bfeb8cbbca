package io.vnet.examples.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** This process's open descriptors of the kinds that networking uses, where /proc shows them. */
final class Descriptors {
  private Descriptors() {}

  /**
   * How many there are, by kind: tun, socket, network namespace, anonymous inodes (epoll, eventfd).
   */
  static Map<String, Integer> count() {
    Map<String, Integer> kinds = new TreeMap<>();
    Path directory = Path.of("/proc/self/fd");
    if (!Files.isDirectory(directory)) {
      return kinds;
    }
    try (DirectoryStream<Path> links = Files.newDirectoryStream(directory)) {
      for (Path link : links) {
        String kind = kind(link);
        if (!kind.isEmpty()) {
          kinds.merge(kind, 1, Integer::sum);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return kinds;
  }

  private static String kind(Path link) throws IOException {
    String target;
    try {
      target = Files.readSymbolicLink(link).toString();
    } catch (NoSuchFileException e) {
      // The descriptor of the directory stream itself, or one that was closed meanwhile.
      return "";
    }
    if (target.equals("/dev/net/tun")) {
      return "tun";
    }
    int colon = target.indexOf(':');
    return switch (colon < 0 ? "" : target.substring(0, colon)) {
      case "socket" -> "socket";
      case "net" -> "namespace";
      case "anon_inode" -> target.substring(colon + 1);
      default -> "";
    };
  }
}
