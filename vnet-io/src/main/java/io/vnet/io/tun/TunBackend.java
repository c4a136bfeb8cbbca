package io.vnet.io.tun;

import io.vnet.api.backend.BackendListener;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.device.InterfaceChange;
import io.vnet.api.device.InterfaceCounters;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.offload.Offload;
import io.vnet.api.offload.OffloadStatus;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.Island;
import io.vnet.api.port.OffloadFeature;
import io.vnet.api.port.PortLedger;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.loop.BatchWriter;
import io.vnet.io.loop.IslandLoop;
import io.vnet.io.loop.ReadAhead;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * The packets of one TUN or TAP descriptor.
 *
 * <p><b>A batch costs</b>
 *
 * <ul>
 *   <li>system calls, over epoll: one read(2) or write(2) a packet, and one read(2) that says
 *       EAGAIN when the queue is empty; one epoll_wait(2) a wake-up, shared by all devices of the
 *       island. Over io_uring: one io_uring_enter(2) a wake-up for all that was read meanwhile, and
 *       one for all writes of the batch
 *   <li>copies in this process: none over epoll, and of super-packets; the kernel copies into and
 *       out of the batch's slab. Over io_uring one of each packet that was read ahead
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
  // What a read took out of the queue in one round has arrived by the next.
  private static final int QUIET_ROUNDS = 2;
  private static final int HEADER_ROOM = 16;
  private static final int TOO_LONG = Integer.MIN_VALUE;
  private static final int NOT_OFFLOADED = Integer.MIN_VALUE + 1;
  private static final int NO_ROOM = Integer.MIN_VALUE + 2;
  private static final int VECTORS = 16;
  private static final int SCRATCH_BYTES = VECTORS + 2 * 16;

  private final Libc libc;
  private final TunInterface tun;
  private final int fd;
  private final Layer layer;
  private final IslandLoop island;
  private final Set<OffloadFeature> offloads;
  private final int headerBytes;
  // A header and two struct iovec, for a packet that has no room in front; of the sender.
  private final Arena scratchArena = Arena.ofShared();
  private final MemorySegment scratch;
  private volatile int mtu;
  private volatile int roomBytes;
  private volatile IslandLoop.@Nullable Watch watch;
  private IslandLoop.@Nullable Watcher watcher;
  private volatile @Nullable ReadAhead ahead;
  private volatile boolean aheadEnded;
  // Held while the watch changes hands, never over a call that waits.
  private final Object watching = new Object();
  private boolean quiescing;
  private volatile @Nullable VnetException lost;

  /**
   * @param offloads what the kernel granted; empty: the descriptor has no virtio-net header
   */
  TunBackend(
      Libc libc,
      TunInterface tun,
      Layer layer,
      int mtu,
      IslandLoop island,
      Set<OffloadFeature> offloads) {
    this.libc = libc;
    this.tun = tun;
    this.fd = tun.fd();
    this.layer = layer;
    this.mtu = mtu;
    this.island = island;
    this.offloads = Set.copyOf(offloads);
    this.headerBytes = offloads.isEmpty() ? 0 : Offload.HEADER_BYTES;
    this.scratch = scratchArena.allocate(SCRATCH_BYTES, 8);
    this.roomBytes = roomBytes(mtu);
  }

  /** One byte more than the longest: the kernel cuts a packet to the buffer without a word. */
  private int roomBytes(int forMtu) {
    return 1
        + Math.min(
            LONGEST_BYTES + (layer == Layer.L2 ? LINK_HEADER_BYTES : 0),
            headerBytes == 0
                ? Math.max(SHORTEST_ROOM_BYTES, forMtu + LINK_HEADER_BYTES)
                : Integer.MAX_VALUE);
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
  public Set<OffloadFeature> offloads() {
    return offloads;
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
    IslandLoop.Watcher told = watcher(listener);
    // Super-packets are read where they are to lie: a copy of 64 KiB costs more than a system call.
    Optional<ReadAhead> reads =
        headerBytes == 0 ? island.readAhead(fd, told, roomBytes) : Optional.empty();
    watcher = told;
    if (reads.isPresent()) {
      ahead = reads.get();
      watch = reads.get();
    } else {
      watch = island.watch(fd, told);
    }
  }

  private IslandLoop.Watcher watcher(BackendListener listener) {
    return new IslandLoop.Watcher() {
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
    };
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
      ReadAhead reads = ahead;
      if (reads != null && !aheadEnded && reads.bufferBytes() < roomBytes) {
        endReadingAhead(reads);
      }
      tun.change(change);
      mtu = bytes;
      roomBytes = roomBytes(bytes);
    } else {
      tun.change(change);
    }
  }

  /** Its buffers are too short now: from here on packets are read when they are asked for. */
  private void endReadingAhead(ReadAhead reads) {
    CountDownLatch quiet = new CountDownLatch(1);
    reads.cancel(quiet::countDown);
    boolean interrupted = false;
    while (true) {
      try {
        quiet.await();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    aheadEnded = true;
    synchronized (watching) {
      if (!quiescing && watcher != null) {
        watch = island.watch(fd, watcher);
      }
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
    ReadAhead reads = ahead;
    if (reads == null) {
      return drainKernel();
    }
    int drained = 0;
    // Buffers that are given back are read into again, from the queue that is drained beside them.
    for (int quiet = 0; quiet < QUIET_ROUNDS && drained < DRAINED_MAX; ) {
      int round = drainAhead(reads) + drainKernel();
      quiet = round == 0 ? quiet + 1 : 0;
      drained += round;
    }
    return drained;
  }

  private static int drainAhead(ReadAhead reads) {
    reads.sync();
    int drained = 0;
    while (reads.length() >= 0) {
      reads.release();
      drained++;
    }
    return drained;
  }

  private int drainKernel() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment sink =
          arena.allocate(LONGEST_BYTES + LINK_HEADER_BYTES + Offload.HEADER_BYTES, 8);
      int drained = 0;
      while (drained < DRAINED_MAX && libc.read(fd, sink.address(), sink.byteSize()) > 0) {
        drained++;
      }
      return drained;
    }
  }

  @Override
  public int receive(PacketBatch into, PortLedger ledger) {
    checkNotLost();
    ReadAhead reads = ahead;
    return headerBytes > 0
        ? receiveOffloaded(into, ledger)
        : reads == null ? receivePlain(into, ledger) : receiveAheadOrPlain(reads, into, ledger);
  }

  private int receiveAheadOrPlain(ReadAhead reads, PacketBatch into, PortLedger ledger) {
    boolean ended = aheadEnded;
    int received = receiveAhead(reads, into, ledger);
    return received == 0 && ended ? receivePlain(into, ledger) : received;
  }

  private int receiveAhead(ReadAhead reads, PacketBatch into, PortLedger ledger) {
    MemorySegment segment = into.segment();
    int packets = 0;
    long bytes = 0;
    for (int length = reads.length(); length >= 0; length = reads.length()) {
      if (length >= Math.min(roomBytes, reads.bufferBytes())) {
        ledger.dropped(DropReason.TOO_LONG, 1);
      } else {
        int at = into.room(length);
        if (at < 0) {
          break;
        }
        MemorySegment.copy(reads.memory(), reads.offset(), segment, at, length);
        into.commit(length);
        packets++;
        bytes += length;
      }
      reads.release();
    }
    if (packets > 0) {
      ledger.received(packets, bytes);
    }
    return packets;
  }

  private int receivePlain(PacketBatch into, PortLedger ledger) {
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

  /** The header lies in front of the packet, whose start stays aligned. */
  private int receiveOffloaded(PacketBatch into, PortLedger ledger) {
    MemorySegment segment = into.segment();
    long slab = segment.address();
    int room = roomBytes;
    int packets = 0;
    long bytes = 0;
    try {
      for (int at = into.room(HEADER_ROOM + room); at >= 0; at = into.room(HEADER_ROOM + room)) {
        int start = at + HEADER_ROOM;
        int header = start - headerBytes;
        long read = libc.read(fd, slab + header, headerBytes + (long) room);
        int length = (int) read - headerBytes;
        if (length >= room) {
          ledger.dropped(DropReason.TOO_LONG, 1);
        } else if (length > 0) {
          into.commit(HEADER_ROOM + length, word(segment, header));
          into.slice(into.count() - 1, start, length);
          packets++;
          bytes += length;
        } else if (read >= 0 || !readAgain((int) -read)) {
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

  /** That a checksum was verified is left out: it asks for nothing. */
  private static long word(MemorySegment segment, long header) {
    return Offload.read(segment, header) & ~(long) Offload.DATA_VALID;
  }

  /** Writes the header of a packet; false if its word does not fit it. */
  private boolean writeHeader(MemorySegment target, long at, PacketBatch batch, int i) {
    long word = batch.offload(i);
    MemorySegment segment = batch.segment();
    int offset = batch.offset(i);
    int length = batch.length(i);
    if (Offload.isSegmented(word)
        && Offload.check(word, layer, segment, offset, length) != OffloadStatus.OK) {
      return false;
    }
    Offload.write(target, at, word, segment, offset, length);
    return true;
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
    BatchWriter writer = BatchWriter.current();
    if (writer != null && (headerBytes == 0 || isAscending(batch))) {
      return sendAtOnce(writer, batch, from, ledger);
    }
    long slab = batch.segment().address();
    int longest = LONGEST_BYTES + (layer == Layer.L2 ? LINK_HEADER_BYTES : 0);
    boolean inFront = headerBytes > 0 && isAscending(batch);
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
        long written;
        if (headerBytes == 0) {
          if (batch.offload(next) != 0) {
            ledger.dropped(DropReason.NOT_OFFLOADED, 1);
            continue;
          }
          written = write(slab + batch.offset(next), length);
        } else {
          written = writeOffloaded(batch, next, inFront);
        }
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

  /** One system call for all; from an island over io_uring. */
  private int sendAtOnce(BatchWriter writer, PacketBatch batch, int from, PortLedger ledger) {
    int to = Math.min(batch.count(), from + writer.places());
    long slab = batch.segment().address();
    for (int i = from; i < to; i++) {
      int refused = refusal(batch, i);
      if (refused != 0) {
        writer.refuse(i - from, refused);
      } else {
        writer.add(
            i - from, fd, slab + batch.offset(i) - headerBytes, headerBytes + batch.length(i));
      }
    }
    writer.run();
    long packets = 0;
    long bytes = 0;
    try {
      for (int i = from; i < to; i++) {
        long written = writer.result(i - from);
        if (written == TOO_LONG) {
          ledger.dropped(DropReason.TOO_LONG, 1);
          continue;
        }
        if (written == NOT_OFFLOADED) {
          ledger.dropped(DropReason.NOT_OFFLOADED, 1);
          continue;
        }
        if (written == NO_ROOM) {
          written = writeOffloaded(batch, i, false);
        } else if (written < 0 && isTransient((int) -written)) {
          written = write(slab + batch.offset(i) - headerBytes, headerBytes + batch.length(i));
        }
        if (written >= 0) {
          packets++;
          bytes += batch.length(i);
        } else {
          ledger.dropped(dropReason((int) -written), 1);
        }
      }
    } finally {
      ledger.sent(packets, bytes);
    }
    return to - from;
  }

  /** Why a packet is not to be written as it lies; 0 if it is, with its header in front. */
  private int refusal(PacketBatch batch, int i) {
    int length = batch.length(i);
    if (length > LONGEST_BYTES + (layer == Layer.L2 ? LINK_HEADER_BYTES : 0)) {
      return TOO_LONG;
    }
    if (headerBytes == 0) {
      return batch.offload(i) == 0 ? 0 : NOT_OFFLOADED;
    }
    int offset = batch.offset(i);
    int header = offset - headerBytes;
    if (header < (i == 0 ? 0 : batch.offset(i - 1) + batch.length(i - 1))) {
      return NO_ROOM;
    }
    return writeHeader(batch.segment(), header, batch, i) ? 0 : -Errno.EINVAL.number();
  }

  private long write(long address, int length) {
    long written = libc.write(fd, address, length);
    for (int i = 0; i < RETRIES && written < 0 && isTransient((int) -written); i++) {
      Thread.onSpinWait();
      written = libc.write(fd, address, length);
    }
    return written;
  }

  /** Whether no packet begins before the end of the one before it, so that gaps are nobody's. */
  private static boolean isAscending(PacketBatch batch) {
    int end = 0;
    for (int i = 0; i < batch.count(); i++) {
      if (batch.offset(i) < end) {
        return false;
      }
      end = batch.offset(i) + batch.length(i);
    }
    return true;
  }

  /** With the header in the room in front of the packet; beside it where there is none. */
  private long writeOffloaded(PacketBatch batch, int i, boolean inFront) {
    MemorySegment segment = batch.segment();
    int offset = batch.offset(i);
    int length = batch.length(i);
    int end = i == 0 ? 0 : batch.offset(i - 1) + batch.length(i - 1);
    if (inFront && offset - headerBytes >= end) {
      int header = offset - headerBytes;
      return writeHeader(segment, header, batch, i)
          ? write(segment.address() + header, headerBytes + length)
          : -Errno.EINVAL.number();
    }
    if (!writeHeader(scratch, 0, batch, i)) {
      return -Errno.EINVAL.number();
    }
    scratch.set(ValueLayout.JAVA_LONG, VECTORS, scratch.address());
    scratch.set(ValueLayout.JAVA_LONG, VECTORS + 8, headerBytes);
    scratch.set(ValueLayout.JAVA_LONG, VECTORS + 16, segment.address() + offset);
    scratch.set(ValueLayout.JAVA_LONG, VECTORS + 24, length);
    long written = libc.writev(fd, scratch.address() + VECTORS, 2);
    for (int tries = 0; tries < RETRIES && written < 0 && isTransient((int) -written); tries++) {
      Thread.onSpinWait();
      written = libc.writev(fd, scratch.address() + VECTORS, 2);
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
    IslandLoop.Watch current;
    synchronized (watching) {
      quiescing = true;
      current = watch;
    }
    if (current == null) {
      done.run();
    } else {
      current.cancel(done);
    }
  }

  @Override
  public void release(PortLedger ledger) {
    ledger.dropped(DropReason.DEVICE_DESTROYED, drain());
    scratchArena.close();
    ReadAhead reads = ahead;
    if (reads != null) {
      reads.close();
    }
    if (headerBytes > 0) {
      // A persistent device would keep it for the next, who may not know of it.
      libc.ioctl(fd, LinuxConstants.TUNSETOFFLOAD, 0);
    }
    long closed = libc.close(fd);
    if (closed < 0) {
      Errno errno = Errno.ofNumber((int) -closed);
      throw new VnetException("close", tun.name(), errno, Libc.meaning(closed), "");
    }
  }
}
