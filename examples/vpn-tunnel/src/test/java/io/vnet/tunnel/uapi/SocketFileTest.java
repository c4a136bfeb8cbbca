package io.vnet.tunnel.uapi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.epoll.Epoll;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.testkit.ChildJvm;
import io.vnet.io.testkit.Program;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files of sockets (15.1): whose they are, and who may connect. */
class SocketFileTest {
  @TempDir private Path directory;

  @BeforeAll
  static void load() {
    Epoll.ensureAvailability();
  }

  @Test
  void a_file_that_was_touched_is_still_the_same() throws IOException {
    Path path = directory.resolve("wg0.sock");
    SocketFile.Listening listening = SocketFile.listen(path);
    Files.setLastModifiedTime(path, FileTime.fromMillis(0));
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-rw----"));

    assertThat(listening.file().isThere()).isTrue();
    listening.file().delete();
    assertThat(path).doesNotExist();
    // The inode is the open socket's: its number is not another one's.
    for (int i = 0; i < 20; i++) {
      Files.delete(Files.createFile(path));
      Files.createFile(path);
      assertThat(listening.file().isThere()).isFalse();
      Files.delete(path);
    }
    listening.socket().close();
  }

  @Test
  void a_file_that_is_stale_and_was_touched_meanwhile_stays() throws IOException {
    Path path = directory.resolve("wg0.sock");
    SocketFile.Listening listening = SocketFile.listen(path);
    listening.socket().close();
    Files.setLastModifiedTime(path, FileTime.fromMillis(0));
    listening.file().deleteUnchanged();

    assertThat(path).exists();
    SocketFile.at(path).orElseThrow().deleteUnchanged();
    assertThat(path).doesNotExist();
  }

  /** What the kernel tells of a directory while something is done. */
  private static List<String> events(Path directory, Runnable action)
      throws IOException, InterruptedException {
    List<String> events = new ArrayList<>();
    try (WatchService watch = directory.getFileSystem().newWatchService()) {
      directory.register(
          watch, StandardWatchEventKinds.ENTRY_CREATE, StandardWatchEventKinds.ENTRY_MODIFY);
      action.run();
      Files.createDirectory(directory.resolve("the end"));
      while (!events.contains("ENTRY_CREATE the end")) {
        WatchKey key = watch.poll(30, TimeUnit.SECONDS);
        assertThat(key).as("after %s", events).isNotNull();
        for (WatchEvent<?> event : key.pollEvents()) {
          events.add(event.kind().name() + " " + event.context());
        }
        key.reset();
      }
    }
    return events;
  }

  @Test
  void the_mode_is_there_when_the_file_is() throws Exception {
    List<SocketFile.Listening> made = new ArrayList<>();
    assertThat(events(directory, () -> made.add(SocketFile.listen(directory.resolve("wg0.sock")))))
        .containsExactly("ENTRY_CREATE wg0.sock", "ENTRY_CREATE the end");
    assertThat(
            PosixFilePermissions.toString(
                Files.getPosixFilePermissions(made.getFirst().file().path())))
        .isEqualTo("rw-------");
    made.getFirst().socket().close();
  }

  /** Listens, and leaves the file. */
  static final class Leaving {
    private Leaving() {}

    public static void main(String[] arguments) {
      load();
      System.out.println(SocketFile.listen(Path.of(arguments[0])).file().path());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"000", "022", "077"})
  void modes_do_not_depend_on_the_umask(String umask) throws IOException {
    Path made = directory.resolve("wireguard");
    List<String> command =
        new ArrayList<>(List.of("sh", "-c", "umask " + umask + "; exec \"$@\"", "sh"));
    command.addAll(
        ChildJvm.command(
            List.of("--enable-native-access=ALL-UNNAMED"),
            Leaving.class,
            made.resolve("wg0.sock").toString()));
    Program program = Program.run(command);

    assertThat(program.exitCode()).as(program.output()).isZero();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(made)))
        .isEqualTo("rwxr-xr-x");
    assertThat(
            PosixFilePermissions.toString(Files.getPosixFilePermissions(made.resolve("wg0.sock"))))
        .isEqualTo("rw-------");
  }

  @Test
  void a_pipe_is_no_stale_socket() {
    Path path = directory.resolve("wg0.sock");
    assertThat(Program.run(List.of("mkfifo", path.toString())).exitCode()).isZero();

    assertThatThrownBy(() -> SocketFile.listen(path))
        .isInstanceOfSatisfying(
            VnetException.class,
            refused -> {
              assertThat(refused.errno()).isEqualTo(Errno.EADDRINUSE);
              assertThat(refused.reason()).isEqualTo("it is no socket");
            });
    assertThat(path).exists();
  }

  @Test
  void a_link_is_not_followed() throws IOException {
    Path victim = directory.resolve("victim");
    try (ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      dead.bind(UnixDomainSocketAddress.of(victim));
    }
    Path path = Files.createSymbolicLink(directory.resolve("wg0.sock"), victim);

    assertThatThrownBy(() -> SocketFile.listen(path))
        .isInstanceOfSatisfying(
            VnetException.class,
            refused -> assertThat(refused.errno()).isEqualTo(Errno.EADDRINUSE));
    assertThat(victim).exists();
    assertThat(path).isSymbolicLink();
  }
}
