package io.vnet.io.tun;

import io.vnet.api.error.Errno;
import io.vnet.api.offload.Offload;
import io.vnet.api.offload.OffloadStatus;
import io.vnet.api.offload.Segmenter;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.OffloadFeature;
import io.vnet.api.port.PortLedger;
import io.vnet.io.libc.Libc;
import io.vnet.io.loop.BatchWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes batches to a tun descriptor, in order.
 *
 * <p>A packet is written as it lies, with its virtio-net header in the room in front of it. Two
 * kinds are not, and are written alone: one without that room, its header beside it (writev(2)),
 * and a super-packet that the kernel does not take, which is split here, a copy and a write(2) a
 * segment.
 *
 * <p><b>What a failed write means</b>
 *
 * <ul>
 *   <li>EINTR, EAGAIN, ENOBUFS, ENOMEM: tried again, {@value #RETRIES} times at the most; then
 *       {@link DropReason#KERNEL_BUSY}
 *   <li>EIO: the interface is down: {@link DropReason#INTERFACE_DOWN}
 *   <li>EINVAL for a super-packet whose header is right: the kernel does not know its kind. It and
 *       all later ones of its kind are split here, and {@link #offloads} lacks the kind from then
 *       on
 *   <li>EBADFD, ENODEV, EBADF: the device is lost. The packet and those after it are not taken
 *   <li>everything else: {@link DropReason#KERNEL_REFUSED}
 * </ul>
 *
 * <p><b>Threads:</b> one writer at a time; {@link #offloads} on any. <b>Owner</b> of its few native
 * bytes: this object, until {@link #close}.
 */
final class TunWriter {
  private static final Logger LOG = LoggerFactory.getLogger(TunWriter.class);

  static final int LONGEST_BYTES = 65535;
  static final int LINK_HEADER_BYTES = 18;

  private static final int RETRIES = 64;
  private static final int HEADER_ROOM = 16;
  private static final int VECTORS = 16;
  private static final int SCRATCH_BYTES = VECTORS + 2 * 16;

  // Beside the kernel's results, which are lengths and negative errno.
  private static final int TOO_LONG = Integer.MIN_VALUE;
  private static final int NOT_OFFLOADED = Integer.MIN_VALUE + 1;
  private static final int BAD_HEADER = Integer.MIN_VALUE + 2;
  private static final int NO_ROOM = 1;
  private static final int TO_SPLIT = 2;

  private final Libc libc;
  private final TunInterface tun;
  private final int fd;
  private final Layer layer;
  private final int headerBytes;
  private final TunLoss loss;
  private final Arena arena = Arena.ofShared();
  // A header and two struct iovec, for a packet that has no room in front.
  private final MemorySegment scratch;
  private volatile Set<OffloadFeature> offloads;
  private @Nullable Segmenter segmenter;
  private MemorySegment segment = MemorySegment.NULL;
  private long packets;
  private long bytes;
  private long splits;

  /**
   * @param offloads what the kernel granted; empty: the descriptor has no virtio-net header
   */
  TunWriter(Libc libc, TunInterface tun, Layer layer, Set<OffloadFeature> offloads, TunLoss loss) {
    this.libc = libc;
    this.tun = tun;
    this.fd = tun.fd();
    this.layer = layer;
    this.offloads = Set.copyOf(offloads);
    this.headerBytes = offloads.isEmpty() ? 0 : Offload.HEADER_BYTES;
    this.scratch = headerBytes == 0 ? MemorySegment.NULL : arena.allocate(SCRATCH_BYTES, 8);
    this.loss = loss;
  }

  /** What is left to the kernel now: what was granted, less what it has refused since. */
  Set<OffloadFeature> offloads() {
    return offloads;
  }

  /** As {@link io.vnet.api.backend.DeviceBackend#send}. */
  int send(PacketBatch batch, int from, PortLedger ledger) {
    return send(BatchWriter.current(), batch, from, ledger);
  }

  /** With many writes in one system call; null: with one each. */
  int send(@Nullable BatchWriter writer, PacketBatch batch, int from, PortLedger ledger) {
    loss.check();
    boolean ascending = headerBytes > 0 && isAscending(batch);
    packets = 0;
    bytes = 0;
    splits = 0;
    int next = from;
    try {
      while (next < batch.count() && !loss.isLost()) {
        next =
            writer == null
                ? sendOne(batch, next, ascending, ledger)
                : sendRun(writer, batch, next, ascending, ledger);
      }
    } finally {
      ledger.sent(packets, bytes);
      if (splits > 0) {
        ledger.split(splits);
      }
    }
    if (next == from) {
      loss.check();
    }
    return next - from;
  }

  /** The index of the packet after it; the same one if the device is lost. */
  private int sendOne(PacketBatch batch, int i, boolean ascending, PortLedger ledger) {
    int way = way(batch, i, ascending);
    long written = way == 0 ? write(address(batch, i), bytesOf(batch, i)) : apart(way, batch, i);
    return account(written, batch, i, ledger) ? i + 1 : i;
  }

  /** One system call for as many as can be written as they lie; from an island over io_uring. */
  private int sendRun(
      BatchWriter writer, PacketBatch batch, int from, boolean ascending, PortLedger ledger) {
    int most = Math.min(batch.count(), from + writer.places());
    int to = from;
    for (; to < most; to++) {
      int way = way(batch, to, ascending);
      if (way > 0) {
        // It has a system call of its own, which must not overtake those before it.
        break;
      } else if (way < 0) {
        writer.refuse(to - from, way);
      } else {
        writer.add(to - from, fd, address(batch, to), bytesOf(batch, to));
      }
    }
    if (to == from) {
      return sendOne(batch, from, ascending, ledger);
    }
    writer.run();
    for (int i = from; i < to; i++) {
      long written = writer.result(i - from);
      if (isTransient(written)) {
        written = write(address(batch, i), bytesOf(batch, i));
      }
      if (!account(written, batch, i, ledger)) {
        return i;
      }
    }
    return to;
  }

  private long address(PacketBatch batch, int i) {
    return batch.segment().address() + batch.offset(i) - headerBytes;
  }

  private int bytesOf(PacketBatch batch, int i) {
    return headerBytes + batch.length(i);
  }

  /**
   * How a packet is written: 0: as it lies, its header is in front of it now; positive: apart;
   * negative: not at all.
   */
  private int way(PacketBatch batch, int i, boolean ascending) {
    if (batch.length(i) > LONGEST_BYTES + (layer == Layer.L2 ? LINK_HEADER_BYTES : 0)) {
      return TOO_LONG;
    }
    if (headerBytes == 0) {
      return batch.offload(i) == 0 ? 0 : NOT_OFFLOADED;
    }
    long word = batch.offload(i);
    if (Offload.isSegmented(word)) {
      if (Offload.check(word, layer, batch.segment(), batch.offset(i), batch.length(i))
          != OffloadStatus.OK) {
        return BAD_HEADER;
      }
      if (!offloads.contains(feature(batch, i))) {
        return TO_SPLIT;
      }
    }
    int header = batch.offset(i) - headerBytes;
    if (!ascending || header < (i == 0 ? 0 : batch.offset(i - 1) + batch.length(i - 1))) {
      return NO_ROOM;
    }
    writeHeader(batch.segment(), header, batch, i);
    return 0;
  }

  private static void writeHeader(MemorySegment target, long at, PacketBatch batch, int i) {
    Offload.write(target, at, batch.offload(i), batch.segment(), batch.offset(i), batch.length(i));
  }

  /** Which feature a super-packet, whose header is right, makes use of. */
  private OffloadFeature feature(PacketBatch batch, int i) {
    return Offload.feature(
        batch.offload(i), layer, batch.segment(), batch.offset(i), batch.length(i));
  }

  private long apart(int way, PacketBatch batch, int i) {
    return switch (way) {
      case NO_ROOM -> writeBeside(batch, i);
      case TO_SPLIT -> writeSplit(batch, i);
      default -> way;
    };
  }

  /** Counts what became of a packet; false if the device is lost. */
  private boolean account(long written, PacketBatch batch, int i, PortLedger ledger) {
    long result = written;
    if (result == -Errno.EINVAL.number() && isKindRefused(batch, i)) {
      result = writeSplit(batch, i);
    }
    if (result >= 0) {
      packets++;
      bytes += batch.length(i);
      return true;
    }
    switch ((int) result) {
      case TOO_LONG -> ledger.dropped(DropReason.TOO_LONG, 1);
      case NOT_OFFLOADED -> ledger.dropped(DropReason.NOT_OFFLOADED, 1);
      case BAD_HEADER -> ledger.dropped(DropReason.KERNEL_REFUSED, 1);
      default -> {
        switch (Errno.ofNumber((int) -result)) {
          case EIO -> ledger.dropped(DropReason.INTERFACE_DOWN, 1);
          case EINTR, EAGAIN, ENOBUFS, ENOMEM -> ledger.dropped(DropReason.KERNEL_BUSY, 1);
          case EBADFD, ENODEV, EBADF -> {
            loss.removed("write");
            return false;
          }
          default -> ledger.dropped(DropReason.KERNEL_REFUSED, 1);
        }
      }
    }
    return true;
  }

  /**
   * Whether a refused packet is a super-packet, so that its kind is not to be had. Its header has
   * been checked, so that nothing else can be wrong with it.
   */
  private boolean isKindRefused(PacketBatch batch, int i) {
    if (headerBytes == 0 || !Offload.isSegmented(batch.offload(i))) {
      return false;
    }
    OffloadFeature refused = feature(batch, i);
    EnumSet<OffloadFeature> left = EnumSet.noneOf(OffloadFeature.class);
    left.addAll(offloads);
    if (left.remove(refused)) {
      offloads = Set.copyOf(left);
      LOG.warn(
          "{}: the kernel refuses {} (EINVAL): such packets are split here from now on",
          tun.name(),
          refused);
    }
    return true;
  }

  private long write(long address, int length) {
    return write(address, length, 0);
  }

  /**
   * Tries again what is transient.
   *
   * @param address of so many bytes, or of so many vectors if there are any
   */
  private long write(long address, int length, int vectors) {
    long written = writeOnce(address, length, vectors);
    for (int i = 0; i < RETRIES && isTransient(written); i++) {
      Thread.onSpinWait();
      written = writeOnce(address, length, vectors);
    }
    return written;
  }

  private long writeOnce(long address, int length, int vectors) {
    return vectors == 0 ? libc.write(fd, address, length) : libc.writev(fd, address, vectors);
  }

  /** With the header beside the packet. */
  private long writeBeside(PacketBatch batch, int i) {
    writeHeader(scratch, 0, batch, i);
    scratch.set(ValueLayout.JAVA_LONG, VECTORS, scratch.address());
    scratch.set(ValueLayout.JAVA_LONG, VECTORS + 8, headerBytes);
    scratch.set(ValueLayout.JAVA_LONG, VECTORS + 16, batch.segment().address() + batch.offset(i));
    scratch.set(ValueLayout.JAVA_LONG, VECTORS + 24, batch.length(i));
    return write(scratch.address() + VECTORS, headerBytes + batch.length(i), 2);
  }

  /**
   * Segment by segment. Fails as its first segment fails; if a later one does the rest is given up,
   * which its receiver takes for the loss it is.
   */
  private long writeSplit(PacketBatch batch, int i) {
    splits++;
    Segmenter split = segmenter;
    if (split == null) {
      split = new Segmenter(layer);
      segmenter = split;
      segment = arena.allocate(HEADER_ROOM + LONGEST_BYTES + LINK_HEADER_BYTES, 64);
    }
    if (split.begin(batch, i) != OffloadStatus.OK) {
      return BAD_HEADER;
    }
    long written = 0;
    segment.asSlice(0, HEADER_ROOM).fill((byte) 0);
    while (!split.isDone()) {
      int length = split.next(segment, HEADER_ROOM);
      written = write(segment.address() + HEADER_ROOM - headerBytes, headerBytes + length);
      if (written < 0) {
        return written == -Errno.EINVAL.number() ? BAD_HEADER : written;
      }
    }
    return batch.length(i);
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

  private static boolean isTransient(long result) {
    return switch (Errno.ofNumber((int) -result)) {
      case EINTR, EAGAIN, ENOBUFS, ENOMEM -> true;
      default -> false;
    };
  }

  /** After the last send. */
  void close() {
    arena.close();
  }
}
