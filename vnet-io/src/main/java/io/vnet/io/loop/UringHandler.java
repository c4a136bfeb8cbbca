package io.vnet.io.loop;

import static io.vnet.io.libc.UringConstants.*;

import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoRegistration;
import io.netty.util.collection.LongObjectHashMap;
import io.netty.util.collection.LongObjectMap;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.UringConstants;
import io.vnet.io.thread.Uninterrupted;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * An event loop's poller over a raw io_uring: readiness of descriptors, reads kept in flight, and
 * batches of writes, all on the loop's thread.
 *
 * <p><b>A wake-up costs</b> one io_uring_enter(2), which collects whatever has been read meanwhile
 * and hands over what was added. A batch of writes costs one more.
 */
final class UringHandler implements IoHandler, BatchWriter {
  private static final int ENTRIES = 512;
  private static final long WAIT_MAX_NANOS = 1_000_000_000L;
  private static final long WAKE_UP = 1L << 62;
  private static final long WRITE = 1L << 61;
  private static final long CANCEL = 1L << 60;

  private final Libc libc;
  private final BusyPoll busyPoll;
  private final AtomicBoolean asleep = new AtomicBoolean();
  private final LongObjectMap<Operation> operations = new LongObjectHashMap<>();
  private final List<Operation> signalled = new ArrayList<>();
  private final Arena arena = Arena.ofShared();
  private final MemorySegment one = arena.allocateFrom(ValueLayout.JAVA_LONG, 1);
  private final int[] results = new int[ENTRIES / 2];
  // One for all looks: each batch of writes has several.
  private final UringRing.Completions completions = this::completed;
  private @Nullable UringRing ring;
  private volatile int eventFd = -1;
  private long operationNumbers;
  private int groups;
  private int writing;
  private final CountDownLatch started = new CountDownLatch(1);
  private volatile @Nullable VnetException failure;

  /** A request that completes many times. */
  abstract static class Operation {
    private long number;
    private boolean inList;
    private final List<Runnable> whenEnded = new ArrayList<>(1);
    private boolean ending;
    private boolean ended;

    /** Hands the kernel the request. */
    abstract void arm();

    /**
     * It completed.
     *
     * @return whether {@link #signal} is to be called when all completions were looked at
     */
    abstract boolean completed(int result, int flags);

    abstract void signal();

    /** No completion comes any more. */
    abstract void end();

    final long number() {
      return number;
    }

    final boolean isEnding() {
      return ending;
    }
  }

  UringHandler(Libc libc, BusyPoll busyPoll) {
    this.libc = libc;
    this.busyPoll = busyPoll;
  }

  UringRing ring() {
    UringRing own = ring;
    if (own == null) {
      throw new IllegalStateException("the loop has not started");
    }
    return own;
  }

  /**
   * Waits until the loop's thread has its ring.
   *
   * @throws VnetException why it has none
   */
  void awaitStart() {
    Uninterrupted.await(started::await);
    VnetException cause = failure;
    if (cause != null) {
      throw cause.rethrown();
    }
  }

  /** What fails is said by {@link #awaitStart}: Netty would only log it. */
  @Override
  public void initialize() {
    try {
      open();
    } catch (VnetException e) {
      failure = e;
    } finally {
      started.countDown();
    }
  }

  private void open() {
    ring = UringRing.create(libc, ENTRIES);
    long made = libc.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (made < 0) {
      throw new VnetException(
          "eventfd",
          "io_uring",
          Errno.ofNumber((int) -made),
          Libc.meaning(made),
          "close descriptors or raise the limit: ulimit -n");
    }
    eventFd = (int) made;
    armWakeUp();
    ((IslandThread) Thread.currentThread()).serve(this);
  }

  private void armWakeUp() {
    ring().add(OP_POLL_ADD, 0, eventFd, 0, POLL_ADD_MULTI, POLLIN, 0, WAKE_UP);
  }

  @Override
  public void wakeup() {
    if (asleep.getAndSet(false)) {
      libc.write(eventFd, one.address(), Long.BYTES);
    }
  }

  @Override
  public int run(IoHandlerContext context) {
    if (failure != null) {
      return 0;
    }
    asleep.set(true);
    if (!context.canBlock()) {
      busyPoll.active();
    }
    // A task that wrote may have come across completions whose signals are still to be given.
    boolean signals = !signalled.isEmpty();
    if (!signals && context.canBlock() && !busyPoll.looksAgain()) {
      long delay = context.delayNanos(System.nanoTime());
      ring().enterAndWait(delay < 0 ? 0 : Math.min(delay, WAIT_MAX_NANOS));
      asleep.set(false);
    } else {
      asleep.set(false);
      ring().enter(0);
    }
    int drained = ring().drain(completions);
    if (drained > 0) {
      busyPoll.active();
    }
    signal();
    return drained;
  }

  private void completed(long userData, int result, int flags) {
    if ((userData & WRITE) != 0) {
      results[(int) userData] = result;
      writing--;
    } else if (userData == WAKE_UP) {
      if ((flags & CQE_F_MORE) == 0) {
        armWakeUp();
      }
    } else if ((userData & CANCEL) == 0) {
      Operation operation = operations.get(userData);
      if (operation != null) {
        if (operation.completed(result, flags) && !operation.inList) {
          operation.inList = true;
          signalled.add(operation);
        }
        if ((flags & CQE_F_MORE) == 0 && operation.isEnding()) {
          ended(operation);
        }
      }
    }
  }

  private void ended(Operation operation) {
    operations.remove(operation.number);
    operation.ended = true;
    operation.end();
    operation.whenEnded.forEach(Runnable::run);
  }

