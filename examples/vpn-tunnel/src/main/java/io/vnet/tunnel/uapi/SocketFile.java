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
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A socket's file, told from another one at the same path.
 *
 * @param path where it is
 * @param key device and inode; a socket that is open keeps its inode, and so the number
 * @param changed when; the number of another one's inode may be used again
 */
record SocketFile(Path path, @Nullable Object key, FileTime changed) {
  /** {@code sun_path} of unix(7) without its final zero. */
  private static final int PATH_BYTES_MAX = 107;

  /** {@code linux/net.h}. */
  static final int SOCK_STREAM = 1;

  // linux/stat.h
  private static final int S_IFMT = 0170000;
  private static final int S_IFSOCK = 0140000;

  private static final Set<PosixFilePermission> OWNER_ONLY =
      PosixFilePermissions.fromString("rw-------");
  private static final Set<PosixFilePermission> ALL_MAY_LOOK =
      PosixFilePermissions.fromString("rwxr-xr-x");

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

  /**
   * Whether it is still there, as the file of a socket that is open. Its times and its mode are
   * anybody's to change.
   */
  boolean isThere() throws IOException {
    return at(path).filter(file -> Objects.equals(file.key, key)).isPresent();
  }

  /** Deletes it, and no other one that has come into its place. */
  void delete() throws IOException {
    if (isThere()) {
      Files.deleteIfExists(path);
    }
  }

  /** Deletes it if nothing about it has changed: the socket of which it is may be closed. */
  void deleteUnchanged() throws IOException {
    if (at(path).filter(this::equals).isPresent()) {
      Files.deleteIfExists(path);
    }
  }

  /**
   * Listens at a path. The file of a program that has ended is taken over. The mode is 0600 from
   * the first moment: the file takes it from the socket (unix_bind of {@code net/unix/af_unix.c}).
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
      Files.createDirectories(directory, PosixFilePermissions.asFileAttribute(ALL_MAY_LOOK));
      PosixFileAttributeView made =
          Objects.requireNonNull(
              Files.getFileAttributeView(
                  directory, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS));
      // The umask may have taken some of it.
      if (!made.readAttributes().permissions().equals(ALL_MAY_LOOK)) {
        made.setPermissions(ALL_MAY_LOOK);
      }
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
      // fchmod(2): the descriptor's link leads to the socket itself.
      Files.setPosixFilePermissions(Path.of("/proc/self/fd/" + fd), OWNER_ONLY);
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

  /** What a Unix socket is bound to; empty: to no file. */
  static Optional<Path> boundTo(Libc libc, int fd) {
    try (Arena arena = Arena.ofConfined()) {
      int room = Short.BYTES + PATH_BYTES_MAX + 1;
      MemorySegment address = arena.allocate(room + 1L, Short.BYTES);
      MemorySegment length = arena.allocateFrom(ValueLayout.JAVA_INT, room);
      long result = libc.getsockname(fd, address.address(), length.address());
      // The name of an abstract socket begins with a zero, and the path of none is empty.
      return result < 0 || address.get(ValueLayout.JAVA_BYTE, Short.BYTES) == 0
          ? Optional.empty()
          : Optional.of(Path.of(address.getString(Short.BYTES)));
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
      socket.listen(BACKLOG);
      // Until now it refused connections, which tools take for a reason to delete the file.
      listening = file.isPresent() && file.get().isThere();
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
    if (!isSocket(path)) {
      throw inUse(path, "it is no socket", "remove it");
    }
    if (isServed(path)) {
      throw inUse(
          path,
          "another program serves an interface of this name",
          "stop that program, or use another name");
    }
    file.get().deleteUnchanged();
  }

  private static boolean isSocket(Path path) throws IOException {
    int mode = (int) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
    return (mode & S_IFMT) == S_IFSOCK;
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
