package io.vnet.io.service;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.libc.SocketConstants;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Tells the service manager how the service is, by datagrams to the socket that {@code
 * NOTIFY_SOCKET} names. Safe on any thread that may block: each call is one sendmmsg(2), which
 * waits while the manager is slow.
 *
 * <p>Source: sd_notify(3), sd_pid_notify_with_fds(3), unix(7).
 */
public final class ServiceManager implements AutoCloseable {
  private static final int CONTROL_BYTES = 24;

  private final Libc libc;
  private final byte[] address;
  private final String name;
  private final int socket;
  private boolean closed;

  private ServiceManager(Libc libc, String name, byte[] address, int socket) {
    this.libc = libc;
    this.name = name;
    this.address = address;
    this.socket = socket;
  }

  /**
   * That of this process; empty if it has none that wants to be told.
   *
   * @throws VnetException EINVAL: {@code NOTIFY_SOCKET} is no path and no abstract name; EMFILE
   */
  public static Optional<ServiceManager> ofThisProcess() {
    String name = System.getenv("NOTIFY_SOCKET");
    return name == null ? Optional.empty() : Optional.of(open(NativeLibc.load(), name));
  }

  /** As an environment says, through a given C library; errors as in {@link #ofThisProcess}. */
  public static Optional<ServiceManager> of(Libc libc, Map<String, String> environment) {
    return Optional.ofNullable(environment.get("NOTIFY_SOCKET")).map(name -> open(libc, name));
  }

  private static ServiceManager open(Libc libc, String name) {
    byte[] address = address(name);
    long socket =
        libc.socket(
            LinuxConstants.AF_UNIX, LinuxConstants.SOCK_DGRAM | LinuxConstants.SOCK_CLOEXEC, 0);
    if (socket < 0) {
      throw failure("socket", name, socket);
    }
    return new ServiceManager(libc, name, address, (int) socket);
  }

  /** A path, which ends with a zero, or a name after {@code @}, which begins with one. */
  private static byte[] address(String name) {
    byte[] path = name.getBytes(StandardCharsets.UTF_8);
    boolean named = name.startsWith("@");
    int bytes = LinuxConstants.SUN_PATH + path.length + (named ? 0 : 1);
    if (!(named || name.startsWith("/"))
        || path.length < 2
        || bytes > LinuxConstants.SOCKADDR_UN_BYTES) {
      throw new VnetException(
          "notify",
          "NOTIFY_SOCKET",
          Errno.EINVAL,
          "'" + name + "' is neither a path nor an abstract name",
          "start the process by its service manager");
    }
    byte[] address = new byte[bytes];
    System.arraycopy(path, 0, address, LinuxConstants.SUN_PATH, path.length);
    if (named) {
      address[LinuxConstants.SUN_PATH] = 0;
    }
    return address;
  }

  /**
   * Tells a state: lines of {@code KEY=value}, such as {@code READY=1} or {@code STOPPING=1}.
   *
   * @throws VnetException ECONNREFUSED, ENOENT: nobody is there
   */
  public void tell(String state) {
    send(state, OptionalInt.empty());
  }

  /**
   * Gives the manager a copy of a descriptor to keep, in the place of one of this name; it comes
   * back under the name when the service is started again, if the service's {@code
   * FileDescriptorStoreMax} allows it. The number stays the caller's.
   *
   * @param keptName at most 255 characters of ASCII, no colon
   * @throws VnetException as {@link #tell}; EBADF: it is not open
   */
  public void keep(String keptName, int descriptor) {
    forget(keptName);
    send("FDSTORE=1\nFDNAME=" + keptName, OptionalInt.of(descriptor));
  }

  /** Makes the manager close what it keeps under a name, if anything. */
  public void forget(String keptName) {
    send("FDSTOREREMOVE=1\nFDNAME=" + keptName, OptionalInt.empty());
  }

  private synchronized void send(String state, OptionalInt descriptor) {
    if (closed) {
      throw new VnetException("notify", name, Errno.EBADF, "it is closed", "");
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment message = message(arena, state, descriptor);
      long sent;
      do {
        sent = libc.sendmmsg(socket, message.address(), 1, 0);
      } while (sent < 0 && Errno.ofNumber((int) -sent) == Errno.EINTR);
      if (sent < 0) {
        throw failure("notify", name, sent);
      }
    }
  }

  /** One {@code struct mmsghdr} with all that it points to. */
  private MemorySegment message(Arena arena, String state, OptionalInt descriptor) {
    byte[] text = state.getBytes(StandardCharsets.UTF_8);
    MemorySegment vector = arena.allocate(SocketConstants.IOVEC_BYTES, 8);
    vector.set(ValueLayout.JAVA_LONG, 0, copy(arena, text).address());
    vector.set(ValueLayout.JAVA_LONG, SocketConstants.IOV_LEN, text.length);
    MemorySegment message = arena.allocate(SocketConstants.MMSGHDR_BYTES, 8);
    message.set(
        ValueLayout.JAVA_LONG, SocketConstants.MSG_NAME, withFamily(arena, address).address());
    message.set(ValueLayout.JAVA_INT, SocketConstants.MSG_NAMELEN, address.length);
    message.set(ValueLayout.JAVA_LONG, SocketConstants.MSG_IOV, vector.address());
    message.set(ValueLayout.JAVA_LONG, SocketConstants.MSG_IOVLEN, 1);
    if (descriptor.isPresent()) {
      MemorySegment control = arena.allocate(CONTROL_BYTES, 8);
      control.set(ValueLayout.JAVA_LONG, 0, SocketConstants.CMSGHDR_BYTES + Integer.BYTES);
      control.set(ValueLayout.JAVA_INT, SocketConstants.CMSG_LEVEL, LinuxConstants.SOL_SOCKET);
      control.set(ValueLayout.JAVA_INT, SocketConstants.CMSG_TYPE, LinuxConstants.SCM_RIGHTS);
      control.set(ValueLayout.JAVA_INT, SocketConstants.CMSGHDR_BYTES, descriptor.getAsInt());
      message.set(ValueLayout.JAVA_LONG, SocketConstants.MSG_CONTROL, control.address());
      message.set(ValueLayout.JAVA_LONG, SocketConstants.MSG_CONTROLLEN, CONTROL_BYTES);
    }
    return message;
  }

  private static MemorySegment withFamily(Arena arena, byte[] address) {
    MemorySegment copy = copy(arena, address);
    copy.set(ValueLayout.JAVA_SHORT, 0, (short) LinuxConstants.AF_UNIX);
    return copy;
  }

  private static MemorySegment copy(Arena arena, byte[] bytes) {
    MemorySegment copy = arena.allocate(bytes.length, 8);
    MemorySegment.copy(bytes, 0, copy, ValueLayout.JAVA_BYTE, 0, bytes.length);
    return copy;
  }

  private static VnetException failure(String operation, String object, long result) {
    Errno errno = Errno.ofNumber((int) -result);
    return new VnetException(
        operation,
        object,
        errno,
        Libc.meaning(result),
        switch (errno) {
          case EMFILE -> "close descriptors or raise the limit: ulimit -n";
          case EPERM, EACCES -> "let the service manager's socket be reached (NotifyAccess=)";
          default -> "";
        });
  }

  /** More than once is as once. */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      libc.close(socket);
    }
  }
}