  /** The list may grow meanwhile: whoever is told may write, which looks at completions. */
  private void signal() {
    for (int i = 0; i < signalled.size(); i++) {
      Operation operation = signalled.get(i);
      operation.inList = false;
      operation.signal();
    }
    signalled.clear();
  }

  /** Starts an operation. On the loop's thread. */
  void start(Operation operation) {
    operation.number = ++operationNumbers;
    operations.put(operation.number, operation);
    operation.arm();
  }

  /**
   * Ends an operation; more than once is as once. On the loop's thread.
   *
   * @param armed whether a completion is still to come
   * @param done called when the kernel has let go
   */
  void cancel(Operation operation, boolean armed, Runnable done) {
    if (operation.ended) {
      done.run();
      return;
    }
    operation.whenEnded.add(done);
    if (operation.ending) {
      return;
    }
    operation.ending = true;
    if (armed) {
      ring().add(OP_ASYNC_CANCEL, 0, -1, operation.number, 0, CANCEL | operation.number);
    } else {
      ended(operation);
    }
  }

  /** A number for a group of provided buffers. */
  int nextGroup() {
    return groups++;
  }

  @Override
  public int places() {
    return results.length;
  }

  @Override
  public void add(int place, int fd, long address, int length) {
    ring().add(OP_WRITE, 0, fd, address, length, WRITE | place);
    writing++;
  }

  @Override
  public void refuse(int place, int result) {
    results[place] = result;
  }

  @Override
  public void run() {
    while (writing > 0) {
      ring().enter(writing);
      ring().drain(completions);
    }
  }

  @Override
  public int result(int place) {
    return results[place];
  }

  /** Looks at what has completed by now, and tells whom it concerns. On the loop's thread. */
  void poll() {
    ring().enter(0);
    ring().drain(completions);
    signal();
  }

  @Override
  public IoRegistration register(IoHandle handle) {
    throw new UnsupportedOperationException("this loop takes no handles of Netty's");
  }

  @Override
  public boolean isCompatible(Class<? extends IoHandle> handleType) {
    return false;
  }

  @Override
  public void destroy() {
    UringRing own = ring;
    if (own != null) {
      ring = null;
      own.close();
      libc.close(eventFd);
    }
    arena.close();
  }

  /** Readiness, edge by edge. */
  final class Poll extends Operation {
    private final int fd;
    private final IslandLoop.Watcher watcher;
    private boolean armed;
    private boolean broken;

    Poll(int fd, IslandLoop.Watcher watcher) {
      this.fd = fd;
      this.watcher = watcher;
    }

    @Override
    void arm() {
      armed = true;
      ring().add(OP_POLL_ADD, 0, fd, 0, POLL_ADD_MULTI, POLLIN, 0, number());
    }

    boolean isArmed() {
      return armed;
    }

    @Override
    boolean completed(int result, int flags) {
      broken |= result >= 0 && (result & UringConstants.POLLERR) != 0;
      if ((flags & CQE_F_MORE) == 0) {
        armed = false;
        if (result < 0 && !isEnding()) {
          watcher.refused(result);
        } else if (!broken && !isEnding()) {
          arm();
        }
      }
      return result >= 0;
    }

    @Override
    void signal() {
      if (isEnding()) {
        return;
      }
      if (broken) {
        watcher.broken();
      } else {
        watcher.readable();
      }
    }

    @Override
    void end() {}
  }

  /** The polls of a socket: one edge by edge for what comes, one at a time for room. */
  final class SocketPolls {
    private final int fd;
    private final IslandLoop.SocketWatcher watcher;
    private final SocketPoll incoming = new SocketPoll(POLLIN, true);
    private @Nullable SocketPoll outgoing;
    private boolean cancelled;

    SocketPolls(int fd, IslandLoop.SocketWatcher watcher) {
      this.fd = fd;
      this.watcher = watcher;
    }

    void start() {
      UringHandler.this.start(incoming);
    }

    void awaitWritable() {
      if (outgoing == null && !cancelled) {
        SocketPoll poll = new SocketPoll(UringConstants.POLLOUT, false);
        outgoing = poll;
        UringHandler.this.start(poll);
      }
    }

    void cancel(Runnable done) {
      cancelled = true;
      SocketPoll out = outgoing;
      UringHandler.this.cancel(
          incoming,
          incoming.armed,
          out == null ? done : () -> UringHandler.this.cancel(out, out.armed, done));
    }

    private final class SocketPoll extends Operation {
      private final int events;
      private final boolean multishot;
      private boolean armed;
      private boolean failed;

      SocketPoll(int events, boolean multishot) {
        this.events = events;
        this.multishot = multishot;
      }

      @Override
      void arm() {
        armed = true;
        ring().add(OP_POLL_ADD, 0, fd, 0, multishot ? POLL_ADD_MULTI : 0, events, 0, number());
      }

      @Override
      boolean completed(int result, int flags) {
        if ((flags & CQE_F_MORE) == 0) {
          armed = false;
          if (result < 0 && !isEnding()) {
            failed = true;
            watcher.refused(result);
          } else if (multishot && !isEnding()) {
            arm();
          }
        }
        return result >= 0;
      }

      @Override
      void signal() {
        if (isEnding() || failed) {
          return;
        }
        if (multishot) {
          watcher.readable();
        } else {
          outgoing = null;
          UringHandler.this.cancel(this, false, () -> {});
          watcher.writable();
        }
      }

      @Override
      void end() {}
    }
  }
}
