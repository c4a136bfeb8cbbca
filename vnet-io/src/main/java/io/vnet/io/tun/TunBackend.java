package io.vnet.io.tun;

import io.vnet.api.backend.BackendListener;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.device.InterfaceChange;
import io.vnet.api.device.InterfaceCounters;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.offload.Offload;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.Island;
import io.vnet.api.port.OffloadFeature;
import io.vnet.api.port.PortLedger;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.loop.IslandLoop;
import io.vnet.io.loop.ReadAhead;
import io.vnet.io.thread.Uninterrupted;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
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
 * <p><b>What a failed read means</b> (of a write see {@link TunWriter})
 *
 * <ul>
 *   <li>EAGAIN: nothing now
 *   <li>EINTR, ENOBUFS, ENOMEM: read again, {@value #FAILURES_MAX} times in a row at the most
 *   <li>EINVAL, or no more than a header: a packet is lost in the kernel, which does not know how
 *       to describe it: {@link DropReason#KERNEL_REFUSED}, read again, as often
 *   <li>EBADFD, ENODEV, EIO, EBADF: the device is lost
 *   <li>everything else, and what did not pass: the call fails; the device stays
 * </ul>
 *
 * A failure after packets waits for the next call.
 *
 * <p><b>Owner of the descriptor:</b> this object, from construction to {@link #release}. It is used
 * only in {@link #receive} and {@link #send} (inside epoch sections) and in the life-cycle calls,
 * so that the number is never used after close(2) gave it to somebody else.
 */
public final class TunBackend implements DeviceBackend {
  private static final int SHORTEST_ROOM_BYTES = 2048;
  private static final int FAILURES_MAX = 64;
  private static final int DRAINED_MAX = 10_000;
  // What a read took out of the queue in one round has arrived by the next.
  private static final int QUIET_ROUNDS = 2;
  private static final int HEADER_ROOM = 16;
  // A read that brings less than a header and a byte: it described no packet either.
  private static final long WITHOUT_PACKET = -Errno.EINVAL.number();

  private final Libc libc;
  private final TunInterface tun;
  private final int fd;
  private final Layer layer;
  private final IslandLoop island;
  private final int headerBytes;
  private final TunLoss loss;
  private final TunWriter writer;
  private volatile int mtu;
  private volatile int roomBytes;
  private volatile IslandLoop.@Nullable Watch watch;
  private IslandLoop.@Nullable Watcher watcher;
  private volatile @Nullable ReadAhead ahead;
  private volatile boolean aheadEnded;
  // Held while the watch changes hands, never over a call that waits.
  private final Object watching = new Object();
  private boolean quiescing;
  // A failure that came after packets, for the receiver's next call.
  private @Nullable VnetException postponed;

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
    this.headerBytes = offloads.isEmpty() ? 0 : Offload.HEADER_BYTES;
    this.loss = new TunLoss(tun);
    this.writer = new TunWriter(libc, tun, layer, offloads, loss);
    this.roomBytes = roomBytes(mtu);
  }

  /** One byte more than the longest: the kernel cuts a packet to the buffer without a word. */
  private int roomBytes(int forMtu) {
    return 1
        + Math.min(
            TunWriter.LONGEST_BYTES + (layer == Layer.L2 ? TunWriter.LINK_HEADER_BYTES : 0),
            headerBytes == 0
                ? Math.max(SHORTEST_ROOM_BYTES, forMtu + TunWriter.LINK_HEADER_BYTES)
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
    return writer.offloads();
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
    loss.listener(listener);
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
        loss.removed("poll");
      }

      @Override
      public void refused(long result) {
        Errno errno = Errno.ofNumber((int) -result);
        loss.because(
            new VnetException(
                "watch",
                tun.name(),
                errno,
                Libc.meaning(result),
                errno == Errno.ENOSPC ? "raise sysctl fs.epoll.max_user_watches" : ""));
      }
    };
  }

  @Override
  public void linkUp() {
    tun.carrier(true);
  }

  @Override
  public void linkDown(PortLedger ledger) {
    tun.carrier(false);
    ledger.dropped(DropReason.FLUSHED_AT_CLOSE, drain());
  }

  @Override
  public void change(InterfaceChange change) {
    if (change instanceof InterfaceChange.Mtu(int bytes)) {
      makeRoom(bytes);
      tun.change(change);
      changed(bytes);
    } else {
      tun.change(change);
    }
  }

  /** Before the kernel sends longer packets. */
  void makeRoom(int newMtu) {
    roomBytes = Math.max(roomBytes, roomBytes(newMtu));
    ReadAhead reads = ahead;
    if (reads != null && !aheadEnded && reads.bufferBytes() < roomBytes) {
      endReadingAhead(reads);
    }
  }

  /** The kernel has the new MTU: from here on no longer packets come. */
  void changed(int newMtu) {
    mtu = newMtu;
    roomBytes = roomBytes(newMtu);
  }

  /** Its buffers are too short now: from here on packets are read when they are asked for. */
  private void endReadingAhead(ReadAhead reads) {
    CountDownLatch quiet = new CountDownLatch(1);
    reads.cancel(quiet::countDown);
    Uninterrupted.await(quiet::await);
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
          arena.allocate(
              TunWriter.LONGEST_BYTES + TunWriter.LINK_HEADER_BYTES + Offload.HEADER_BYTES, 8);
      int drained = 0;
      while (drained < DRAINED_MAX && libc.read(fd, sink.address(), sink.byteSize()) > 0) {
        drained++;
      }
      return drained;
    }
  }

  @Override
  public int receive(PacketBatch into, PortLedger ledger) {
    loss.check();
    VnetException failed = postponed;
    if (failed != null) {
      postponed = null;
      throw failed;
    }
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
    int failures = 0;
    long bytes = 0;
    for (int at = into.room(room); at >= 0; at = into.room(room)) {
      long read = libc.read(fd, slab + at, room);
      if (read >= room) {
        // Somebody else raised the MTU after this device was made.
        ledger.dropped(DropReason.TOO_LONG, 1);
      } else if (read > 0) {
        into.commit((int) read);
        packets++;
        bytes += read;
        failures = 0;
      } else if (!readAgain(read, ++failures, packets, ledger)) {
        break;
      }
    }
    if (packets > 0) {
      ledger.received(packets, bytes);
    }
    return packets;
  }

  /** The header lies in front of the packet, whose start stays aligned. */
  private int receiveOffloaded(PacketBatch into, PortLedger ledger) {
    MemorySegment segment = into.segment();
    long slab = segment.address();
    int room = roomBytes;
    int packets = 0;
    int failures = 0;
    long bytes = 0;
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
        failures = 0;
      } else if (!readAgain(read > 0 ? WITHOUT_PACKET : read, ++failures, packets, ledger)) {
        break;
      }
    }
    if (packets > 0) {
      ledger.received(packets, bytes);
    }
    return packets;
  }

  /** That a checksum was verified is left out: it asks for nothing. */
  private static long word(MemorySegment segment, long header) {
    return Offload.read(segment, header) & ~(long) Offload.DATA_VALID;
  }

  /**
   * What a failed read means: true: read again; false: nothing now, or not in this call.
   *
   * @param failures in a row, this one too
   * @param packets that the call has read before, and which the caller has to get
   * @throws VnetException if there are none, and the failure is not one that passes
   */
  private boolean readAgain(long result, int failures, int packets, PortLedger ledger) {
    Errno errno = Errno.ofNumber((int) -result);
    if (result == 0 || errno == Errno.EAGAIN) {
      return false;
    }
    boolean passing =
        switch (errno) {
          case EINTR, ENOBUFS, ENOMEM -> true;
          case EINVAL -> {
            // The kernel took the packet from its queue and could not write the header for it.
            ledger.dropped(DropReason.KERNEL_REFUSED, 1);
            yield true;
          }
          default -> false;
        };
    if (passing && failures < FAILURES_MAX) {
      return true;
    }
    VnetException failure =
        switch (errno) {
          case EBADFD, ENODEV, EIO, EBADF -> loss.removed("read");
          default -> new VnetException("read", tun.name(), errno, Libc.meaning(result), "");
        };
    if (packets == 0) {
      throw failure;
    }
    postponed = failure;
    return false;
  }

  @Override
  public int send(PacketBatch batch, int from, PortLedger ledger) {
    return writer.send(batch, from, ledger);
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
    writer.close();
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
