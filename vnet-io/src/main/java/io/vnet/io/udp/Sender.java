package io.vnet.io.udp;

import static io.vnet.io.libc.SocketConstants.*;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.offload.DatagramTrain;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.PortLedger;
import io.vnet.io.libc.Libc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The sending side of a port: a {@link SendPlan} as messages for sendmmsg(2), and what becomes of
 * those that are not taken.
 *
 * <p><b>Threads:</b> one sender at a time. <b>Owner of its memory:</b> the port, which closes it
 * when nobody is inside. <b>Allocation:</b> none.
 */
final class Sender {
  private static final Logger LOG = LoggerFactory.getLogger(Sender.class);
  private static final int CONTROL_BYTES = 96;
  private static final int RETRIES = 64;
  private static final long NOWHERE = -1;

  private final Libc libc;
  private final String port;
  private final boolean ecn;
  private final PortLedger ledger;
  private final Consumer<UdpSocket> awaitRoom;
  private final @Nullable UdpSocket v4;
  private final @Nullable UdpSocket v6;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment headers =
      arena.allocate((long) MMSGHDR_BYTES * SendPlan.MESSAGES, 64);
  private final MemorySegment vectors = arena.allocate((long) IOVEC_BYTES * SendPlan.PIECES, 64);
  private final MemorySegment names =
      arena.allocate((long) SocketAddresses.BYTES * SendPlan.MESSAGES, 64);
  private final MemorySegment controls =
      arena.allocate((long) CONTROL_BYTES * SendPlan.MESSAGES, 64);
  private final SendPlan plan = new SendPlan();
  private final AtomicLong trains = new AtomicLong();
  private final AtomicLong trainsRefused = new AtomicLong();
  private final AtomicLong pendingErrors = new AtomicLong();
  private final AtomicLong sourcesRefused = new AtomicLong();
  private boolean refusalLogged;
  private long withoutSourceUntil;
  private int tries;
  private long sentDatagrams;
  private long sentBytes;
  private boolean stopped;

  /**
   * @param awaitRoom asks for a signal when a socket has room
   */
  Sender(
      Libc libc,
      List<UdpSocket> sockets,
      String port,
      UdpSettings settings,
      PortLedger ledger,
      Consumer<UdpSocket> awaitRoom) {
    this.libc = libc;
    this.port = port;
    this.ecn = settings.ecn();
    this.ledger = ledger;
    this.awaitRoom = awaitRoom;
    this.v4 = of(sockets, false);
    this.v6 = of(sockets, true);
    for (UdpSocket socket : sockets) {
      plan.allowTrains(socket.v6(), socket.segmentation());
    }
    for (int i = 0; i < SendPlan.MESSAGES; i++) {
      long header = (long) MMSGHDR_BYTES * i;
      put(headers, header + MSG_NAME, names.address() + (long) SocketAddresses.BYTES * i);
    }
  }

  private static @Nullable UdpSocket of(List<UdpSocket> sockets, boolean v6) {
    for (UdpSocket socket : sockets) {
      if (socket.v6() == v6) {
        return socket;
      }
    }
    return null;
  }

  private static void put(MemorySegment memory, long at, long value) {
    memory.set(SocketAddresses.HOST_LONG, at, value);
  }

  /**
   * Sends packets until there is no room.
   *
   * @return how many packets are done with; of the one behind, datagrams that are done with are cut
   *     off
   * @throws VnetException the socket has failed for good
   */
  int send(PacketBatch batch, int from) {
    plan.begin();
    withoutSourceUntil = NOWHERE;
    tries = 0;
    stopped = false;
    sentDatagrams = 0;
    sentBytes = 0;
    long place = SendPlan.place(from, 0);
    try {
      while (!stopped && SendPlan.packet(place) < batch.count()) {
        place =
            plan.plan(batch, place) == 0
                ? dropPacket(batch, place, DropReason.NO_ENDPOINT)
                : sendPlanned(batch, place);
      }
    } finally {
      if (sentDatagrams > 0) {
        ledger.sent(sentDatagrams, sentBytes);
      }
      plan.forget();
    }
    int packet = SendPlan.packet(place);
    int offset = SendPlan.offset(place);
    if (offset > 0) {
      batch.slice(packet, batch.offset(packet) + offset, batch.length(packet) - offset);
    }
    return packet - from;
  }

