package io.vnet.io.testkit;

import io.vnet.api.error.Errno;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NativeLibc;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/**
 * A C library that counts its calls, fails some of them on request, and keeps books of the
 * descriptors it gave out. Safe on any thread; a test that fails the n-th call of a kind lets only
 * one thread make such calls at a time.
 *
 * <p>A call that is failed is not made, except close(2): that closes and then reports the error, as
 * Linux does.
 */
public final class FaultyLibc implements Libc {
  private static final Map<Long, String> REQUESTS =
      Map.ofEntries(
          Map.entry((long) LinuxConstants.SIOCSIFFLAGS, "SIOCSIFFLAGS"),
          Map.entry(LinuxConstants.TUNSETIFF, "TUNSETIFF"),
          Map.entry(LinuxConstants.TUNGETIFF, "TUNGETIFF"),
          Map.entry(LinuxConstants.TUNGETDEVNETNS, "TUNGETDEVNETNS"),
          Map.entry(LinuxConstants.TUNSETOFFLOAD, "TUNSETOFFLOAD"),
          Map.entry(LinuxConstants.TUNSETCARRIER, "TUNSETCARRIER"),
          Map.entry(LinuxConstants.TUNSETOWNER, "TUNSETOWNER"),
          Map.entry(LinuxConstants.TUNSETGROUP, "TUNSETGROUP"),
          Map.entry(LinuxConstants.TUNSETPERSIST, "TUNSETPERSIST"),
          Map.entry(LinuxConstants.TUNGETVNETHDRSZ, "TUNGETVNETHDRSZ"),
          Map.entry(LinuxConstants.TUNSETVNETHDRSZ, "TUNSETVNETHDRSZ"));

  private final Libc libc;
  private final List<Fault> faults = new ArrayList<>();
  private final List<String> calls = new ArrayList<>();
  private final Map<Integer, String> open = new TreeMap<>();
  private final List<String> misuses = new ArrayList<>();
  private int fired;

  private static final class Fault {
    private final Predicate<String> call;
    private final Errno errno;
    private int skip;

    Fault(Predicate<String> call, int skip, Errno errno) {
      this.call = call;
      this.skip = skip;
      this.errno = errno;
    }

    boolean hits(String name) {
      return call.test(name) && skip-- == 0;
    }
  }

  /** Over the C library of this process. */
  public FaultyLibc() {
    this(NativeLibc.load());
  }

  /** Over another one. */
  public FaultyLibc(Libc libc) {
    this.libc = libc;
  }

  /** Fails the next call of a kind, once. */
  public void failNext(String call, Errno errno) {
    fail(call, 0, errno);
  }

  /**
   * Fails one call of a kind, after some that are not failed.
   *
   * @param call how its text in {@link #calls} begins: {@code open}, {@code ioctl TUNSETIFF}; empty
   *     for any call
   * @param skip how many such calls from now on are made before
   */
  public synchronized void fail(String call, int skip, Errno errno) {
    faults.add(new Fault(name -> name.startsWith(call), skip, errno));
  }

  /** The same for a call whose text is this and no longer. */
  public synchronized void failExactly(String call, int skip, Errno errno) {
    faults.add(new Fault(call::equals, skip, errno));
  }

  /** All calls so far in order: {@code open /dev/net/tun}, {@code ioctl TUNSETIFF}. */
  public synchronized List<String> calls() {
    return List.copyOf(calls);
  }

  /** How many calls there were, by the system call's name. */
  public synchronized Map<String, Integer> counts() {
    Map<String, Integer> counts = new TreeMap<>();
    for (String call : calls) {
      counts.merge(call.split(" ", 2)[0], 1, Integer::sum);
    }
    return counts;
  }

  /** How many faults were injected. */
  public synchronized int fired() {
    return fired;
  }

  /** Takes a descriptor into the books that somebody else has opened. */
  public synchronized void give(int fd) {
    open.put(fd, "given");
  }

  /** Descriptors that were given out and not closed, with the call that gave them. */
  public synchronized Map<Integer, String> open() {
    return Map.copyOf(open);
  }

  /** Calls with a descriptor that was not open, or not from here: closed twice, used after. */
  public synchronized List<String> misuses() {
    return List.copyOf(misuses);
  }

  /** The number that the call shall fail with, or 0. */
  private synchronized int enter(String call) {
    calls.add(call);
    for (Iterator<Fault> i = faults.iterator(); i.hasNext(); ) {
      Fault fault = i.next();
      if (fault.hits(call)) {
        i.remove();
        fired++;
        return fault.errno.number();
      }
    }
    return 0;
  }

  private synchronized void use(int fd, String call) {
    if (!open.containsKey(fd)) {
      misuses.add(call + " " + fd);
    }
  }

