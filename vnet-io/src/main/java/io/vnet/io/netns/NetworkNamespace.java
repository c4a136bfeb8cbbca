package io.vnet.io.netns;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.thread.Uninterrupted;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.IntFunction;

/**
 * A network namespace that is kept alive by a descriptor of this process.
 *
 * <p>Safe on any thread. {@link #call} runs a task inside, on a thread of its own that ends with
 * it. What the task starts (threads, pools, child processes) is born inside and stays there: warm
 * up classes that start threads before. Sockets opened inside keep working inside from any thread.
 *
 * <p>Source: network_namespaces(7), setns(2), unshare(2).
 */
public final class NetworkNamespace implements AutoCloseable {
  private final Libc libc;
  private final int fd;
  private boolean closed;

  private NetworkNamespace(Libc libc, int fd) {
    this.libc = libc;
    this.fd = fd;
  }

  /**
   * A new namespace with its loopback interface up.
   *
   * @throws VnetException EPERM: CAP_SYS_ADMIN is missing
   */
  public static NetworkNamespace create() {
    Libc libc = NativeLibc.load();
    return onOpenerThread(() -> {
      long unshared = libc.unshare(LinuxConstants.CLONE_NEWNET);
      if (unshared < 0) {
        throw failure("unshare", "network namespace", unshared);
      }
      loopbackUp(libc);
      return open(libc, Path.of("/proc/thread-self/ns/net"));
    });
  }

  /**
   * An existing namespace.
   *
   * @param file {@code /run/netns/NAME}, {@code /proc/PID/ns/net}
   * @throws VnetException ENOENT, EACCES: the file cannot be opened
   */
  public static NetworkNamespace open(Path file) {
    return open(NativeLibc.load(), file);
  }

  /** The same through a given C library. */
  public static NetworkNamespace open(Libc libc, Path file) {
    long fd = libc.open(file.toString(), LinuxConstants.O_RDONLY | LinuxConstants.O_CLOEXEC);
    if (fd < 0) {
      throw failure("open", file.toString(), fd);
    }
    return new NetworkNamespace(libc, (int) fd);
  }

  /** One by a descriptor of it, which is this object's from now on. */
  public static NetworkNamespace adopt(Libc libc, int fd) {
    return new NetworkNamespace(libc, fd);
  }

  /**
   * A file that names the namespace as long as this object is open: for HostBacking and nsenter(1).
   */
  public Path path() {
    return Path.of("/proc", Long.toString(ProcessHandle.current().pid()), "fd", "" + fd);
  }

  /** Whether the calling thread is in it. */
  public boolean isCurrent() {
    try {
      return Files.readSymbolicLink(Path.of("/proc/thread-self/ns/net"))
          .equals(Files.readSymbolicLink(path()));
    } catch (IOException e) {
      // Closed, or no /proc: then it has to be entered, which says why it cannot be.
      return false;
    }
  }

  /**
   * Runs a task inside and waits for it.
   *
   * @throws VnetException EPERM: not allowed to enter; or what the task threw
   */
  public <T> T call(Callable<T> task) {
    return onOpenerThread(() -> {
      enter();
      return task.call();
    });
  }

  /**
   * Calls with the descriptor, which stays open and this namespace's until the call returns.
   *
   * @throws VnetException EBADF: it is closed
   */
  public synchronized <T> T withDescriptor(IntFunction<T> use) {
    checkOpen("use");
    return use.apply(fd);
  }

  private void checkOpen(String operation) {
    if (closed) {
      throw new VnetException(
          operation, "network namespace", Errno.EBADF, "it is closed", "open it again");
    }
  }

  private synchronized void enter() {
    checkOpen("enter");
    long entered = libc.setns(fd, LinuxConstants.CLONE_NEWNET);
    if (entered < 0) {
      throw failure("setns", "network namespace", entered);
    }
  }

  /** Lets the namespace go; it ends when nobody else is in it. More than once is as once. */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      libc.close(fd);
    }
  }

  private static <T> T onOpenerThread(Callable<T> task) {
    CompletableFuture<T> result = new CompletableFuture<>();
    Thread opener =
        Thread.ofPlatform()
            .daemon()
            .name("vnet-opener")
            .start(() -> {
              try {
                result.complete(task.call());
              } catch (Throwable e) {
                result.completeExceptionally(e);
              }
            });
    // The thread holds the namespace until it has ended, with the result before.
    Uninterrupted.await(opener::join);
    try {
      return result.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof VnetException cause) {
        throw cause.rethrown();
      }
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw e;
    }
  }

  private static void loopbackUp(Libc libc) {
    long socket =
        libc.socket(
            LinuxConstants.AF_INET, LinuxConstants.SOCK_DGRAM | LinuxConstants.SOCK_CLOEXEC, 0);
    if (socket < 0) {
      throw failure("socket", "network namespace", socket);
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment request = arena.allocate(LinuxConstants.IFREQ_BYTES, 8);
      request.setString(0, "lo");
      request.set(ValueLayout.JAVA_SHORT, LinuxConstants.IFNAMSIZ, (short) LinuxConstants.IFF_UP);
      long set = libc.ioctl((int) socket, LinuxConstants.SIOCSIFFLAGS, request.address());
      if (set < 0) {
        throw failure("SIOCSIFFLAGS", "lo", set);
      }
    } finally {
      libc.close((int) socket);
    }
  }

  private static VnetException failure(String operation, String object, long result) {
    Errno errno = Errno.ofNumber((int) -result);
    return new VnetException(
        operation,
        object,
        errno,
        Libc.meaning(result),
        switch (errno) {
          case EPERM -> "run as root or with CAP_SYS_ADMIN";
          case EMFILE -> "close descriptors or raise the limit: ulimit -n";
          default -> "";
        });
  }
}
