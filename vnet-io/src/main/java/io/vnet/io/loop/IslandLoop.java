package io.vnet.io.loop;

import io.netty.channel.EventLoop;
import io.netty.channel.IoEvent;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SingleThreadEventLoop;
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
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
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
  private static final EpollIoOps READABLE_OR_WRITABLE = READABLE.with(EpollIoOps.EPOLLOUT);

  private final String name;
  private final Optional<UringHandler> uring;
  private final MultiThreadIoEventLoopGroup group;
  private final IoEventLoop loop;
  private final Turns turns;

  /** Who was promised to be told, and has not been. */
  private final Set<Cancelling> cancelling = ConcurrentHashMap.newKeySet();

  /** Over epoll, which works everywhere, without busy polling. Starts the thread. */
  public IslandLoop() {
    this(Optional.empty(), Duration.ZERO);
  }

  /**
   * Over epoll. Starts the thread.
   *
   * @param busyPoll how long to look on before sleeping
   */
  public static IslandLoop epoll(Duration busyPoll) {
    return new IslandLoop(Optional.empty(), busyPoll);
  }

  /** As {@link #uring(Libc, Duration)} without busy polling. */
  public static IslandLoop uring(Libc libc) {
    return uring(libc, Duration.ZERO);
  }

  /**
   * Over io_uring. Starts the thread.
   *
   * @param libc makes the system calls
   * @param busyPoll how long to look on before sleeping
   * @throws VnetException as the kernel refuses: EPERM: it is forbidden here; ENOSYS, EINVAL,
   *     EOPNOTSUPP: the kernel is older than 6.7
   */
  public static IslandLoop uring(Libc libc, Duration busyPoll) {
    UringHandler handler = new UringHandler(libc, new BusyPoll(busyPoll));
    IslandLoop island = new IslandLoop(Optional.of(handler), busyPoll);
    try {
      island.execute(() -> {});
      handler.awaitStart();
      return island;
    } catch (VnetException e) {
      island.close();
      throw e;
    }
  }

  private IslandLoop(Optional<UringHandler> uring, Duration busyPoll) {
    this.name = "vnet-island-" + NUMBERS.getAndIncrement();
    this.uring = uring;
    this.group =
        uring.isPresent()
            ? new MultiThreadIoEventLoopGroup(
                1, (ThreadFactory) task -> new IslandThread(task, name), _ -> uring.get())
            : new MultiThreadIoEventLoopGroup(
                1,
                Thread.ofPlatform().daemon().name(name).factory(),
                EpollIoHandler.newFactory(0, () -> new BusyPoll(busyPoll)));
    this.loop = group.next();
    this.turns = new Turns((SingleThreadEventLoop) loop);
    group
        .terminationFuture()
        .addListener(_ -> {
          turns.runRest();
          List.copyOf(cancelling).forEach(Cancelling::run);
        });
  }

  /** Whether it is over io_uring, else over epoll. */
  public boolean isUring() {
    return uring.isPresent();
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
     * @param result epoll_ctl(2)'s, or the ring's, {@code -errno}
     */
    void refused(long result);
  }

  /** A descriptor on the loop. */
  public interface Watch {
    /**
     * Takes the descriptor off the loop. From any thread.
     *
     * @param done called once when no callback can come any more: on the loop's thread, or, if the
     *     loop has ended or ends before, on another one
     */
    void cancel(Runnable done);
  }

  /**
   * Told what the poller sees of a socket; on the loop's thread, and must not block. An error that
   * waits in a socket is something to read.
   */
  public interface SocketWatcher {
    /** There may be something to read. */
    void readable();

    /** There may be room to write, after {@link SocketWatch#awaitWritable}. */
    void writable();

    /**
     * The poller does not take the descriptor; no signal will come.
     *
     * @param result epoll_ctl(2)'s, {@code -errno}
     */
    void refused(long result);
  }

  /** A socket on the loop. */
  public interface SocketWatch extends Watch {
    /**
     * Asks for one signal when there is room to write, at once if there is. From any thread.
     *
     * <p>Asked for and not always on, because the kernel would wake the loop for each datagram that
     * has left: over epoll two epoll_ctl(2), over io_uring one request.
     */
    void awaitWritable();
  }

  /** Watches a non-blocking socket, edge-triggered. From any thread. */
  public SocketWatch watchSocket(int fd, SocketWatcher watcher) {
    if (uring.isEmpty()) {
      SocketHandle handle = new SocketHandle(fd, watcher);
      Watch watch = register(handle, watcher::refused);
      return new SocketWatch() {
        @Override
        public void awaitWritable() {
          loop.execute(handle::awaitWritable);
        }

        @Override
        public void cancel(Runnable done) {
          watch.cancel(done);
        }
      };
    }
    UringHandler.SocketPolls polls = uring.get().new SocketPolls(fd, watcher);
    loop.execute(polls::start);
    return new SocketWatch() {
      @Override
      public void awaitWritable() {
        loop.execute(polls::awaitWritable);
      }

      @Override
      public void cancel(Runnable done) {
        cancelling(done, told -> loop.execute(() -> polls.cancel(told)));
      }
    };
  }

  /** Watches a non-blocking descriptor, edge-triggered. From any thread. */
  public Watch watch(int fd, Watcher watcher) {
    return uring.isPresent()
        ? poll(uring.get(), fd, watcher)
        : register(new Handle(fd, watcher), watcher::refused);
  }

  private Watch poll(UringHandler handler, int fd, Watcher watcher) {
    UringHandler.Poll poll = handler.new Poll(fd, watcher);
    loop.execute(() -> handler.start(poll));
    return done ->
        cancelling(done, told -> loop.execute(() -> handler.cancel(poll, poll.isArmed(), told)));
  }

  /** Tells once, whoever comes first: the one who cancels, or the end of the loop. */
  private final class Cancelling implements Runnable {
    private final Runnable done;

    Cancelling(Runnable done) {
      this.done = done;
    }

    @Override
    public void run() {
      if (cancelling.remove(this)) {
        done.run();
      }
    }
  }

  /**
   * Cancels something so that {@code done} is called also if the loop ends over it: an ended loop
   * watches nothing any more, and takes no task.
   *
   * @param cancel given what to call when no callback can come any more
   */
  void cancelling(Runnable done, Consumer<Runnable> cancel) {
    Cancelling promise = new Cancelling(done);
    cancelling.add(promise);
    if (!group.isShutdown()) {
      try {
        cancel.accept(promise);
      } catch (RejectedExecutionException e) {
        // It takes no task any more: it is its end that tells.
      }
    }
    if (group.isTerminated()) {
      promise.run();
    }
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

  private Watch register(LoopHandle handle, LongConsumer refused) {
    Future<IoRegistration> registration = loop.register(handle);
    registration.addListener(_ -> {
      try {
        if (registration.isSuccess()) {
          handle.registered(registration.getNow());
        } else {
          refused.accept(errno(registration.cause()));
        }
      } catch (UncheckedIOException e) {
        // From submit; thrown on, it would end in Netty's log.
        refused.accept(errno(e.getCause()));
      }
    });
    return done ->
        cancelling(
            done,
            told ->
                registration.addListener(_ ->
                    loop.execute(() -> {
                      if (registration.isSuccess()) {
                        registration.getNow().cancel();
                      }
                      told.run();
                    })));
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

  @Override
  public void executeInTurn(Runnable task) {
    if (loop.inEventLoop()) {
      turns.add(task);
    } else {
      loop.execute(task);
    }
  }

  /** Stops the thread and waits for it. */
  @Override
  public void close() {
    var _ = group.shutdownGracefully(0, 5, TimeUnit.SECONDS);
    group.terminationFuture().awaitUninterruptibly();
  }

  /** A descriptor in Netty's poller. */
  private abstract static class LoopHandle implements EpollIoHandle {
    private final FileDescriptor fd;

    LoopHandle(int fd) {
      this.fd = new FileDescriptor(fd);
    }

    @Override
    public final FileDescriptor fd() {
      return fd;
    }

    /** The poller has it: says what for. */
    void registered(IoRegistration registration) {
      registration.submit(READABLE);
    }

    @Override
    public final void close() {
      // The loop is stopping; the descriptor is its backend's, which closes it.
    }
  }

  private static final class Handle extends LoopHandle {
    private final Watcher watcher;

    Handle(int fd, Watcher watcher) {
      super(fd);
      this.watcher = watcher;
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
  }

  /** A socket in Netty's poller; all on the loop's thread. */
  private static final class SocketHandle extends LoopHandle {
    private final SocketWatcher watcher;
    private @Nullable IoRegistration registered;
    private boolean awaiting;

    SocketHandle(int fd, SocketWatcher watcher) {
      super(fd);
      this.watcher = watcher;
    }

    @Override
    void registered(IoRegistration registration) {
      registered = registration;
      submit(registration);
    }

    private void submit(IoRegistration registration) {
      registration.submit(awaiting ? READABLE_OR_WRITABLE : READABLE);
    }

    void awaitWritable() {
      IoRegistration registration = registered;
      awaiting = true;
      if (registration != null && registration.isValid()) {
        submit(registration);
      }
    }

    @Override
    public void handle(IoRegistration registration, IoEvent event) {
      EpollIoOps ops = ((EpollIoEvent) event).ops();
      if (awaiting && ops.contains(EpollIoOps.EPOLLOUT)) {
        awaiting = false;
        submit(registration);
        watcher.writable();
      }
      if (ops.contains(EpollIoOps.EPOLLIN) || ops.contains(EpollIoOps.EPOLLERR)) {
        watcher.readable();
      }
    }
  }
}
