package io.vnet.io.udp;

import io.vnet.api.address.Endpoint;
import io.vnet.api.epoch.Epoch;
import io.vnet.api.epoch.EpochReader;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.Direction;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.HostedPort;
import io.vnet.api.port.Island;
import io.vnet.api.port.OffloadFeature;
import io.vnet.api.port.PortCounters;
import io.vnet.api.port.PortLedger;
import io.vnet.api.port.PortListener;
import io.vnet.api.port.PortSite;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.loop.IslandLoop;
import io.vnet.io.netns.NetworkNamespace;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * UDP as a port: a packet is a datagram's payload, or a train of such ({@link
 * io.vnet.api.offload.DatagramTrain}), with the {@linkplain PacketBatch#endpoint endpoint} that it
 * came from or is to go to.
 *
 * <p><b>A batch costs</b>
 *
 * <ul>
 *   <li>system calls: one recvmmsg(2) for as many messages as the batch has room for, and one that
 *       says EAGAIN after each time that the socket became readable; one sendmmsg(2) for up to 64
 *       messages. A message is a train of up to 64 datagrams where the kernel takes and gives such
 *   <li>copies in this process: none of trains; a short message behind another is moved down in the
 *       batch's slab
 *   <li>allocations: none; one endpoint for a datagram from where none is remembered from
 *   <li>thread hops: none on the island; else one a wake-up
 * </ul>
 *
 * <p><b>Counting:</b> the {@link #counters} count datagrams: a train is as many as it has.
 *
 * <p><b>Room:</b> where trains are received ({@link UdpStatistics#coalescing}) a batch needs 65,527
 * bytes besides its head and tail room for each message of a call; a slab of 1 MiB takes 15.
 *
 * <p><b>Interrupted trains:</b> a {@link #send} that finds no room in the midst of a train takes
 * the datagrams that it has passed on off that packet: what is left in the batch is what is left to
 * send.
 *
 * <p><b>Owner of the descriptors:</b> this object. They are used inside epoch sections only, and
 * closed after nobody enters any more, the island has let them go, and a grace period: no system
 * call is ever made on a number that somebody else has got.
 *
 * <p>Source: udp(7), ip(7), ipv6(7), sendmmsg(2), recvmmsg(2).
 */
public final class UdpPort implements HostedPort {
  private static final int GRACE_MILLIS = 1;

  private final String name;
  private final List<UdpSocket> sockets;
  private final List<Receiver> receivers = new ArrayList<>();
  private final Receiver.Counts counts = new Receiver.Counts();
  private final Sender sender;
  private final IslandLoop island;
  private final Epoch epoch;
  private final GracePeriod gracePeriod;
  private final PortLedger ledger = new PortLedger();
  private final Direction receiving;
  private final Direction sending;
  private final AtomicReference<@Nullable End> end = new AtomicReference<>();
  private final List<PortListener> listeners = new CopyOnWriteArrayList<>();
  private final CompletableFuture<List<IslandLoop.SocketWatch>> watches = new CompletableFuture<>();
  private final CompletableFuture<UdpStatistics> released = new CompletableFuture<>();
  private int turn;

  /** Why the port ended; by its user if there is no cause. */
  private record End(@Nullable VnetException cause) {
    VnetException exception(String operation, String port) {
      return cause == null
          ? new VnetException(operation, port, Errno.EBADF, "it is closed", "open it again")
          : cause.rethrown();
    }
  }

  /** Waits until nobody is inside a section that began before now; a test may do without. */
  interface GracePeriod {
    void await(Epoch epoch, Runnable done);
  }

  private UdpPort(
      Libc libc,
      List<UdpSocket> sockets,
      UdpSettings settings,
      IslandLoop island,
      Epoch epoch,
      GracePeriod gracePeriod) {
    this.name = "udp/" + sockets.getFirst().local().port();
    this.sockets = sockets;
    this.island = island;
    this.epoch = epoch;
    this.gracePeriod = gracePeriod;
    this.receiving = new Direction(epoch.register(name + " receive"));
    this.sending = new Direction(epoch.register(name + " send"));
    EndpointTable endpoints = EndpointTable.ofSize(settings.endpoints());
    for (UdpSocket socket : sockets) {
      receivers.add(new Receiver(libc, socket, name, settings, endpoints, ledger, counts));
    }
    this.sender = new Sender(libc, sockets, name, settings, ledger, this::awaitRoom);
  }

  /**
   * Opens the sockets where a host says, which ends the port before itself: {@code
   * host.openPort(site -> UdpPort.open(settings, site))}.
   *
   * @throws VnetException as {@link #open(UdpSettings, Island, Epoch)}
   * @throws IllegalArgumentException if the island is of another kind
   */
  public static UdpPort open(UdpSettings settings, PortSite site) {
    return open(
        NativeLibc.load(),
        settings,
        site.island(),
        site.epoch(),
        (_, done) -> site.gracePeriod().accept(done));
  }

  /**
   * Opens the sockets and starts to watch them.
   *
   * @param island an {@link IslandLoop}: that of a device, or one of the user's own, which must
   *     outlive the port
   * @param epoch whose sections the calls are
   * @throws VnetException EADDRINUSE, EADDRNOTAVAIL, EACCES: the port or the address is not to be
   *     had; EPERM: the mark or the namespace needs rights; EAFNOSUPPORT; EMFILE
   * @throws IllegalArgumentException if the island is of another kind
   */
  public static UdpPort open(UdpSettings settings, Island island, Epoch epoch) {
    return open(NativeLibc.load(), settings, island, epoch, UdpPort::awaitElapsed);
  }

  /** The same through a given C library. */
  static UdpPort open(
      Libc libc, UdpSettings settings, Island island, Epoch epoch, GracePeriod gracePeriod) {
    if (!(island instanceof IslandLoop loop)) {
      throw new IllegalArgumentException(island.name() + " is no island of vnet-io's");
    }
    List<UdpSocket> sockets = openSockets(libc, settings);
    UdpPort port = new UdpPort(libc, sockets, settings, loop, epoch, gracePeriod);
    try {
      port.start();
      return port;
    } catch (RejectedExecutionException e) {
      port.finish(null);
      port.release();
      throw new VnetException(
          "open", port.name, Errno.ESHUTDOWN, "its island has ended", "use another one", e);
    }
  }

  private static List<UdpSocket> openSockets(Libc libc, UdpSettings settings) {
    if (settings.networkNamespace().isEmpty()) {
      return UdpSocket.openAll(libc, settings);
    }
    Path file = settings.networkNamespace().get();
    try (NetworkNamespace namespace = NetworkNamespace.open(libc, file)) {
      return namespace.call(() -> UdpSocket.openAll(libc, settings));
    }
  }

  private void start() {
    List<IslandLoop.SocketWatch> made = new ArrayList<>();
    for (int i = 0; i < sockets.size(); i++) {
      made.add(island.watchSocket(sockets.get(i).fd(), watcher(receivers.get(i))));
    }
    watches.complete(List.copyOf(made));
  }

  private IslandLoop.SocketWatcher watcher(Receiver receiver) {
    return new IslandLoop.SocketWatcher() {
      @Override
      public void readable() {
        receiver.edge();
        for (PortListener listener : listeners) {
          listener.readable();
        }
      }

      @Override
      public void writable() {
        for (PortListener listener : listeners) {
          listener.writable();
        }
      }

      @Override
      public void refused(long result) {
        Errno errno = Errno.ofNumber((int) -result);
        finish(
            new VnetException(
                "watch",
                name,
                errno,
                Libc.meaning(result),
                errno == Errno.ENOSPC ? "raise sysctl fs.epoll.max_user_watches" : ""));
      }
    };
  }

  private void awaitRoom(UdpSocket socket) {
    watches.join().get(sockets.indexOf(socket)).awaitWritable();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Layer layer() {
    return Layer.DATAGRAM;
  }

  /** The longest datagram, in bytes: over IPv4. */
  @Override
  public int mtu() {
    return SendPlan.BYTES_MAX_V4;
  }

  /** Trains of both families' sockets; a train is taken in any case, and cut here if need be. */
  @Override
  public Set<OffloadFeature> offloads() {
    Set<OffloadFeature> features = EnumSet.noneOf(OffloadFeature.class);
    for (UdpSocket socket : sockets) {
      features.add(socket.v6() ? OffloadFeature.USO6 : OffloadFeature.USO4);
    }
    return features;
  }

  @Override
  public Optional<Island> island() {
    return Optional.of(island);
  }

  /** Where it receives: one endpoint a socket, on one port. */
  public List<Endpoint> locals() {
    return sockets.stream().map(UdpSocket::local).toList();
  }

  /** The UDP port, of all its sockets. */
  public int port() {
    return sockets.getFirst().local().port();
  }

  @Override
  public int receive(PacketBatch into) {
    VnetException failure;
    enter(receiving, "receive");
    try {
      checkOpen("receive");
      return doReceive(into);
    } catch (SocketFailure e) {
      failure = e.cause;
    } finally {
      receiving.exit();
    }
    finish(failure);
    throw failure;
  }

  /** The sockets in turn, so that none keeps another from the batch. */
  private int doReceive(PacketBatch into) throws SocketFailure {
    int received = 0;
    int first = turn++;
    try {
      for (int i = 0; i < receivers.size(); i++) {
        received += receivers.get(Math.floorMod(first + i, receivers.size())).receive(into);
      }
    } catch (VnetException e) {
      throw new SocketFailure(e);
    }
    return received;
  }

  /**
   * Passes packets on to their endpoints; one without is dropped as NO_ENDPOINT.
   *
   * @param batch what to send; a train that was passed on in part is shortened by that part
   * @param from the first packet to send
   */
  @Override
  public int send(PacketBatch batch, int from) {
    VnetException failure;
    enter(sending, "send");
    try {
      checkOpen("send");
      return doSend(batch, from);
    } catch (SocketFailure e) {
      failure = e.cause;
    } finally {
      sending.exit();
    }
    finish(failure);
    throw failure;
  }

  private int doSend(PacketBatch batch, int from) throws SocketFailure {
    try {
      return sender.send(batch, from);
    } catch (VnetException e) {
      throw new SocketFailure(e);
    } catch (RejectedExecutionException e) {
      throw new SocketFailure(
          new VnetException("send", name, Errno.ESHUTDOWN, "its island has ended", "", e));
    }
  }

  /** Carries a socket's failure out of the section; without a stack of its own. */
  private static final class SocketFailure extends Exception {
    private static final long serialVersionUID = 1;
    private final VnetException cause;

    SocketFailure(VnetException cause) {
      super(cause.getMessage(), cause, false, false);
      this.cause = cause;
    }
  }

  /**
   * Marks what is sent from now on, for rules of routing and filters (SO_MARK). Safe on any thread.
   *
   * @param mark 0: none
   * @throws VnetException EPERM: CAP_NET_ADMIN is missing; EBADF: closed
   */
  public void mark(int mark) {
    EpochReader section = epoch.borrow();
    section.enter();
    try {
      checkOpen("SO_MARK");
      for (UdpSocket socket : sockets) {
        socket.mark(mark);
      }
    } finally {
      section.exit();
      epoch.giveBack(section);
    }
  }

  @Override
  public Registration listen(PortListener listener) {
    listeners.add(listener);
    End ended = end.get();
    if (ended != null && listeners.remove(listener)) {
      listener.closed(ended.cause());
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

  /** What else it has seen; readable at any time, also after close. */
  public UdpStatistics statistics() {
    return new UdpStatistics(
        counts.trains.getOpaque(),
        sender.trains(),
        sender.trainsRefused(),
        sockets.stream().anyMatch(UdpSocket::segmentation),
        sockets.stream().anyMatch(UdpSocket::coalescing),
        counts.pendingErrors.getOpaque() + sender.pendingErrors(),
        sender.sourcesRefused(),
        counts.endpointsMade.getOpaque(),
        counts.overflows.getOpaque());
  }

  @Override
  public boolean isOpen() {
    return end.get() == null;
  }

  /** Ends the port; its descriptors are closed soon after, see {@link #closeAsync}. */
  @Override
  public void close() {
    finish(null);
    receiving.awaitEmpty();
    sending.awaitEmpty();
  }

  /**
   * Ends the port as {@link #close} does.
   *
   * @return completes with the last statistics when the descriptors are closed and the UDP port is
   *     free again; not on a thread that may block
   */
  public CompletionStage<UdpStatistics> closeAsync() {
    close();
    return released();
  }

  /** {@inheritDoc} With the last statistics. */
  @Override
  public CompletionStage<UdpStatistics> released() {
    return released.copy();
  }

  private void enter(Direction direction, String operation) {
    if (!direction.enter()) {
      checkOpen(operation);
      throw new IllegalStateException(name + " is open, and nobody may enter");
    }
  }

  private void checkOpen(String operation) {
    End ended = end.get();
    if (ended != null) {
      throw ended.exception(operation, name);
    }
  }

  /** Never waits. */
  private void finish(@Nullable VnetException cause) {
    if (!end.compareAndSet(null, new End(cause))) {
      return;
    }
    receiving.retire();
    sending.retire();
    for (PortListener listener : listeners.toArray(new PortListener[0])) {
      if (listeners.remove(listener)) {
        listener.closed(cause);
      }
    }
    // A socket may be refused, and end the port, before the other one is watched.
    var _ = watches.thenAccept(this::quiesce);
  }

  private void quiesce(List<IslandLoop.SocketWatch> watching) {
    AtomicInteger left = new AtomicInteger(watching.size());
    for (IslandLoop.SocketWatch watch : watching) {
      watch.cancel(() -> letGo(left));
    }
  }

  private void letGo(AtomicInteger left) {
    if (left.decrementAndGet() == 0) {
      gracePeriod.await(epoch, this::release);
    }
  }

  /** The grace period of a port that is in use. */
  static void awaitElapsed(Epoch epoch, Runnable done) {
    look(epoch, epoch.begin(), done);
  }

  private static void look(Epoch epoch, long token, Runnable done) {
    if (epoch.elapsed(token)) {
      done.run();
      return;
    }
    Executor later = CompletableFuture.delayedExecutor(GRACE_MILLIS, TimeUnit.MILLISECONDS);
    later.execute(() -> look(epoch, token, done));
  }

  private void release() {
    try {
      receivers.forEach(Receiver::close);
      sender.close();
    } finally {
      closeSockets();
    }
  }

  private void closeSockets() {
    VnetException failure = null;
    for (UdpSocket socket : sockets) {
      try {
        socket.close();
      } catch (VnetException e) {
        failure = e;
      }
    }
    if (failure == null) {
      released.complete(statistics());
    } else {
      released.completeExceptionally(failure);
    }
  }
}
