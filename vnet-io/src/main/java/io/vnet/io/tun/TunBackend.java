package io.vnet.io.tun;

import io.vnet.api.backend.BackendListener;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.device.InterfaceChange;
import io.vnet.api.device.InterfaceCounters;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.Island;
import io.vnet.api.port.PortLedger;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.loop.IslandLoop;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The packets of one TUN or TAP descriptor.
 *
 * <p><b>A batch costs</b>
 *
 * <ul>
 *   <li>system calls: one read(2) or write(2) a packet, and one read(2) that says EAGAIN when the
 *       queue is empty; one epoll_wait(2) a wake-up, shared by all devices of the island
 *   <li>copies in this process: none; the kernel copies into and out of the batch's slab
 *   <li>allocations: none
 *   <li>thread hops: none on the island; else one a wake-up
 * </ul>
 *
 * <p><b>Owner of the descriptor:</b> this object, from construction to {@link #release}. It is used
 * only in {@link #receive} and {@link #send} (inside epoch sections) and in the life-cycle calls,
 * so that the number is never used after close(2) gave it to somebody else.
 */
public final class TunBackend implements DeviceBackend {
  private static final int LONGEST_BYTES = 65535;
  private static final int LINK_HEADER_BYTES = 18;
  private static final int SHORTEST_ROOM_BYTES = 2048;
  private static final int RETRIES = 64;
  private static final int DRAINED_MAX = 10_000;

  private final Libc libc;
  private final TunInterface tun;
  private final int fd;
  private final Layer layer;
  private final IslandLoop island;
  private volatile int mtu;
  private volatile int roomBytes;
  private IslandLoop.@Nullable Watch watch;
  private volatile @Nullable VnetException lost;

  TunBackend(Libc libc, TunInterface tun, Layer layer, int mtu, IslandLoop island) {
    this.libc = libc;
    this.tun = tun;
    this.fd = tun.fd();
    this.layer = layer;
    this.mtu = mtu;
    this.island = island;
    this.roomBytes = roomBytes(mtu);
  }

  /** One byte more than the longest: the kernel cuts a packet to the buffer without a word. */
  private int roomBytes(int forMtu) {
    return 1
        + Math.min(
            LONGEST_BYTES + (layer == Layer.L2 ? LINK_HEADER_BYTES : 0),
            Math.max(SHORTEST_ROOM_BYTES, forMtu + LINK_HEADER_BYTES));
  }

  @Override
  public String interfaceName() {
    return tun.name();
  }

  @Override
  public int mtu() {
    return mtu;
  }

  @Override
  public Optional<Island> island() {
    return Optional.of(island);
  }

  @Override
  public boolean blocking() {
    return true;
  }

  @Override
  public void start(BackendListener listener) {
    watch =
        island.watch(
            fd,
            new IslandLoop.Watcher() {
              @Override
              public void readable() {
                listener.readable();
              }

              @Override
              public void broken() {
                listener.lost(lose("poll"));
              }

              @Override
              public void refused(long result) {
                Errno errno = Errno.ofNumber((int) -result);
                VnetException cause =
                    new VnetException(
                        "epoll_ctl",
                        tun.name(),
                        errno,
                        Libc.meaning(result),
                        errno == Errno.ENOSPC ? "raise sysctl fs.epoll.max_user_watches" : "");
                lost = cause;
                listener.lost(cause);
              }
            });
  }

  @Override
  public void linkUp() {
    setCarrier(true);
  }

  @Override
  public void linkDown(PortLedger ledger) {
    setCarrier(false);
    ledger.dropped(DropReason.FLUSHED_AT_CLOSE, drain());
  }

  private void setCarrier(boolean on) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocateFrom(ValueLayout.JAVA_INT, on ? 1 : 0);
      long set = libc.ioctl(fd, LinuxConstants.TUNSETCARRIER, value.address());
      Errno errno = set < 0 ? Errno.ofNumber((int) -set) : Errno.EUNKNOWN;
      // EBADFD: the interface is gone, which the poller tells. EINVAL, ENOTTY: before Linux 5.0.
      if (set < 0 && errno != Errno.EBADFD && errno != Errno.EINVAL && errno != Errno.ENOTTY) {
        throw new VnetException("TUNSETCARRIER", tun.name(), errno, Libc.meaning(set), "");
      }
    }
  }

  @Override
  public void change(InterfaceChange change) {
    if (change instanceof InterfaceChange.Mtu(int bytes)) {
      // Before the kernel sends longer packets, and not less before it stops to.
      roomBytes = Math.max(roomBytes, roomBytes(bytes));
      tun.change(change);
      mtu = bytes;
      roomBytes = roomBytes(bytes);
    } else {
      tun.change(change);
    }
  }

  @Override
  public void rename(String newName) {
    tun.rename(newName);
  }

  @Override
  public InterfaceCounters interfaceCounters() {
    return tun.counters();
  }

  /** Reads and drops what the kernel has queued, up to a bound. */
  private int drain() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment scratch = arena.allocate(LONGEST_BYTES + LINK_HEADER_BYTES, 8);
      int drained = 0;
      while (drained < DRAINED_MAX && libc.read(fd, scratch.address(), scratch.byteSize()) > 0) {
        drained++;
      }
      return drained;
    }
  }

  @Override
  public int receive(PacketBatch into, PortLedger ledger) {
    checkNotLost();
    long slab = into.segment().address();
    int room = roomBytes;
    int packets = 0;
    long bytes = 0;
    try {
      for (int at = into.room(room); at >= 0; at = into.room(room)) {
        long read = libc.read(fd, slab + at, room);
        if (read >= room) {
          // Somebody else raised the MTU after this device was made.
          ledger.dropped(DropReason.TOO_LONG, 1);
        } else if (read > 0) {
          into.commit((int) read);
          packets++;
          bytes += read;
        } else if (!readAgain((int) -read)) {
          break;
        }
      }
    } finally {
      if (packets > 0) {
        ledger.received(packets, bytes);
      }
    }
    return packets;
  }

  /**
   * What a failed read means: true: try again at once; false: nothing now; else the device is lost.
   */
  private boolean readAgain(int number) {
    return switch (Errno.ofNumber(number)) {
      case EINTR -> true;
      case EAGAIN -> false;
      case EBADFD, ENODEV, EIO, EBADF -> throw lose("read");
      default -> {
        Errno errno = Errno.ofNumber(number);
        throw new VnetException("read", tun.name(), errno, Libc.meaning(-number), "");
      }
    };
  }

  @Override
  public int send(PacketBatch batch, int from, PortLedger ledger) {
    checkNotLost();
    long slab = batch.segment().address();
    int longest = LONGEST_BYTES + (layer == Layer.L2 ? LINK_HEADER_BYTES : 0);
    int next = from;
    long packets = 0;
    long bytes = 0;
    try {
      for (; next < batch.count(); next++) {
        int length = batch.length(next);
        if (length > longest) {
          ledger.dropped(DropReason.TOO_LONG, 1);
          continue;
        }
        long written = write(slab + batch.offset(next), length);
        if (written >= 0) {
          packets++;
          bytes += length;
        } else {
          ledger.dropped(dropReason((int) -written), 1);
        }
      }
    } finally {
      ledger.sent(packets, bytes);
    }
    return next - from;
  }

  private long write(long address, int length) {
    long written = libc.write(fd, address, length);
    for (int i = 0; i < RETRIES && written < 0 && isTransient((int) -written); i++) {
      Thread.onSpinWait();
      written = libc.write(fd, address, length);
    }
    return written;
  }

  private static boolean isTransient(int number) {
    return switch (Errno.ofNumber(number)) {
      case EINTR, EAGAIN, ENOBUFS, ENOMEM -> true;
      default -> false;
    };
  }

  /** What a failed write means for its packet; or the device is lost. */
  private DropReason dropReason(int number) {
    return switch (Errno.ofNumber(number)) {
      case EIO -> DropReason.INTERFACE_DOWN;
      case EINTR, EAGAIN, ENOBUFS, ENOMEM -> DropReason.KERNEL_BUSY;
      case EBADFD, ENODEV, EBADF -> throw lose("write");
      default -> DropReason.KERNEL_REFUSED;
    };
  }

  private void checkNotLost() {
    VnetException cause = lost;
    if (cause != null) {
      throw cause.rethrown();
    }
  }

  private VnetException lose(String operation) {
    VnetException cause = lost;
    if (cause == null) {
      cause =
          new VnetException(
              operation,
              tun.name(),
              Errno.ENODEV,
              "the interface was removed by somebody else",
              "create the device again");
      lost = cause;
    }
    return cause;
  }

  @Override
  public void quiesce(Runnable done) {
    IslandLoop.Watch current = watch;
    if (current == null) {
      done.run();
    } else {
      current.cancel(done);
    }
  }

  @Override
  public void release(PortLedger ledger) {
    ledger.dropped(DropReason.DEVICE_DESTROYED, drain());
    long closed = libc.close(fd);
    if (closed < 0) {
      Errno errno = Errno.ofNumber((int) -closed);
      throw new VnetException("close", tun.name(), errno, Libc.meaning(closed), "");
    }
  }
}
