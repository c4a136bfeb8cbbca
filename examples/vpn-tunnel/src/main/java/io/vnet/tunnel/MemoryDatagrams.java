package io.vnet.tunnel;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.offload.DatagramTrain;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.Island;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PortCounters;
import io.vnet.api.port.PortLedger;
import io.vnet.api.port.PortListener;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * A network of datagrams within the process, for tunnels without sockets and without rights.
 *
 * <pre>{@code
 * MemoryDatagrams network = MemoryDatagrams.create();
 * Outside here = network.at(IpAddress.parse("192.0.2.1"));
 * Outside there = network.at(IpAddress.parse("192.0.2.2"));
 * }</pre>
 *
 * <p>Datagrams keep their order, trains stay whole, ECN bits are carried. What was sent from an
 * address is answered to that address, as with sockets.
 *
 * <p><b>Bounds:</b> each port keeps at most {@value #PACKETS_MAX} packets and {@value #BYTES_MAX}
 * bytes that nobody has received. What comes beyond is dropped by its sender as {@link
 * DropReason#QUEUE_FULL}, as by a network; or, in a {@linkplain #patient patient} one, its sender
 * waits, and nothing is ever lost. What goes to an endpoint where nobody is, is {@link
 * DropReason#UNREACHABLE}.
 *
 * <p><b>A batch costs</b> a lock for each packet, one copy in and one copy out; no allocation once
 * an endpoint has been seen, no system call. Safe on any thread.
 */
public final class MemoryDatagrams {
  /** Packets, each a datagram or a train, that wait at a port at the most. */
  public static final int PACKETS_MAX = 1024;

  /** Their bytes at the most. */
  public static final int BYTES_MAX = 2 << 20;

  private static final int MTU = 65_507;
  private static final int FIRST_FREE_PORT = 49_152;
  private static final int PORT_MAX = 65_535;

  private final boolean patient;
  private final Map<Endpoint, Socket> sockets = new HashMap<>();

  private MemoryDatagrams(boolean patient) {
    this.patient = patient;
  }

  /** A network that drops what its receiver has no room for. */
  public static MemoryDatagrams create() {
    return new MemoryDatagrams(false);
  }

  /** A network in which a sender waits for room at the receiver, and all who send with him. */
  public static MemoryDatagrams patient() {
    return new MemoryDatagrams(true);
  }

  /**
   * A place in the network.
   *
   * @param addresses of it; datagrams leave by the first one of the right family, unless they
   *     answer to another
   * @throws IllegalArgumentException if there is none
   */
  public Outside at(IpAddress... addresses) {
    List<IpAddress> own = List.of(addresses);
    if (own.isEmpty()) {
      throw new IllegalArgumentException("a place in a network has an address");
    }
    return (_, port, mark) -> open(own, port, mark);
  }

  private Outside.Bound open(List<IpAddress> addresses, int port, int mark) {
    Socket socket;
    synchronized (sockets) {
      int bound = port == 0 ? freePort(addresses) : port;
      if (bound > PORT_MAX || !isFree(addresses, bound)) {
        throw new VnetException(
            "open",
            addresses.getFirst() + ":" + port,
            Errno.EADDRINUSE,
            "another one has this port",
            "use another port");
      }
      socket = new Socket(addresses, bound);
      for (IpAddress address : addresses) {
        sockets.put(Endpoint.of(address, bound), socket);
      }
    }
    return new Place(socket, mark);
  }

  private boolean isFree(List<IpAddress> addresses, int port) {
    return addresses.stream().noneMatch(address -> sockets.containsKey(Endpoint.of(address, port)));
  }

  private int freePort(List<IpAddress> addresses) {
    int port = FIRST_FREE_PORT;
    while (port <= PORT_MAX && !isFree(addresses, port)) {
      port++;
    }
    return port;
  }

  private @Nullable Socket find(Endpoint to) {
    synchronized (sockets) {
      return sockets.get(to);
    }
  }

  private void forget(Socket socket) {
    synchronized (sockets) {
      sockets.values().removeIf(other -> other == socket);
    }
  }

  /** A mark says nothing here, and is kept for nobody. */
  private record Place(Socket port, int mark) implements Outside.Bound {
    @Override
    public int localPort() {
      return port.number;
    }

    @Override
    public void mark(int newMark) {
      // There are no rules of routing that would look at it.
    }
  }

  /** A way from one place to another, looked up once. */
  private record Way(Socket to, Endpoint seenAs) {}

  /** A port of the network. Its lock guards its queue; no listener is called with it. */
  private final class Socket implements PacketPort {
    private final List<IpAddress> addresses;
    private final int number;
    private final String name;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory = arena.allocate(BYTES_MAX, 64);
    private final int[] offsets = new int[PACKETS_MAX];
    private final int[] lengths = new int[PACKETS_MAX];
    private final long[] words = new long[PACKETS_MAX];
    private final @Nullable Endpoint[] froms = new Endpoint[PACKETS_MAX];
    private int first;
    private int waiting;
    private int end;
    private boolean receiverWaits = true;
    private final List<Socket> senders = new ArrayList<>();
    private boolean closed;

    /** Used by the sending side alone; its keys are few: the peers of a tunnel. */
    private final Map<Endpoint, Way> ways = new HashMap<>();

    private final List<PortListener> listeners = new CopyOnWriteArrayList<>();
    private final PortLedger ledger = new PortLedger();
    private final Object sending = new Object();

    Socket(List<IpAddress> addresses, int number) {
      this.addresses = addresses;
      this.number = number;
      this.name = "memory/" + addresses.getFirst() + "/" + number;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public Layer layer() {
      return Layer.DATAGRAM;
    }

    @Override
    public int mtu() {
      return MTU;
    }

    @Override
    public int receive(PacketBatch into) {
      int packets = 0;
      long datagrams = 0;
      long bytes = 0;
      List<Socket> wake = List.of();
      synchronized (this) {
        checkOpen("receive");
        while (waiting > 0 && into.append(memory, offsets[first], lengths[first])) {
          int last = into.count() - 1;
          into.setOffload(last, words[first]);
          into.setEndpoint(last, froms[first]);
          datagrams += DatagramTrain.datagrams(words[first], lengths[first]);
          bytes += lengths[first];
          froms[first] = null;
          first = (first + 1) % PACKETS_MAX;
          waiting--;
          packets++;
        }
        if (packets > 0) {
          ledger.received(datagrams, bytes);
          if (!senders.isEmpty()) {
            wake = List.copyOf(senders);
            senders.clear();
          }
        }
        receiverWaits = waiting == 0;
      }
      wake.forEach(Socket::signalWritable);
      return packets;
    }

    @Override
    public int send(PacketBatch batch, int from) {
      int next = from;
      long datagrams = 0;
      long bytes = 0;
      synchronized (sending) {
        checkOpen("send");
        for (; next < batch.count(); next++) {
          int number = DatagramTrain.datagrams(batch.offload(next), batch.length(next));
          Endpoint to = batch.endpoint(next);
          Way way = to == null ? null : way(to);
          if (way == null) {
            ledger.dropped(to == null ? DropReason.NO_ENDPOINT : DropReason.UNREACHABLE, number);
            continue;
          }
          switch (way.to().offer(batch, next, way.seenAs(), this)) {
            case TAKEN -> {
              datagrams += number;
              bytes += batch.length(next);
            }
            case FULL -> ledger.dropped(DropReason.QUEUE_FULL, number);
            case GONE -> {
              ways.remove(to);
              ledger.dropped(DropReason.UNREACHABLE, number);
            }
            case LATER -> {
              ledger.sent(datagrams, bytes);
              return next - from;
            }
          }
        }
        ledger.sent(datagrams, bytes);
      }
      return next - from;
    }

    private @Nullable Way way(Endpoint to) {
      Way known = ways.get(to);
      if (known != null) {
        return known;
      }
      Socket socket = find(to.withoutSource());
      IpAddress own = own(to);
      if (socket == null || own == null) {
        return null;
      }
      Endpoint seenAs = Endpoint.of(own, number).withSource(new Endpoint.Source(to.address(), 0));
      Way way = new Way(socket, seenAs);
      ways.put(to, way);
      return way;
    }

    private @Nullable IpAddress own(Endpoint to) {
      if (to.source().isPresent() && addresses.contains(to.source().get().address())) {
        return to.source().get().address();
      }
      for (IpAddress address : addresses) {
        if (address.v6() == to.address().v6()) {
          return address;
        }
      }
      return null;
    }

    private Outcome offer(PacketBatch batch, int i, Endpoint from, Socket sender) {
      boolean wake;
      synchronized (this) {
        if (closed) {
          return Outcome.GONE;
        }
        int length = batch.length(i);
        int at = room(length);
        if (at < 0) {
          if (patient) {
            if (!senders.contains(sender)) {
              senders.add(sender);
            }
            return Outcome.LATER;
          }
          return Outcome.FULL;
        }
        MemorySegment.copy(batch.segment(), batch.offset(i), memory, at, length);
        int place = (first + waiting) % PACKETS_MAX;
        offsets[place] = at;
        lengths[place] = length;
        words[place] = batch.offload(i);
        froms[place] = from;
        waiting++;
        end = at + length;
        wake = receiverWaits;
        receiverWaits = false;
      }
      if (wake) {
        listeners.forEach(PortListener::readable);
      }
      return Outcome.TAKEN;
    }

    /** Where so many bytes are free in one piece; -1: nowhere. */
    private int room(int length) {
      if (waiting == 0) {
        return length <= BYTES_MAX ? 0 : -1;
      }
      if (waiting == PACKETS_MAX) {
        return -1;
      }
      int begin = offsets[first];
      if (end > begin) {
        return BYTES_MAX - end >= length ? end : begin >= length ? 0 : -1;
      }
      return begin - end >= length ? end : -1;
    }

    private void signalWritable() {
      listeners.forEach(PortListener::writable);
    }

    private synchronized void checkOpen(String operation) {
      if (closed) {
        throw new VnetException(operation, name, Errno.EBADF, "it is closed", "open it again");
      }
    }

    @Override
    public Registration listen(PortListener listener) {
      listeners.add(listener);
      if (!isOpen() && listeners.remove(listener)) {
        listener.closed(null);
      }
      return () -> listeners.remove(listener);
    }

    @Override
    public void countDrop(DropReason reason, long packets) {
      ledger.dropped(reason, packets);
    }

    @Override
    public PortCounters counters() {
      return ledger.snapshot();
    }

    @Override
    public Optional<Island> island() {
      return Optional.empty();
    }

    @Override
    public synchronized boolean isOpen() {
      return !closed;
    }

    @Override
    public void close() {
      List<Socket> wake;
      synchronized (sending) {
        synchronized (this) {
          if (closed) {
            return;
          }
          closed = true;
          long left = 0;
          for (; waiting > 0; waiting--, first = (first + 1) % PACKETS_MAX) {
            left += DatagramTrain.datagrams(words[first], lengths[first]);
            froms[first] = null;
          }
          ledger.dropped(DropReason.FLUSHED_AT_CLOSE, left);
          wake = List.copyOf(senders);
          senders.clear();
          arena.close();
        }
      }
      forget(this);
      wake.forEach(Socket::signalWritable);
      for (PortListener listener : listeners.toArray(new PortListener[0])) {
        if (listeners.remove(listener)) {
          listener.closed(null);
        }
      }
    }
  }

  /** What becomes of a packet at its receiver. */
  private enum Outcome {
    TAKEN,
    FULL,
    LATER,
    GONE
  }
}