  private long dropPacket(PacketBatch batch, long place, DropReason reason) {
    int packet = SendPlan.packet(place);
    int rest = batch.length(packet) - SendPlan.offset(place);
    ledger.dropped(reason, DatagramTrain.datagrams(batch.offload(packet), rest));
    return SendPlan.place(packet + 1, 0);
  }

  /** Sends what is planned; returns where to go on. */
  private long sendPlanned(PacketBatch batch, long from) {
    UdpSocket socket = plan.endpoint(0).address().v6() ? v6 : v4;
    if (socket == null) {
      return dropPacket(batch, from, DropReason.WRONG_FAMILY);
    }
    int messages = plan.messages();
    for (int i = 0; i < messages; i++) {
      write(batch, i, plan.start(i) < withoutSourceUntil);
    }
    int done = 0;
    while (done < messages) {
      long sent =
          libc.sendmmsg(
              socket.fd(), headers.address() + (long) MMSGHDR_BYTES * done, messages - done, 0);
      if (sent > 0) {
        int to = done + (int) sent;
        for (; done < to; done++) {
          sentDatagrams += plan.datagrams(done);
          sentBytes += plan.bytes(done);
          if (plan.datagrams(done) > 1) {
            add(trains);
          }
        }
        tries = 0;
        continue;
      }
      Errno errno = Errno.ofNumber((int) -sent);
      SendOutcome outcome = outcome(errno, done);
      Optional<DropReason> reason = outcome.reason();
      if (reason.isPresent()) {
        ledger.dropped(reason.get(), plan.datagrams(done));
        tries = 0;
        done++;
        continue;
      }
      switch (outcome) {
        case ROOM_LATER -> {
          stopped = true;
          awaitRoom.accept(socket);
          return plan.start(done);
        }
        case PENDING -> add(pendingErrors);
        case SINGLY, SINGLY_FOR_GOOD -> {
          refused(socket, errno, outcome == SendOutcome.SINGLY_FOR_GOOD);
          plan.singlyUntil(plan.end(done));
          return plan.start(done);
        }
        case WITHOUT_SOURCE -> {
          add(sourcesRefused);
          withoutSourceUntil = plan.end(done);
          return plan.start(done);
        }
        case LOST ->
            throw new VnetException(
                "sendmmsg", port, errno, Libc.meaning(sent), "open the port again");
        case ONCE_MORE -> {}
        default -> throw new AssertionError(outcome);
      }
    }
    return plan.end(messages - 1);
  }

  /** What an error means here, and after so many in a row. */
  private SendOutcome outcome(Errno errno, int message) {
    boolean sourced =
        plan.endpoint(message).source().isPresent() && plan.start(message) >= withoutSourceUntil;
    SendOutcome outcome = SendOutcome.of(errno, plan.datagrams(message) > 1, sourced);
    boolean again = outcome == SendOutcome.ONCE_MORE || outcome == SendOutcome.PENDING;
    if (!again || ++tries <= RETRIES) {
      return outcome;
    }
    return outcome == SendOutcome.ONCE_MORE ? SendOutcome.BUSY : SendOutcome.REFUSED;
  }

  private void refused(UdpSocket socket, Errno errno, boolean forGood) {
    add(trainsRefused);
    if (forGood) {
      socket.endSegmentation();
      plan.allowTrains(socket.v6(), false);
    }
    if (forGood || !refusalLogged) {
      refusalLogged = true;
      LOG.info(
          "{}: UDP_SEGMENT was refused with {}: {}",
          port,
          errno,
          forGood ? "datagrams go one by one from now on" : "that train goes one by one");
    }
  }

  private static void add(AtomicLong counter) {
    counter.setOpaque(counter.getPlain() + 1);
  }

