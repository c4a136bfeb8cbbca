package io.vnet.tunnel.uapi;

import io.netty.channel.ChannelException;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.Socket;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.InterfaceNames;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NativeLibc;
import io.vnet.tunnel.settings.TunnelControl;
import io.vnet.tunnel.settings.ZoneNames;
import io.vnet.tunnel.uapi.SocketFile.Listening;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves a tunnel to the tool wg and its like at {@code /var/run/wireguard/NAME.sock}: any number
 * of clients, any number of operations each, one operation at a time. Safe on any thread.
 *
 * <p><b>Owner:</b> who made it closes it, also after the file was deleted from outside. It has one
 * thread of its own, on which nothing blocks, and one that waits for the file's deletion. The
 * tunnel is not closed with it.
 */
public final class UapiServer implements AutoCloseable {
  /** Where tools look for sockets. */
  public static final Path DIRECTORY = Path.of("/var/run/wireguard");

  /** The environment's variable with a descriptor that listens already. */
  public static final String INHERITED = "WG_UAPI_FD";

  private static final Logger LOG = LoggerFactory.getLogger(UapiServer.class);
  private static final int BACKLOG = 128;

  // asm-generic/socket.h
  private static final int SO_TYPE = 3;
  private static final int SO_DOMAIN = 39;

  private final String name;
  private final SocketFile file;
  private final TunnelControl control;
  private final ZoneNames zones;
  private final MultiThreadIoEventLoopGroup group;
  private final IoEventLoop loop;
  private final UapiListener listener;
  private final Operations operations = new Operations();
  private final AtomicBoolean closed = new AtomicBoolean();
  private final FileWatch watch;

  /** Closes the socket if it fails. */
  private UapiServer(
      String name,
      Socket socket,
      SocketFile file,
      TunnelControl control,
      ZoneNames zones,
      Runnable deleted)
      throws IOException {
    this.name = name;
    this.file = file;
    this.control = control;
    this.zones = zones;
    this.group = group(name, socket);
    this.loop = group.next();
    this.listener = new UapiListener(socket, loop, zones, operations::submit);
    FileWatch started = null;
    try {
      started =
          FileWatch.start(
              file,
              () -> {
                if (!closed.get()) {
                  deleted.run();
                }
              });
      IoRegistration registration = loop.register(listener).syncUninterruptibly().getNow();
      registration.submit(UapiListener.INTEREST);
    } catch (Throwable e) {
      if (started != null) {
        started.close();
      }
      stopLoop();
      throw e;
    }
    this.watch = started;
  }

  /** It needs descriptors, of which there may be none left. */
  private static MultiThreadIoEventLoopGroup group(String name, Socket socket) throws IOException {
    try {
      return new MultiThreadIoEventLoopGroup(
          1, new DefaultThreadFactory("vnet-uapi-" + name, true), EpollIoHandler.newFactory());
    } catch (Throwable e) {
      socket.close();
      throw e;
    }
  }

  /**
   * Makes the socket and serves it. The directory is made (0755) if there is none. The file of a
   * program that has ended is taken over. Only this user can connect.
   *
   * @param directory {@link #DIRECTORY}
   * @param name the interface's
   * @param control what is asked and told
   * @param zones interfaces of the namespace that the tunnel's sockets are in
   * @param deleted called when the file is gone (deleted, moved, replaced) without {@link #close},
   *     once, on a thread that may block: tools end a tunnel so
   * @throws VnetException EADDRINUSE: another program serves this name; EACCES; EINVAL,
   *     ENAMETOOLONG: no name of an interface; EOPNOTSUPP: not on this system
   */
  public static UapiServer listen(
      Path directory, String name, TunnelControl control, ZoneNames zones, Runnable deleted) {
    Path path = path(directory, name);
    checkSystem(path);
    Listening listening = SocketFile.listen(path);
    try {
      return new UapiServer(name, listening.socket(), listening.file(), control, zones, deleted);
    } catch (IOException e) {
      discard(listening);
      throw SocketFile.failure(path, e);
    } catch (RuntimeException e) {
      discard(listening);
      throw e;
    }
  }

  private static void discard(Listening listening) {
    try {
      listening.file().deleteUnchanged();
    } catch (IOException e) {
      LOG.warn("{} is left behind", listening.file().path(), e);
    }
  }

  /**
   * Serves a socket that listens already, as a parent process or a service manager hands it over.
   * The descriptor is this server's from now on, also if this fails.
   *
   * @param descriptor of a Unix stream socket that is bound to the interface's file
   * @throws VnetException as {@link #listen}; EBADF, EINVAL: not such a descriptor, so others than
   *     the file's owner might connect; ENOENT: there is no file, so its deletion could not end the
   *     tunnel
   */
  public static UapiServer adopt(
      int descriptor,
      Path directory,
      String name,
      TunnelControl control,
      ZoneNames zones,
      Runnable deleted) {
    Path path = path(directory, name);
    checkSystem(path);
    Libc libc = NativeLibc.load();
    boolean fit = false;
    try {
      Socket socket = prepared(libc, descriptor, path);
      SocketFile file = present(path);
      checkBound(libc, descriptor, path);
      fit = true;
      return new UapiServer(name, socket, file, control, zones, deleted);
    } catch (IOException e) {
      throw SocketFile.failure(path, e);
    } finally {
      if (!fit) {
        libc.close(descriptor);
      }
    }
  }

