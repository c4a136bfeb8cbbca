package io.vnet.io.udp;

import static io.vnet.io.libc.SocketConstants.*;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.offload.DatagramTrain;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.PortLedger;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The receiving side of one socket: recvmmsg(2) into the rooms of a batch.
 *
 * <p>The kernel has to be given room before it says how much it needs: a room of 64 KiB a message
 * where trains come. A message behind the first that is shorter than the room left in front of it
 * is moved down, which is the one copy here.
 *
 * <p><b>Threads:</b> one receiver at a time; {@link #edge} is the loop's. <b>Owner of its
 * memory:</b> the port, which closes it when nobody is inside.
 */
final class Receiver {
  /** Messages of one call at the most. */
  static final int MESSAGES = 64;

  private static final int CONTROL_BYTES = 160;
  private static final int RETRIES = 64;
  private static final int NOT_YET = -1;

  private final Libc libc;
  private final UdpSocket socket;
  private final String port;
  private final PortLedger ledger;
  private final Counts counts;
  private final EndpointTable endpoints;
  private final boolean ecn;
  private final int roomBytes;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment headers = arena.allocate((long) MMSGHDR_BYTES * MESSAGES, 64);
  private final MemorySegment vectors = arena.allocate((long) IOVEC_BYTES * MESSAGES, 64);
  private final MemorySegment names = arena.allocate((long) SocketAddresses.BYTES * MESSAGES, 64);
  private final MemorySegment controls = arena.allocate((long) CONTROL_BYTES * MESSAGES, 64);
  private final SocketAddresses addresses = new SocketAddresses();
  private volatile int edges;
  private int emptyAt = NOT_YET;
  private int segmentBytes;
  private int ecnBits;
  private int overflows;

  /** What the port counts beside its ledger; written by its receiving side. */
  static final class Counts {
    final AtomicLong trains = new AtomicLong();
    final AtomicLong pendingErrors = new AtomicLong();
    final AtomicLong overflows = new AtomicLong();
    final AtomicLong endpointsMade = new AtomicLong();
  }

  Receiver(
      Libc libc,
      UdpSocket socket,
      String port,
      UdpSettings settings,
      EndpointTable endpoints,
      PortLedger ledger,
      Counts counts) {
    this.libc = libc;
    this.socket = socket;
    this.port = port;
    this.endpoints = endpoints;
    this.ledger = ledger;
    this.counts = counts;
    this.ecn = settings.ecn();
    this.roomBytes =
        socket.coalescing() ? UdpSettings.DATAGRAM_BYTES_MAX : settings.datagramBytes();
    for (int i = 0; i < MESSAGES; i++) {
      long header = (long) MMSGHDR_BYTES * i;
      put(header + MSG_NAME, names.address() + (long) SocketAddresses.BYTES * i);
      put(header + MSG_IOV, vectors.address() + (long) IOVEC_BYTES * i);
      put(header + MSG_IOVLEN, 1);
      put(header + MSG_CONTROL, controls.address() + (long) CONTROL_BYTES * i);
    }
  }

  private void put(long at, long value) {
    headers.set(SocketAddresses.HOST_LONG, at, value);
  }

  /** There may be something to receive. On the loop's thread. */
  @SuppressWarnings("NonAtomicVolatileUpdate") // One writer.
  void edge() {
    edges++;
  }

  /**
   * Receives until the socket is empty or the batch full.
   *
   * @return how many packets were appended
   * @throws VnetException the socket has failed for good
   */
  int receive(PacketBatch into) {
    if (emptyAt == edges) {
      return 0;
    }
    int before = into.count();
    int errors = 0;
    while (true) {
      int seen = edges;
      int asked = prepare(into);
      if (asked == 0) {
        break;
      }
      long came = libc.recvmmsg(socket.fd(), headers.address(), asked, 0);
      if (came > 0) {
        take(into, (int) came);
        errors = 0;
        if (came < asked) {
          // Empty now, or an error comes with the next call.
          break;
        }
      } else if (-came == Errno.EAGAIN.number()) {
        emptyAt = seen;
        break;
      } else if (++errors > RETRIES) {
        throw failed(came);
      } else {
        check(came);
      }
    }
    return into.count() - before;
  }

  /** Anything but EINTR is an error of an earlier datagram, which is taken off by telling it. */
  private void check(long result) {
    switch (Errno.ofNumber((int) -result)) {
      case EINTR -> {}
      case EBADF, EFAULT -> throw failed(result);
      default -> add(counts.pendingErrors, 1);
    }
  }

  private VnetException failed(long result) {
    Errno errno = Errno.ofNumber((int) -result);
    return new VnetException("recvmmsg", port, errno, Libc.meaning(result), "open the port again");
  }

  /** Gives the messages rooms of the batch; returns how many have one. */
  private int prepare(PacketBatch into) {
    long slab = into.segment().address();
    int messages = 0;
    for (; messages < MESSAGES; messages++) {
      int at = into.room(roomBytes, messages);
      if (at < 0) {
        break;
      }
      long header = (long) MMSGHDR_BYTES * messages;
      headers.set(SocketAddresses.HOST_INT, header + MSG_NAMELEN, SocketAddresses.BYTES);
      put(header + MSG_CONTROLLEN, CONTROL_BYTES);
      long vector = (long) IOVEC_BYTES * messages;
      vectors.set(SocketAddresses.HOST_LONG, vector, slab + at);
      vectors.set(SocketAddresses.HOST_LONG, vector + IOV_LEN, roomBytes);
    }
    return messages;
  }

  private void take(PacketBatch into, int came) {
    long slab = into.segment().address();
    long datagrams = 0;
    long bytes = 0;
    long made = endpoints.made();
    for (int i = 0; i < came; i++) {
      long header = (long) MMSGHDR_BYTES * i;
      int length = headers.get(SocketAddresses.HOST_INT, header + MSG_LEN);
      int flags = headers.get(SocketAddresses.HOST_INT, header + MSG_FLAGS);
      if ((flags & LinuxConstants.MSG_TRUNC) != 0) {
        ledger.dropped(DropReason.TOO_LONG, 1);
        continue;
      }
      addresses.readName(names, (long) SocketAddresses.BYTES * i);
      readControl(
          (long) CONTROL_BYTES * i,
          (int) headers.get(SocketAddresses.HOST_LONG, header + MSG_CONTROLLEN));
      if (length == 0) {
        ledger.dropped(DropReason.TOO_SHORT, 1);
        continue;
      }
      if (segmentBytes == 0 && (flags & MSG_CTRUNC) != 0 && socket.coalescing()) {
        // Nobody can tell any more where its datagrams end.
        ledger.dropped(DropReason.MALFORMED, 1);
        continue;
      }
      int segment = segmentBytes > 0 && segmentBytes < length ? segmentBytes : 0;
      long word = DatagramTrain.of(segment, ecn ? ecnBits : 0);
      int offset = (int) (vectors.get(SocketAddresses.HOST_LONG, (long) IOVEC_BYTES * i) - slab);
      int free = into.room(length);
      if (free >= 0 && offset - free >= length) {
        MemorySegment.copy(into.segment(), offset, into.segment(), free, length);
        into.commit(length, word);
      } else {
        into.commitAt(offset, length, word);
      }
      into.setEndpoint(into.count() - 1, endpoints.find(addresses));
      if (segment > 0) {
        add(counts.trains, 1);
      }
      datagrams += DatagramTrain.datagrams(word, length);
      bytes += length;
    }
    if (endpoints.made() > made) {
      add(counts.endpointsMade, endpoints.made() - made);
    }
    if (datagrams > 0) {
      ledger.received(datagrams, bytes);
    }
  }

  private static void add(AtomicLong counter, long more) {
    counter.setOpaque(counter.getPlain() + more);
  }

  /** Control messages: segment size, where it arrived, ECN, overflows. Cut ones are left out. */
  private void readControl(long start, int length) {
    segmentBytes = 0;
    ecnBits = 0;
    long end = start + Math.min(length, CONTROL_BYTES);
    long at = start;
    while (end - at >= CMSGHDR_BYTES) {
      long bytes = controls.get(SocketAddresses.HOST_LONG, at);
      if (bytes < CMSGHDR_BYTES || bytes > end - at) {
        return;
      }
      int level = controls.get(SocketAddresses.HOST_INT, at + CMSG_LEVEL);
      int type = controls.get(SocketAddresses.HOST_INT, at + CMSG_TYPE);
      readControl(level, type, at + CMSGHDR_BYTES, (int) bytes - CMSGHDR_BYTES);
      at += (bytes + CMSG_ALIGNMENT - 1) & -CMSG_ALIGNMENT;
    }
  }

  private void readControl(int level, int type, long data, int bytes) {
    if (level == SOL_UDP && type == UDP_GRO && bytes >= Integer.BYTES) {
      int size = controls.get(SocketAddresses.HOST_INT, data);
      segmentBytes = Math.clamp(size, 0, DatagramTrain.SEGMENT_BYTES_MAX);
    } else if (level == SOL_IP && type == IP_PKTINFO && bytes >= IN_PKTINFO_BYTES) {
      addresses.readPacketInfo4(controls, data);
    } else if (level == SOL_IPV6 && type == IPV6_PKTINFO && bytes >= IN6_PKTINFO_BYTES) {
      addresses.readPacketInfo6(controls, data);
    } else if (level == SOL_IP && type == IP_TOS && bytes >= 1) {
      ecnBits = controls.get(ValueLayout.JAVA_BYTE, data) & DatagramTrain.CE;
    } else if (level == SOL_IPV6 && type == IPV6_TCLASS && bytes >= Integer.BYTES) {
      ecnBits = controls.get(SocketAddresses.HOST_INT, data) & DatagramTrain.CE;
    } else if (level == LinuxConstants.SOL_SOCKET
        && type == SO_RXQ_OVFL
        && bytes >= Integer.BYTES) {
      int total = controls.get(SocketAddresses.HOST_INT, data);
      add(counts.overflows, total - overflows & 0xFFFF_FFFFL);
      overflows = total;
    }
  }

  /** Gives the memory back: nobody receives any more. */
  void close() {
    arena.close();
  }
}
