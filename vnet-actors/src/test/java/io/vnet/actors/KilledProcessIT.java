package io.vnet.actors;

import static io.vnet.actors.testkit.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.LifeToKill.Point;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.ChildJvm;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import io.vnet.io.testkit.Progress;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A process that is killed (SIGKILL) leaves no interface and keeps no namespace alive, wherever its
 * devices are in their lives.
 */
@ExtendWith(NetworkNamespaces.class)
class KilledProcessIT {
  private static final int ROUNDS = Integer.getInteger("vnet.soak.kills", 20);
  private static final int GUARD_SECONDS = 60;
  private static final int KILLED = 128 + 9;

  private static Set<Point> points(boolean transientDevice) {
    Set<Point> points = EnumSet.allOf(Point.class);
    if (transientDevice) {
      // Its close is the beginning of its destroy.
      points.remove(Point.CLOSED);
    }
    return points;
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void a_kill_with_a_device_at_each_point_of_its_life_leaves_nothing(
      boolean transientDevice, NetworkNamespace namespace) {
    killAt(points(transientDevice), transientDevice, namespace);
  }

  @Test
  @Tag("soak")
  void kills_at_each_point_alone_leave_nothing(NetworkNamespace namespace) {
    int kills = 0;
    try (Progress progress = Progress.of("soak of rounds of kills", ROUNDS)) {
      for (int round = 0; round < ROUNDS; round++) {
        boolean transientDevice = round % 2 == 1;
        for (Point point : points(transientDevice)) {
          killAt(EnumSet.of(point), transientDevice, namespace);
          kills++;
        }
        progress.done(round);
      }
    }
    System.out.println("soak of kills: " + kills);
    assertThat(kills).isGreaterThanOrEqualTo(ROUNDS);
  }

  private static void killAt(
      Set<Point> points, boolean transientDevice, NetworkNamespace namespace) {
    List<String> arguments = new ArrayList<>();
    arguments.add(namespace.path().toString());
    arguments.add(Boolean.toString(transientDevice));
    points.forEach(point -> arguments.add(point.name()));
    Process child = start(arguments);
    Queue<String> said = new ConcurrentLinkedQueue<>();
    try {
      CompletableFuture<Boolean> reached =
          CompletableFuture.supplyAsync(
              () -> listen(child, points, said), task -> Thread.ofPlatform().daemon().start(task));
      assertThat(reached.completeOnTimeout(false, GUARD_SECONDS, TimeUnit.SECONDS).join())
          .as("%s", said)
          .isTrue();
      String links = Program.outputIn(namespace, "ip", "-o", "link");
      for (Point point : points) {
        assertThat(links.contains(" " + point.interfaceName() + ":"))
            .as("%s before the kill: %s", point, links)
            .isEqualTo(point.hasInterface());
      }
      String inode = namespaceOf(said);
      assertThat(holders(inode)).contains(child.pid());

      kill(child);

      assertThat(Program.outputIn(namespace, "ip", "-o", "link")).doesNotContain(LifeToKill.PREFIX);
      assertThat(holders(inode)).isEmpty();
    } finally {
      child.destroyForcibly();
    }
  }

  private static Process start(List<String> arguments) {
    try {
      return new ProcessBuilder(
              ChildJvm.command(
                  List.of(
                      "--enable-native-access=ALL-UNNAMED",
                      "--sun-misc-unsafe-memory-access=allow"),
                  LifeToKill.class,
                  arguments.toArray(String[]::new)))
          .redirectErrorStream(true)
          .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** True when all points have been reached; false if the child ended before. */
  private static boolean listen(Process child, Set<Point> points, Queue<String> said) {
    Set<Point> missing = EnumSet.copyOf(points);
    // Not closed: that would be a broken pipe for the child.
    BufferedReader lines = child.inputReader(StandardCharsets.UTF_8);
    try {
      while (!missing.isEmpty()) {
        String line = lines.readLine();
        if (line == null) {
          return false;
        }
        said.add(line);
        missing.removeIf(point -> line.equals("reached " + point));
      }
    } catch (IOException e) {
      said.add(e.toString());
      return false;
    }
    return true;
  }

  private static String namespaceOf(Queue<String> said) {
    return said.stream()
        .filter(line -> line.startsWith("namespace "))
        .findFirst()
        .orElseThrow()
        .substring("namespace ".length());
  }

  private static void kill(Process child) {
    child.destroyForcibly();
    await().until(() -> !child.isAlive());
    assertThat(child.exitValue()).isEqualTo(KILLED);
  }

  /** The processes that are in a namespace, or hold it by a descriptor. */
  private static Set<Long> holders(String inode) {
    try (Stream<ProcessHandle> processes = ProcessHandle.allProcesses()) {
      return processes
          .map(ProcessHandle::pid)
          .filter(pid -> {
            Path process = Path.of("/proc", Long.toString(pid));
            return links(process.resolve("fd"), "").anyMatch(inode::equals)
                || links(process.resolve("task"), "ns/net").anyMatch(inode::equals);
          })
          .collect(Collectors.toSet());
    }
  }

  /** Where the links in a directory, or below each of its entries, lead to. */
  private static Stream<String> links(Path directory, String below) {
    List<String> targets = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        targets.add(target(entry.resolve(below)));
      }
    } catch (IOException | DirectoryIteratorException e) {
      // The process has ended, and holds nothing.
      return Stream.empty();
    }
    return targets.stream();
  }

  private static String target(Path link) {
    try {
      return Files.readSymbolicLink(link).toString();
    } catch (IOException e) {
      // Closed meanwhile.
      return "";
    }
  }
}
