package io.vnet.actors.testkit;

import io.vnet.io.libc.Libc;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.testkit.Victim;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A C library in which the number of a device's descriptor belongs to somebody else the moment
 * after it was closed, and in which a read or a write that does not go to a device is noticed. One
 * call can be held back between a caller's decision to make it and the call. Safe on any thread.
 */
public final class ReusingLibc implements Libc {
  private static final int GUARD_SECONDS = 60;
  private static final String NODE = "/dev/net/tun";

  private final Libc libc = NativeLibc.load();
  private final Map<Integer, String> owned = new ConcurrentHashMap<>();
  private final Queue<Victim> victims = new ConcurrentLinkedQueue<>();
  private final List<String> violations = new CopyOnWriteArrayList<>();
  private final AtomicReference<@Nullable Hold> next = new AtomicReference<>();
  private final AtomicReference<Victim.@Nullable Kind> kind = new AtomicReference<>();

  /** A call that is about to be made. */
  public static final class Hold {
    private final String call;
    private final CountDownLatch reached = new CountDownLatch(1);
    private final CountDownLatch released = new CountDownLatch(1);

    private Hold(String call) {
      this.call = call;
    }

    /** Waits until somebody is about to make the call. */
    public void awaitReached() {
      await(reached);
    }

    /** Lets the call be made. */
    public void release() {
      released.countDown();
    }

    private void pass() {
      reached.countDown();
      await(released);
    }

    private static void await(CountDownLatch latch) {
      try {
        if (!latch.await(GUARD_SECONDS, TimeUnit.SECONDS)) {
          throw new AssertionError("waited for " + GUARD_SECONDS + " s");
        }
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  /** Holds the next {@code read} or {@code write} of a device. */
  public Hold holdNext(String call) {
    Hold hold = new Hold(call);
    next.set(hold);
    return hold;
  }

  /** What takes the numbers from now on; of all kinds in turn unless said. */
  public void reuseAs(Victim.Kind newKind) {
    kind.set(newKind);
  }

  /** Those that took the number of a device, and are the caller's now. */
  public List<Victim> takeVictims() {
    List<Victim> taken = new ArrayList<>();
    for (Victim victim = victims.poll(); victim != null; victim = victims.poll()) {
      taken.add(victim);
    }
    return taken;
  }

  /** How many devices have been closed whose victims nobody has taken. */
  public int victims() {
    return victims.size();
  }

  /** Calls that went elsewhere than to a device. */
  public List<String> violations() {
    return List.copyOf(violations);
  }

  @Override
  public long open(String path, int flags) {
    return own(libc.open(path, flags), path);
  }

  @Override
  public long socket(int domain, int type, int protocol) {
    return own(libc.socket(domain, type, protocol), "socket");
  }

  private long own(long fd, String what) {
    if (fd >= 0) {
      owned.put((int) fd, what);
    }
    return fd;
  }

  @Override
  public long close(int fd) {
    // Before the call: after it the number may be somebody else's.
    if (!NODE.equals(owned.remove(fd))) {
      return libc.close(fd);
    }
    Victim.Kind wanted = kind.get();
    Victim victim = wanted == null ? Victim.next() : Victim.open(wanted);
    long closed = libc.close(fd);
    victims.add(victim.moveTo(fd));
    return closed;
  }

  @Override
  public long read(int fd, long address, long bytes) {
    return onDevice("read", fd, () -> libc.read(fd, address, bytes));
  }

  @Override
  public long write(int fd, long address, long bytes) {
    return onDevice("write", fd, () -> libc.write(fd, address, bytes));
  }

  private long onDevice(String call, int fd, LongSupplier real) {
    if ("socket".equals(owned.get(fd))) {
      return real.getAsLong();
    }
    Hold hold = next.get();
    if (hold != null && hold.call.equals(call) && next.compareAndSet(hold, null)) {
      hold.pass();
    }
    long result = real.getAsLong();
    // Now, not before: who is inside a call has to keep the descriptor until its end.
    String target = target(fd);
    if (!target.equals(NODE)) {
      violations.add(call + " of " + fd + ", which is " + target + ", answered " + result);
    }
    return result;
  }

  private static String target(int fd) {
    try {
      return Files.readSymbolicLink(Path.of("/proc/self/fd", Integer.toString(fd))).toString();
    } catch (IOException e) {
      return "closed (" + e + ")";
    }
  }

  @Override
  public long ioctl(int fd, long request, long argument) {
    return libc.ioctl(fd, request, argument);
  }

  @Override
  public long fcntl(int fd, int command, long argument) {
    return libc.fcntl(fd, command, argument);
  }

  @Override
  public long bind(int fd, long address, int bytes) {
    return libc.bind(fd, address, bytes);
  }

  @Override
  public long setsockopt(int fd, int level, int name, int value) {
    return libc.setsockopt(fd, level, name, value);
  }

  @Override
  public long recv(int fd, long address, long bytes, int flags) {
    return libc.recv(fd, address, bytes, flags);
  }

  @Override
  public long getsockname(int fd, long address, long length) {
    return libc.getsockname(fd, address, length);
  }

  @Override
  public long recvmmsg(int fd, long messages, int count, int flags) {
    return libc.recvmmsg(fd, messages, count, flags);
  }

  @Override
  public long sendmmsg(int fd, long messages, int count, int flags) {
    return libc.sendmmsg(fd, messages, count, flags);
  }

  @Override
  public long poll(long address, int count, int timeoutMillis) {
    return libc.poll(address, count, timeoutMillis);
  }

  @Override
  public long writev(int fd, long vectors, int count) {
    return onDevice("writev", fd, () -> libc.writev(fd, vectors, count));
  }

  @Override
  public long eventfd(int initial, int flags) {
    return libc.eventfd(initial, flags);
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
    return libc.uringSetup(entries, parameters);
  }

  @Override
  public long uringEnter(
      int fd, int submit, int complete, int flags, long argument, long argumentBytes) {
    return libc.uringEnter(fd, submit, complete, flags, argument, argumentBytes);
  }

  @Override
  public long uringRegister(int fd, int operation, long argument, int count) {
    return libc.uringRegister(fd, operation, argument, count);
  }

  @Override
  public long setns(int fd, int type) {
    return libc.setns(fd, type);
  }

  @Override
  public long unshare(int flags) {
    return libc.unshare(flags);
  }
}