  private void write(PacketBatch batch, int message, boolean withoutSource) {
    long slab = batch.segment().address();
    long header = (long) MMSGHDR_BYTES * message;
    Endpoint to = plan.endpoint(message);
    int nameBytes = SocketAddresses.write(names, (long) SocketAddresses.BYTES * message, to);
    headers.set(SocketAddresses.HOST_INT, header + MSG_NAMELEN, nameBytes);
    int first = plan.firstPiece(message);
    int last = plan.firstPiece(message + 1);
    for (int piece = first; piece < last; piece++) {
      long vector = (long) IOVEC_BYTES * piece;
      put(vectors, vector, slab + plan.pieceOffset(piece));
      put(vectors, vector + IOV_LEN, plan.pieceLength(piece));
    }
    put(headers, header + MSG_IOV, vectors.address() + (long) IOVEC_BYTES * first);
    put(headers, header + MSG_IOVLEN, last - first);
    int control = writeControl(message, to, withoutSource);
    put(
        headers,
        header + MSG_CONTROL,
        control == 0 ? 0 : controls.address() + (long) CONTROL_BYTES * message);
    put(headers, header + MSG_CONTROLLEN, control);
  }

  /** Writes segment size, source and ECN as far as there are; returns the bytes. */
  private int writeControl(int message, Endpoint to, boolean withoutSource) {
    long start = (long) CONTROL_BYTES * message;
    long at = start;
    boolean toV6 = to.address().v6();
    if (plan.datagrams(message) > 1) {
      controls.set(SocketAddresses.HOST_SHORT, at + CMSGHDR_BYTES, (short) plan.segment(message));
      at = control(at, SOL_UDP, UDP_SEGMENT, Short.BYTES);
    }
    if (to.source().isPresent() && !withoutSource) {
      at = writeSource(at, to.source().get(), toV6);
    }
    if (ecn && plan.ecn(message) != DatagramTrain.NOT_ECT) {
      controls.set(SocketAddresses.HOST_INT, at + CMSGHDR_BYTES, plan.ecn(message));
      at = control(at, toV6 ? SOL_IPV6 : SOL_IP, toV6 ? IPV6_TCLASS : IP_TOS, Integer.BYTES);
    }
    return (int) (at - start);
  }

  private long writeSource(long at, Endpoint.Source source, boolean toV6) {
    long data = at + CMSGHDR_BYTES;
    IpAddress own = source.address();
    if (toV6) {
      controls.set(SocketAddresses.NET_LONG, data + IPI6_ADDR, own.high());
      controls.set(SocketAddresses.NET_LONG, data + IPI6_ADDR + Long.BYTES, own.low());
      controls.set(SocketAddresses.HOST_INT, data + IPI6_IFINDEX, source.interfaceIndex());
      return control(at, SOL_IPV6, IPV6_PKTINFO, IN6_PKTINFO_BYTES);
    }
    controls.set(SocketAddresses.HOST_INT, data + IPI_IFINDEX, source.interfaceIndex());
    controls.set(SocketAddresses.NET_INT, data + IPI_SPEC_DST, (int) own.low());
    controls.set(SocketAddresses.HOST_INT, data + IPI_ADDR, 0);
    return control(at, SOL_IP, IP_PKTINFO, IN_PKTINFO_BYTES);
  }

  /** Writes a header in front of data of so many bytes; returns where the next begins. */
  private long control(long at, int level, int type, int bytes) {
    put(controls, at, CMSGHDR_BYTES + bytes);
    controls.set(SocketAddresses.HOST_INT, at + CMSG_LEVEL, level);
    controls.set(SocketAddresses.HOST_INT, at + CMSG_TYPE, type);
    return (at + CMSGHDR_BYTES + bytes + CMSG_ALIGNMENT - 1) & -CMSG_ALIGNMENT;
  }

  long trains() {
    return trains.getOpaque();
  }

  long trainsRefused() {
    return trainsRefused.getOpaque();
  }

  long pendingErrors() {
    return pendingErrors.getOpaque();
  }

  long sourcesRefused() {
    return sourcesRefused.getOpaque();
  }

  /** Gives the memory back: nobody sends any more. */
  void close() {
    arena.close();
  }
}