  private static SocketFile present(Path path) throws IOException {
    return SocketFile.at(path)
        .orElseThrow(() ->
            new VnetException(
                "adopt",
                path.toString(),
                Errno.ENOENT,
                "the inherited socket's file is not there",
                "bind the socket to it"));
  }

  /** Refuses what is not bound to this file, by whatever name. */
  private static void checkBound(Libc libc, int descriptor, Path path) throws IOException {
    Optional<Path> bound = SocketFile.boundTo(libc, descriptor);
    if (bound.isEmpty() || !Files.exists(bound.get()) || !Files.isSameFile(bound.get(), path)) {
      throw unfit(descriptor, path, Errno.EINVAL, "it is not bound to this file");
    }
  }

  /** The event loop must not block in it. */
  private static Socket prepared(Libc libc, int descriptor, Path path) {
    long flags = libc.fcntl(descriptor, LinuxConstants.F_GETFL, 0);
    long result =
        flags < 0
            ? flags
            : libc.fcntl(descriptor, LinuxConstants.F_SETFL, flags | LinuxConstants.O_NONBLOCK);
    if (result < 0) {
      throw unfit(descriptor, path, Errno.ofNumber((int) -result), Libc.meaning(result));
    }
    try {
      Socket socket = new Socket(descriptor);
      // Before it listens, which binds a socket of the network to some port.
      if (socket.getIntOpt(LinuxConstants.SOL_SOCKET, SO_DOMAIN) != LinuxConstants.AF_UNIX
          || socket.getIntOpt(LinuxConstants.SOL_SOCKET, SO_TYPE) != SocketFile.SOCK_STREAM) {
        throw unfit(descriptor, path, Errno.EINVAL, "it is no Unix stream socket");
      }
      // On one that listens it changes the queue's length only.
      socket.listen(BACKLOG);
      return socket;
    } catch (ChannelException | IOException e) {
      throw unfit(descriptor, path, Errno.EINVAL, String.valueOf(e.getMessage()));
    }
  }

  private static VnetException unfit(int descriptor, Path path, Errno errno, String reason) {
    return new VnetException(
        "adopt",
        path.toString(),
        errno,
        "descriptor " + descriptor + ": " + reason,
        "hand over a socket that listens at this file");
  }

  /**
   * The descriptor that a parent process has left for {@link #adopt} in {@link #INHERITED}.
   *
   * @throws VnetException EINVAL: the variable is no descriptor's number
   */
  public static OptionalInt inherited(Map<String, String> environment) {
    String value = environment.get(INHERITED);
    if (value == null || value.isEmpty()) {
      return OptionalInt.empty();
    }
    if (!value.matches("[0-9]{1,9}")) {
      throw new VnetException(
          "adopt",
          INHERITED,
          Errno.EINVAL,
          "'" + value + "' is no descriptor's number",
          "unset it, or hand over a socket that listens");
    }
    return OptionalInt.of(Integer.parseInt(value));
  }

  /** The socket of an interface. */
  public static Path path(Path directory, String name) {
    InterfaceNames.check("listen", name);
    return directory.resolve(name + ".sock");
  }

  private static void checkSystem(Path path) {
    Throwable cause = Epoll.unavailabilityCause();
    if (cause != null) {
      throw new VnetException(
          "listen",
          path.toString(),
          Errno.EOPNOTSUPP,
          "Netty's epoll transport is not available",
          "use Linux, with netty-transport-native-epoll for this machine",
          cause);
    }
  }

  /** What clients want, one after the other. On the event loop. */
  private final class Operations {
    private record Waiting(UapiRequest request, Consumer<String> reply) {}

    private final Queue<Waiting> queue = new ArrayDeque<>();
    private boolean running;

    void submit(UapiRequest request, Consumer<String> reply) {
      queue.add(new Waiting(request, reply));
      next();
    }

    private void next() {
      if (running || queue.isEmpty()) {
        return;
      }
      running = true;
      Waiting first = queue.remove();
      var _ =
          start(first.request)
              .exceptionally(this::refusal)
              .thenAccept(reply -> finish(first, reply));
    }

    private CompletionStage<String> start(UapiRequest request) {
      try {
        return switch (request) {
          case UapiRequest.Get _ ->
              control.status().thenApply(status -> UapiText.status(status, zones));
          case UapiRequest.Set set ->
              control.change(set.change()).thenApply(_ -> UapiText.errno(UapiErrno.OK));
        };
      } catch (RuntimeException e) {
        return CompletableFuture.failedStage(e);
      }
    }

    private String refusal(Throwable failure) {
      int errno = UapiErrno.of(failure);
      if (errno == UapiErrno.UNKNOWN) {
        LOG.warn("{}: an operation failed", name, failure);
      }
      return UapiText.errno(errno);
    }

    /** On the thread that completed it. */
    private void finish(Waiting done, String reply) {
      try {
        loop.execute(() -> {
          running = false;
          done.reply.accept(reply);
          next();
        });
      } catch (RejectedExecutionException e) {
        LOG.debug("{}: closed before the reply", name);
      }
    }
  }

  /** Where clients connect. */
  public Path path() {
    return file.path();
  }

  /**
   * Ends all connections and deletes the file. Waits for that, except on the server's own thread.
   */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    watch.close();
    try {
      file.delete();
    } catch (IOException e) {
      LOG.warn("{} is left behind", file.path(), e);
    }
    stopLoop();
  }

  /** Closes all sockets and ends the loop. */
  private void stopLoop() {
    loop.execute(listener::end);
    var _ = group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    if (!loop.inEventLoop()) {
      group.terminationFuture().awaitUninterruptibly();
    }
  }
}