  private long call(String call, LongSupplier real) {
    int errno = enter(call);
    return errno == 0 ? real.getAsLong() : -errno;
  }

  private long callOn(int fd, String call, LongSupplier real) {
    use(fd, call);
    return call(call, real);
  }

  private long opening(String call, LongSupplier real) {
    long fd = call(call, real);
    if (fd >= 0) {
      synchronized (this) {
        open.put((int) fd, call);
      }
    }
    return fd;
  }

  @Override
  public long open(String path, int flags) {
    return opening("open " + path, () -> libc.open(path, flags));
  }

  @Override
  public long socket(int domain, int type, int protocol) {
    return opening("socket " + domain, () -> libc.socket(domain, type, protocol));
  }

  @Override
  public long close(int fd) {
    int errno = enter("close");
    use(fd, "close");
    synchronized (this) {
      // Before the call: after it the number may be somebody else's.
      open.remove(fd);
    }
    long closed = libc.close(fd);
    return errno == 0 ? closed : -errno;
  }

  @Override
  public long read(int fd, long address, long bytes) {
    return callOn(fd, "read", () -> libc.read(fd, address, bytes));
  }

  @Override
  public long write(int fd, long address, long bytes) {
    return callOn(fd, "write", () -> libc.write(fd, address, bytes));
  }

  @Override
  public long ioctl(int fd, long request, long argument) {
    String name = REQUESTS.getOrDefault(request, "0x" + Long.toHexString(request));
    if (request == LinuxConstants.TUNGETDEVNETNS) {
      use(fd, "ioctl " + name);
      return opening("ioctl " + name, () -> libc.ioctl(fd, request, argument));
    }
    return callOn(fd, "ioctl " + name, () -> libc.ioctl(fd, request, argument));
  }

  @Override
  public long fcntl(int fd, int command, long argument) {
    return callOn(fd, "fcntl " + command, () -> libc.fcntl(fd, command, argument));
  }

  @Override
  public long bind(int fd, long address, int bytes) {
    return callOn(fd, "bind", () -> libc.bind(fd, address, bytes));
  }

  @Override
  public long setsockopt(int fd, int level, int name, int value) {
    return callOn(
        fd, "setsockopt " + level + " " + name, () -> libc.setsockopt(fd, level, name, value));
  }

  @Override
  public long recv(int fd, long address, long bytes, int flags) {
    String peek = (flags & LinuxConstants.MSG_PEEK) == 0 ? "" : " MSG_PEEK";
    return callOn(fd, "recv" + peek, () -> libc.recv(fd, address, bytes, flags));
  }

  @Override
  public long getsockname(int fd, long address, long length) {
    return callOn(fd, "getsockname", () -> libc.getsockname(fd, address, length));
  }

  @Override
  public long recvmmsg(int fd, long messages, int count, int flags) {
    return callOn(fd, "recvmmsg", () -> libc.recvmmsg(fd, messages, count, flags));
  }

  @Override
  public long sendmmsg(int fd, long messages, int count, int flags) {
    return callOn(fd, "sendmmsg", () -> libc.sendmmsg(fd, messages, count, flags));
  }

  @Override
  public long poll(long address, int count, int timeoutMillis) {
    return call("poll", () -> libc.poll(address, count, timeoutMillis));
  }

  @Override
  public long writev(int fd, long vectors, int count) {
    return callOn(fd, "writev", () -> libc.writev(fd, vectors, count));
  }

  @Override
  public long eventfd(int initial, int flags) {
    return opening("eventfd", () -> libc.eventfd(initial, flags));
  }

  @Override
  public long mmap(long bytes, int protection, int flags, int fd, long offset) {
    return libc.mmap(bytes, protection, flags, fd, offset);
  }

  @Override
  public long munmap(long address, long bytes) {
    return libc.munmap(address, bytes);
  }

  @Override
  public long uringSetup(int entries, long parameters) {
    return opening("io_uring_setup", () -> libc.uringSetup(entries, parameters));
  }

  @Override
  public long uringEnter(
      int fd, int submit, int complete, int flags, long argument, long argumentBytes) {
    return callOn(
        fd,
        "io_uring_enter",
        () -> libc.uringEnter(fd, submit, complete, flags, argument, argumentBytes));
  }

  @Override
  public long uringRegister(int fd, int operation, long argument, int count) {
    return callOn(
        fd, "io_uring_register", () -> libc.uringRegister(fd, operation, argument, count));
  }

  @Override
  public long setns(int fd, int type) {
    return callOn(fd, "setns", () -> libc.setns(fd, type));
  }

  @Override
  public long unshare(int flags) {
    return call("unshare", () -> libc.unshare(flags));
  }
}
