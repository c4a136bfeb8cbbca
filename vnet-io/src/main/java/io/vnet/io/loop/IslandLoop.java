package io.vnet.io.loop;

import io.netty.channel.EventLoop;
import io.netty.channel.IoEvent;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoEvent;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.Errors;
import io.netty.channel.unix.FileDescriptor;
import io.netty.util.concurrent.Future;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.port.Island;
import io.vnet.io.libc.Libc;
import java.io.UncheckedIOException;
import java.util.Optional;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * An island over a Netty event loop with one thread.
 *
 * <p><b>A wake-up costs</b>, over epoll, one epoll_wait(2) for all descriptors that became ready,
 * and one callback each; registrations are edge-triggered, so no epoll_ctl(2) follows. Over
 * io_uring, one io_uring_enter(2), which brings the packets too where they are read ahead.
 */
public final class IslandLoop implements Island, AutoCloseable {
  private static final AtomicInteger NUMBERS = new AtomicInteger();
  private static final EpollIoOps READABLE = EpollIoOps.EPOLLIN.with(EpollIoOps.EPOLLET);

  private final String name;
  private final Optional<UringHandler> uring;
  private final MultiThreadIoEventLoopGroup group;
  private final IoEventLoop loop;

  /** Over epoll, which works everywhere. Starts the thread. */
  public IslandLoop() {
    this(Optional.empty());
  }

  /**
   * Over io_uring. Starts the thread.
   *
   * @throws VnetException as the kernel refuses: EPERM: it is forbidden here; ENOSYS, EINVAL,
   *     EOPNOTSUPP: the kernel is older than 6.7
   */
  public static IslandLoop uring(Libc libc) {
    UringHandler handler = new UringHandler(libc);
    IslandLoop island = new IslandLoop(Optional.of(handler));
    try {
      island.execute(() -> {});
      handler.awaitStart();
      return island;
    } catch (VnetException e) {
      island.close();
      throw e;
    }
  }

  private IslandLoop(Optional<UringHandler> uring) {
    this.name = "vnet-island-" + NUMBERS.getAndIncrement();
    this.uring = uring;
    this.group =
        uring.isPresent()
            ? new MultiThreadIoEventLoopGroup(
                1, (ThreadFactory) task -> new IslandThread(task, name), _ -> uring.get())
            : new MultiThreadIoEventLoopGroup(
                1, Thread.ofPlatform().daemon().name(name).factory(), EpollIoHandler.newFactory());
    this.loop = group.next();
  }

  /** Told what the poller sees; on the loop's thread, and must not block. */
  public interface Watcher {
    /** There may be something to read. */
    void readable();

    /** The descriptor's device is gone. */
    void broken();

    /**
     * The poller does not take the descriptor; no signal will come.
     *
     * @param result epoll_ctl(2)'s, {@code -errno}
     */
    void refused(long result);
  }

  /** A descriptor on the loop. */
  public interface Watch {
    /**
     * Takes the descriptor off the loop. From any thread.
     *
     * @param done called on the loop's thread when no callback can come any more
     */
    void cancel(Runnable done);
  }

  /** Watches a non-blocking descriptor, edge-triggered. From any thread. */
  public Watch watch(int fd, Watcher watcher) {
    return uring.isPresent() ? poll(uring.get(), fd, watcher) : register(fd, watcher);
  }

  private Watch poll(UringHandler handler, int fd, Watcher watcher) {
    UringHandler.Poll poll = handler.new Poll(fd, watcher);
    loop.execute(() -> handler.start(poll));
    return done -> loop.execute(() -> handler.cancel(poll, poll.isArmed(), done));
  }

  /**
   * Reads packets before they are asked for, if this island can. From any thread.
   *
   * @param roomBytes the longest packet
   */
  public Optional<ReadAhead> readAhead(int fd, Watcher watcher, int roomBytes) {
    if (uring.isEmpty()) {
      return Optional.empty();
    }
    ReadAhead ahead = new ReadAhead(this, uring.get(), fd, watcher, roomBytes);
    loop.execute(() -> {
      try {
        ahead.start();
      } catch (VnetException e) {
        watcher.refused(-e.errno().number());
      }
    });
    return Optional.of(ahead);
  }

  private Watch register(int fd, Watcher watcher) {
    Future<IoRegistration> registration = loop.register(new Handle(fd, watcher));
    registration.addListener(_ -> {
      try {
        if (registration.isSuccess()) {
          registration.getNow().submit(READABLE);
        } else {
          watcher.refused(errno(registration.cause()));
        }
      } catch (UncheckedIOException e) {
        // From submit; thrown on, it would end in Netty's log.
        watcher.refused(errno(e.getCause()));
      }
    });
    return done ->
        registration.addListener(_ ->
            loop.execute(() -> {
              if (registration.isSuccess()) {
                registration.getNow().cancel();
              }
              done.run();
            }));
  }

  private static long errno(@Nullable Throwable cause) {
    return cause instanceof Errors.NativeIoException failed
        ? failed.expectedErr()
        : -Errno.EIO.number();
  }

  @Override
  public String name() {
    return name;
  }

  /**
   * The event loop itself, for channels of Netty's; over io_uring only for those that bring no
   * handle of a poller. To be shut down by {@link #close} alone.
   */
  public EventLoop eventLoop() {
    return loop;
  }

  @Override
  public boolean inIsland() {
    return loop.inEventLoop();
  }

  @Override
  public void execute(Runnable task) {
    loop.execute(task);
  }

  /** Stops the thread and waits for it. */
  @Override
  public void close() {
    var _ = group.shutdownGracefully(0, 5, TimeUnit.SECONDS);
    group.terminationFuture().awaitUninterruptibly();
  }

  private static final class Handle implements EpollIoHandle {
    private final FileDescriptor fd;
    private final Watcher watcher;

    Handle(int fd, Watcher watcher) {
      this.fd = new FileDescriptor(fd);
      this.watcher = watcher;
    }

    @Override
    public FileDescriptor fd() {
      return fd;
    }

    @Override
    public void handle(IoRegistration registration, IoEvent event) {
      EpollIoOps ops = ((EpollIoEvent) event).ops();
      if (ops.contains(EpollIoOps.EPOLLERR)) {
        watcher.broken();
      } else {
        watcher.readable();
      }
    }

    @Override
    public void close() {
      // The loop is stopping; the descriptor is its backend's, which closes it.
    }
  }
}
