package io.vnet.tunnel.uapi;

import io.netty.channel.unix.Errors;
import io.netty.channel.unix.Socket;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.libc.SocketConstants;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A socket's file, told from another one at the same path.
 *
 * @param path where it is
 * @param key device and inode
 * @param made when; an inode's number may be used again
 */
record SocketFile(Path path, @Nullable Object key, FileTime made) {
  /** {@code sun_path} of unix(7) without its final zero. */
  private static final int PATH_BYTES_MAX = 107;

  /** {@code linux/net.h}. */
  private static final int SOCK_STREAM = 1;

  private static final int BACKLOG = 128;

  /** Somebody else may take the file away between two steps, but not for ever. */
  private static final int ATTEMPTS = 16;

  /**
   * A socket that listens, and its file.
   *
   * @param socket the owner's to close
   * @param file the owner's to delete
   */
  record Listening(Socket socket, SocketFile file) {}

  /** The file that is at a path; empty if there is none. */
  static Optional<SocketFile> at(Path path) throws IOException {
    try {
      BasicFileAttributes attributes =
          Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      return Optional.of(new SocketFile(path, attributes.fileKey(), attributes.lastModifiedTime()));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  /** Whether it is still there. */
  boolean isThere() throws IOException {
    return at(path).filter(this::equals).isPresent();
  }

  /** Deletes it, and no other one that has come into its place. */
  void delete() throws IOException {
    if (isThere()) {
      Files.deleteIfExists(path);
    }
  }

  /**
   * Listens at a path. The file of a program that has ended is taken over. The mode is 0600 before
   * anybody can connect: the socket does not listen until then.
   *
   * @throws VnetException EADDRINUSE: somebody else listens there; ENAMETOOLONG; EACCES, EIO
   */
  static Listening listen(Path path) {
    if (path.toString().getBytes(StandardCharsets.UTF_8).length > PATH_BYTES_MAX) {
      throw new VnetException(
          "listen",
          path.toString(),
          Errno.ENAMETOOLONG,
          "a socket's path has at most " + PATH_BYTES_MAX + " bytes",
          "use a shorter one");
    }
    Libc libc = NativeLibc.load();
    try {
      makeDirectory(path);
      for (int i = 0; i < ATTEMPTS; i++) {
        Optional<Listening> listening = tryToListen(libc, path);
        if (listening.isPresent()) {
          return listening.get();
        }
        removeIfStale(path);
      }
    } catch (IOException e) {
      throw failure(path, e);
    }
    throw inUse(path, "it changes while it is being taken over", "stop what else uses it");
  }

  private static void makeDirectory(Path path) throws IOException {
    Path directory = path.toAbsolutePath().getParent();
    if (directory != null && !Files.isDirectory(directory)) {
      Files.createDirectories(directory);
      Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
  }

  /** Empty if there is a file, or somebody took it away in between. */
  private static Optional<Listening> tryToListen(Libc libc, Path path) throws IOException {
    int fd =
        (int)
            checked(
                path,
                libc.socket(
                    LinuxConstants.AF_UNIX,
                    SOCK_STREAM | SocketConstants.SOCK_NONBLOCK | LinuxConstants.SOCK_CLOEXEC,
                    0));
    Optional<Listening> listening = Optional.empty();
    try {
      // Not by Netty: its bind removes a file that is there.
      long bound = bind(libc, fd, path);
      if (Errno.ofNumber((int) -bound) != Errno.EADDRINUSE) {
        checked(path, bound);
        listening = listen(new Socket(fd), path);
      }
    } finally {
      if (listening.isEmpty()) {
        libc.close(fd);
      }
    }
    return listening;
  }

  private static long bind(Libc libc, int fd, Path path) {
    byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
    try (Arena arena = Arena.ofConfined()) {
      // struct sockaddr_un of linux/un.h: the family, the path, a zero.
      MemorySegment address = arena.allocate(Short.BYTES + PATH_BYTES_MAX + 1L, Short.BYTES);
      address.set(ValueLayout.JAVA_SHORT, 0, (short) LinuxConstants.AF_UNIX);
      MemorySegment.copy(name, 0, address, ValueLayout.JAVA_BYTE, Short.BYTES, name.length);
      return libc.bind(fd, address.address(), Short.BYTES + name.length + 1);
    }
  }

  private static long checked(Path path, long result) {
    if (result < 0) {
      Errno errno = Errno.ofNumber((int) -result);
      throw new VnetException(
          "listen", path.toString(), errno, Libc.meaning(result), remedy(errno));
    }
    return result;
  }

  private static Optional<Listening> listen(Socket socket, Path path) throws IOException {
    Optional<SocketFile> file = at(path);
    boolean listening = false;
    try {
      Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
      socket.listen(BACKLOG);
      // Until now it refused connections, which tools take for a reason to delete the file.
      listening = file.isPresent() && file.get().isThere();
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } finally {
      if (!listening && file.isPresent()) {
        file.get().delete();
      }
    }
    return listening ? file.map(own -> new Listening(socket, own)) : Optional.empty();
  }

  private static void removeIfStale(Path path) throws IOException {
    Optional<SocketFile> file = at(path);
    if (file.isEmpty()) {
      return;
    }
    if (!Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
        .isOther()) {
      throw inUse(path, "it is no socket", "remove it");
    }
    if (isServed(path)) {
      throw inUse(
          path,
          "another program serves an interface of this name",
          "stop that program, or use another name");
    }
    file.get().delete();
  }

  private static boolean isServed(Path path) throws IOException {
    try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      // A queue that is full must not stop it.
      probe.configureBlocking(false);
      probe.connect(UnixDomainSocketAddress.of(path));
      return true;
    } catch (ConnectException e) {
      return false;
    } catch (IOException e) {
      // Not refused: gone in the meantime, or there and not for this user.
      return at(path).isPresent();
    }
  }

  private static VnetException inUse(Path path, String reason, String remedy) {
    return new VnetException("listen", path.toString(), Errno.EADDRINUSE, reason, remedy);
  }

  /** Of the file system or of a call on the socket. */
  static VnetException failure(Path path, IOException e) {
    Errno errno =
        switch (e) {
          case Errors.NativeIoException failed -> Errno.ofNumber(-failed.expectedErr());
          case AccessDeniedException _ -> Errno.EACCES;
          case NoSuchFileException _ -> Errno.ENOENT;
          default -> Errno.EIO;
        };
    return new VnetException(
        "listen",
        path.toString(),
        errno,
        errno == Errno.EIO || errno == Errno.EUNKNOWN
            ? Objects.requireNonNullElse(e.getMessage(), "")
            : errno.meaning(),
        remedy(errno),
        e);
  }

  private static String remedy(Errno errno) {
    return errno == Errno.EACCES || errno == Errno.EPERM ? "become root" : "";
  }
}
