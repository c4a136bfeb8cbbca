package io.vnet.io.netty;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.AbstractChannel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelMetadata;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.channel.EventLoop;
import io.netty.channel.SingleThreadIoEventLoop;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PortListener;
import io.vnet.io.loop.IslandLoop;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.net.SocketAddress;
import java.nio.channels.ClosedChannelException;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A packet port as a channel of Netty: what the port receives is read as one {@link ByteBuf} a
 * packet, and each {@code ByteBuf} that is written is one packet. A packet with an offload word is
 * an {@link OffloadedPacket} in both directions; a port without {@linkplain PacketPort#offloads
 * offloads} has none.
 *
 * <p><b>Registered</b> with any event loop of a {@code MultiThreadIoEventLoopGroup} (NIO, epoll,
 * kqueue, io_uring, local), it is active from then on; there is nothing to bind or to connect. A
 * port that has ended by then fails the registration, and the channel is closed.
 *
 * <p><b>Reads</b> follow Netty's demand: without auto-read each {@code read()} brings one packet
 * and {@code channelReadComplete}; with it, as many a turn as the {@code RecvByteBufAllocator} lets
 * (64 unless said otherwise). What nobody asked for stays in the port's queue, but for a started
 * batch. Buffers come from the channel's {@code ByteBufAllocator}, of the packet's own length; the
 * {@code RecvByteBufAllocator}'s guess of a length is not used.
 *
 * <p><b>Writes</b> of a flush go to the port together. A write succeeds when the port has taken its
 * packet: passed it on, or dropped it and counted why. If the port has no room, the rest waits for
 * it, in order, and the channel becomes unwritable as its water marks say. Refused at once, with
 * {@link VnetException}: a message that is no packet (EINVAL), an empty one (EINVAL), one that is
 * longer than a packet can be or a batch holds (EIO), an offload word for a port that takes none
 * (EOPNOTSUPP); when its turn comes, one for which the port has no memory (ENOBUFS).
 *
 * <p><b>Its end is the port's, and the other way round.</b> Closing the channel closes the port.
 * When the port's user closes the port, the channel closes; when it ends otherwise (ENXIO: the
 * device was destroyed), {@code exceptionCaught} has the {@link VnetException} first. Waiting
 * writes fail with {@link ClosedChannelException}, whose cause is that exception. Packets that had
 * been taken from the port and not been read are counted on it as {@code STREAM_ENDED}. The event
 * loop's shutdown closes the channel.
 *
 * <p><b>A wake-up costs</b> one task on the loop, with a thread hop unless the port is signalled on
 * the loop's own thread. <b>A batch costs</b> what the port's receive or send costs, and one copy
 * of each packet between the batch and its buffer: a buffer may be kept for any time and be handed
 * to anybody, and holds no memory of the port's. Nothing is allocated but buffers. Two batches are
 * held from registration to close.
 *
 * <p><b>Threads:</b> as every channel, safe on any. One that is deregistered hears nothing of its
 * port until it is registered again.
 */
public final class PacketPortChannel extends AbstractChannel {
  /** The port's MTU, in bytes, as it is now. Read only: setting it has no effect. */
  public static final ChannelOption<Integer> MTU =
      ChannelOption.valueOf(PacketPortChannel.class, "MTU");

  /** What a packet of the port is. Read only: setting it has no effect. */
  public static final ChannelOption<Layer> LAYER =
      ChannelOption.valueOf(PacketPortChannel.class, "LAYER");

  private static final ChannelMetadata METADATA =
      new ChannelMetadata(false, BatchPool.DEFAULT_CAPACITY);

  private static final int LONGEST_BYTES = 65535;

  /** An Ethernet header with a VLAN tag; on layer 3 a family word is not longer. */
  private static final int LINK_HEADER_BYTES = 18;

  private final PacketPort port;
  private final BatchPool batches;
  private final PacketPortAddress address;
  private final ChannelConfig config;
  private final int longestBytes;
  private final AtomicBoolean closed = new AtomicBoolean();
  private volatile boolean active;

  // From here on of the event loop's thread.
  private final Runnable readTask = this::readInTurn;
  private final Runnable readAfterIo = this::queueRead;
  private final Runnable flushTask = this::flushInTurn;
  private final Runnable flushAfterIo = this::queueFlush;
  private final Runnable shutdownHook = this::closeNow;
  private final ChannelOutboundBuffer.MessageProcessor stager = this::stage;
  private @Nullable Signals signals;
  private @Nullable Lane inbound;
  private @Nullable Lane outbound;
  private boolean readPending;
  private boolean reading;
  private boolean readScheduled;
  private boolean flushScheduled;

  /** False: the port has said that there is nothing, and will signal. */
  private boolean mayBeReadable;

  /** The port has said that there is no room, and will signal. */
  private boolean writeBlocked;

  private int stageMax;

  /** A batch and how far it has been used. */
  private static final class Lane {
    final PacketBatch batch;

    /** The batch's memory, of which it owns nothing: between buffers copies make no garbage. */
    final ByteBuf memory;

    int next;

    Lane(PacketBatch batch) {
      this.batch = batch;
      this.memory = Unpooled.wrappedBuffer(batch.segment().asByteBuffer());
    }

    boolean isUsedUp() {
      return next == batch.count();
    }

    void clear() {
      batch.clear();
      next = 0;
    }
  }

  /**
   * @param port whose end is the channel's from now on
   * @param batches gives the two batches that the channel holds while it is registered and open;
   *     one has to hold the longest packet
   */
  public PacketPortChannel(PacketPort port, BatchPool batches) {
    super(null);
    this.port = port;
    this.batches = batches;
    this.address = new PacketPortAddress(port.name());
    this.longestBytes = LONGEST_BYTES + (port.layer() == Layer.L2 ? LINK_HEADER_BYTES : 0);
    this.config = new PortChannelConfig(this, port);
  }

  /**
   * The event loop of the port's island, if it has one that is a loop of Netty's: a channel that is
   * registered there is called on the thread that sees the descriptor's readiness, and writes from
   * there, over io_uring, take one system call a batch.
   *
   * <p>The loop is the host's: it ends with it, and must not be shut down by others. It takes
   * channels of Netty's epoll transport too, unless it is over io_uring; it runs other devices, so
   * no handler may block.
   */
  public static Optional<EventLoop> islandLoop(PacketPort port) {
    return port.island()
        .flatMap(island ->
            island instanceof IslandLoop loop ? Optional.of(loop.eventLoop()) : Optional.empty());
  }

  /** The port: its counters, its offloads. To be ended by the channel's close. */
  public PacketPort port() {
    return port;
  }

  @Override
  public PacketPortAddress localAddress() {
    return address;
  }

  @Override
  public ChannelConfig config() {
    return config;
  }

  @Override
  public ChannelMetadata metadata() {
    return METADATA;
  }

  @Override
  public boolean isOpen() {
    return !closed.get();
  }

  @Override
  public boolean isActive() {
    return active && !closed.get();
  }

  @Override
  protected SocketAddress localAddress0() {
    return address;
  }

  @Override
  protected @Nullable SocketAddress remoteAddress0() {
    return null;
  }

  @Override
  protected AbstractUnsafe newUnsafe() {
    return new PortUnsafe();
  }

  /** Adds to Netty's what it keeps to itself. */
  private final class PortUnsafe extends AbstractUnsafe {
    @Override
    public void connect(
        SocketAddress remote, @Nullable SocketAddress local, ChannelPromise promise) {
      promise.tryFailure(new UnsupportedOperationException("a packet port connects to nothing"));
    }

    /** Not while the port has no room: it will say when it has. */
    @Override
    protected void flush0() {
      if (!writeBlocked) {
        super.flush0();
      }
    }

    void closeWith(@Nullable Throwable cause) {
      ClosedChannelException failure = new ClosedChannelException();
      if (cause != null) {
        failure.initCause(cause);
      }
      close(voidPromise(), failure, failure);
    }
  }

  private PortUnsafe portUnsafe() {
    return (PortUnsafe) unsafe();
  }

  @Override
  protected boolean isCompatible(EventLoop loop) {
    return loop instanceof SingleThreadIoEventLoop;
  }

  @Override
  protected void doBind(SocketAddress localAddress) {
    throw new UnsupportedOperationException("a packet port has its address");
  }

  @Override
  protected void doRegister(ChannelPromise promise) {
    SingleThreadIoEventLoop loop = (SingleThreadIoEventLoop) eventLoop();
    if (loop.isShuttingDown()) {
      promise.setFailure(new RejectedExecutionException("the event loop is shutting down"));
      return;
    }
    try {
      takeBatches();
    } catch (VnetException e) {
      promise.setFailure(e);
      return;
    }
    Signals registered = new Signals(loop);
    registered.start();
    if (!port.isOpen()) {
      registered.stop();
      promise.setFailure(registered.why());
      return;
    }
    signals = registered;
    loop.addShutdownHook(shutdownHook);
    // What was signalled while nobody listened is not signalled again.
    mayBeReadable = true;
    writeBlocked = false;
    active = true;
    promise.setSuccess();
    if (readPending) {
      scheduleRead();
    }
    scheduleFlush();
  }

  private void takeBatches() {
    if (inbound != null) {
      return;
    }
    Lane first = new Lane(batches.acquire());
    try {
      outbound = new Lane(batches.acquire());
    } catch (VnetException e) {
      first.batch.release();
      throw e;
    }
    inbound = first;
  }

  @Override
  protected void doDeregister() {
    Signals registered = signals;
    if (registered != null) {
      signals = null;
      registered.stop();
      ((SingleThreadIoEventLoop) eventLoop()).removeShutdownHook(shutdownHook);
    }
  }

  @Override
  protected void doDisconnect() {
    doClose();
  }

  @Override
  protected void doClose() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    Signals registered = signals;
    if (registered != null) {
      registered.stop();
    }
    Lane in = inbound;
    if (in != null) {
      inbound = null;
      if (!in.isUsedUp()) {
        port.countDrop(DropReason.STREAM_ENDED, in.batch.count() - in.next);
      }
      in.batch.release();
    }
    Lane out = outbound;
    if (out != null) {
      outbound = null;
      out.batch.release();
    }
    port.close();
  }

  /** Netty asks for it when a write fails by an Error. A port has no half to go on with. */
  @Override
  protected void doShutdownOutput() {
    eventLoop().execute(this::closeNow);
  }

  private void closeNow() {
    unsafe().close(unsafe().voidPromise());
  }

  /** The port has ended, or is of no use any more. */
  private void end(@Nullable Throwable cause) {
    if (closed.get()) {
      return;
    }
    if (cause != null) {
      pipeline().fireExceptionCaught(cause);
    }
    portUnsafe().closeWith(cause);
  }

  @Override
  protected void doBeginRead() {
    readPending = true;
    if (!reading) {
      scheduleRead();
    }
  }

  /** Auto-read was switched off. From any thread. */
  void stopReading() {
    if (!isRegistered()) {
      return;
    }
    EventLoop loop = eventLoop();
    if (loop.inEventLoop()) {
      readPending = false;
    } else {
      loop.execute(() -> {
        if (!config.isAutoRead()) {
          readPending = false;
        }
      });
    }
  }

  private boolean canRead(Lane in) {
    return mayBeReadable || !in.isUsedUp();
  }

  private void scheduleRead() {
    Lane in = inbound;
    if (in != null && !readScheduled && canRead(in)) {
      readScheduled = true;
      inTurn(readTask, readAfterIo);
    }
  }

  private void scheduleFlush() {
    if (!flushScheduled) {
      flushScheduled = true;
      inTurn(flushTask, flushAfterIo);
    }
  }

  /**
   * Runs a task when the loop's poller and the others on the loop have had their turn: a task that
   * queues itself again would keep the loop from polling for up to a second.
   */
  private void inTurn(Runnable task, Runnable afterIo) {
    SingleThreadIoEventLoop loop = (SingleThreadIoEventLoop) eventLoop();
    if (loop.isShuttingDown()) {
      loop.execute(task);
    } else {
      loop.executeAfterEventLoopIteration(afterIo);
    }
  }

  private void queueRead() {
    eventLoop().execute(readTask);
  }

  private void queueFlush() {
    eventLoop().execute(flushTask);
  }

  private void readInTurn() {
    readScheduled = false;
    if (signals != null) {
      readPackets();
    }
  }

  private void readPackets() {
    Lane in = inbound;
    if (in == null || !readPending || reading) {
      return;
    }
    if (eventLoop().isShuttingDown()) {
      // A busy port would keep the loop from it.
      closeNow();
      return;
    }
    var limit = unsafe().recvBufAllocHandle();
    limit.reset(config);
    boolean any = false;
    Throwable failure = null;
    reading = true;
    try {
      do {
        if (in.isUsedUp()) {
          in.clear();
          if (port.receive(in.batch) == 0) {
            mayBeReadable = false;
            break;
          }
        }
        int length = in.batch.length(in.next);
        Object packet = copy(in, config.getAllocator());
        in.next++;
        limit.attemptedBytesRead(length);
        limit.lastBytesRead(length);
        limit.incMessagesRead(1);
        readPending = false;
        any = true;
        pipeline().fireChannelRead(packet);
      } while (inbound == in && limit.continueReading());
    } catch (RuntimeException | OutOfMemoryError e) {
      failure = e;
    }
    reading = false;
    limit.readComplete();
    if (any) {
      pipeline().fireChannelReadComplete();
    }
    if (failure != null) {
      mayBeReadable = false;
      if (!hasEnded(failure)) {
        end(failure);
      }
    } else if (readPending) {
      scheduleRead();
    }
  }

  private static Object copy(Lane in, ByteBufAllocator allocator) {
    int offset = in.batch.offset(in.next);
    int length = in.batch.length(in.next);
    long offload = in.batch.offload(in.next);
    ByteBuf packet = allocator.ioBuffer(length);
    packet.writeBytes(in.memory, offset, length);
    return offload == 0 ? packet : new OffloadedPacket(packet, offload);
  }

  /** Whether a call failed because the port has ended, which it tells its listener, and how. */
  private boolean hasEnded(Throwable failure) {
    return failure instanceof VnetException && !port.isOpen();
  }

  @Override
  protected Object filterOutboundMessage(Object message) {
    long offload = 0;
    ByteBuf packet;
    if (message instanceof ByteBuf bytes) {
      packet = bytes;
    } else if (message instanceof OffloadedPacket offloaded) {
      packet = offloaded.content();
      offload = offloaded.offload();
    } else {
      throw refusal(
          Errno.EINVAL,
          message.getClass().getName() + " is no packet",
          "encode it to a ByteBuf before it comes here");
    }
    if (!packet.isReadable()) {
      throw empty();
    }
    if (packet.readableBytes() > longestBytes) {
      throw refusal(
          Errno.EIO,
          packet.readableBytes() + " bytes are more than " + longestBytes,
          "split the packet");
    }
    if (offload != 0 && port.offloads().isEmpty()) {
      throw refusal(
          Errno.EOPNOTSUPP,
          "it takes finished packets only",
          "split the super-packet and complete its checksum first");
    }
    return message;
  }

  private VnetException empty() {
    return refusal(Errno.EINVAL, "a packet has at least one byte", "");
  }

  private VnetException refusal(Errno errno, String reason, String remedy) {
    return new VnetException("write", port.name(), errno, reason, remedy);
  }

  private static ByteBuf bytes(Object message) {
    return message instanceof OffloadedPacket offloaded ? offloaded.content() : (ByteBuf) message;
  }

  private void flushInTurn() {
    flushScheduled = false;
    if (signals != null) {
      portUnsafe().flush0();
    }
  }

  /**
   * The batch holds copies of the first packets in {@code waiting}, from {@code next} on: what the
   * port did not take is not copied again.
   */
  @Override
  protected void doWrite(ChannelOutboundBuffer waiting) {
    int left = maxMessagesPerWrite();
    Lane out = outbound;
    try {
      while (out != null && out == outbound) {
        if (out.isUsedUp() && !fill(out, waiting, left)) {
          return;
        }
        if (left <= 0) {
          scheduleFlush();
          return;
        }
        left -= send(out, waiting);
        if (writeBlocked) {
          return;
        }
      }
    } catch (RuntimeException e) {
      writeBlocked = true;
      if (!hasEnded(e)) {
        // Not from within a flush, which may be within a handler's call.
        eventLoop().execute(() -> end(e));
      }
    }
  }

  /** Takes copies of packets; false: none waits. */
  private boolean fill(Lane out, ChannelOutboundBuffer waiting, int max) {
    out.clear();
    stageMax = Math.max(max, 1);
    while (true) {
      removeEmpty(waiting);
      try {
        waiting.forEachFlushedMessage(stager);
      } catch (RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
      if (!out.batch.isEmpty()) {
        return true;
      }
      if (out != outbound || waiting.current() == null) {
        return false;
      }
      waiting.remove(refusal(Errno.EIO, "it is longer than a batch holds", "use larger batches"));
    }
  }

  /** Copies a packet into the batch; false: no more of them. */
  private boolean stage(Object message) {
    Lane out = outbound;
    ByteBuf packet = bytes(message);
    int length = packet.readableBytes();
    int at = out == null || length == 0 || stageMax == 0 ? -1 : out.batch.room(length);
    if (out == null || at < 0) {
      return false;
    }
    packet.getBytes(packet.readerIndex(), out.memory, at, length);
    out.batch.commit(length, message instanceof OffloadedPacket word ? word.offload() : 0);
    stageMax--;
    return true;
  }

  /** What was cancelled before the flush is in line, as an empty buffer; removing it is silent. */
  private void removeEmpty(ChannelOutboundBuffer waiting) {
    for (Object first = waiting.current();
        first != null && !bytes(first).isReadable();
        first = waiting.current()) {
      waiting.remove(empty());
    }
  }

  /** Sends what is in the batch; a promise's listener may close the channel meanwhile. */
  private int send(Lane out, ChannelOutboundBuffer waiting) {
    int taken;
    VnetException noMemory = null;
    try {
      taken = port.send(out.batch, out.next);
    } catch (VnetException e) {
      if (e.errno() != Errno.ENOBUFS) {
        throw e;
      }
      // The next one may be luckier.
      noMemory = e;
      taken = 1;
    }
    out.next += taken;
    writeBlocked = noMemory == null && !out.isUsedUp();
    for (int i = 0; i < taken && out == outbound; i++) {
      removeEmpty(waiting);
      if (noMemory == null) {
        waiting.remove();
      } else {
        waiting.remove(noMemory);
      }
    }
    return taken;
  }

  /**
   * Brings the signals of one registration to its loop, with at most one task on the way. Where the
   * loop has ended, so has the channel.
   */
  private final class Signals implements PortListener, Runnable {
    private static final VarHandle RAISED = raisedHandle();
    private static final int READABLE = 1;
    private static final int WRITABLE = 2;
    private static final int ENDED = 4;

    private final SingleThreadIoEventLoop loop;
    private PacketPort.@Nullable Registration registration;
    private volatile @Nullable VnetException cause;

    @SuppressWarnings("unused") // Through RAISED.
    private volatile int raised;

    Signals(SingleThreadIoEventLoop loop) {
      this.loop = loop;
    }

    void start() {
      registration = port.listen(this);
    }

    void stop() {
      if (registration != null) {
        registration.close();
      }
    }

    /** Why a port that has ended cannot be used. */
    VnetException why() {
      VnetException told = cause;
      return told != null
          ? told.rethrown()
          : new VnetException(
              "register", port.name(), Errno.EBADF, "it is closed", "open it again");
    }

    @Override
    public void readable() {
      raise(READABLE);
    }

    @Override
    public void writable() {
      raise(WRITABLE);
    }

    @Override
    public void closed(@Nullable VnetException why) {
      cause = why;
      raise(ENDED);
    }

    private void raise(int signal) {
      if ((int) RAISED.getAndBitwiseOr(this, signal) == 0) {
        try {
          loop.execute(this);
        } catch (RejectedExecutionException e) {
          assert loop.isShuttingDown() : e;
        }
      }
    }

    @Override
    public void run() {
      int now = (int) RAISED.getAndSet(this, 0);
      if (signals != this) {
        return;
      }
      if ((now & ENDED) != 0) {
        VnetException told = cause;
        end(told == null ? null : told.rethrown());
        return;
      }
      if ((now & WRITABLE) != 0) {
        writeBlocked = false;
        portUnsafe().flush0();
      }
      if ((now & READABLE) != 0) {
        mayBeReadable = true;
        readPackets();
      }
    }

    private static VarHandle raisedHandle() {
      try {
        return MethodHandles.lookup().findVarHandle(Signals.class, "raised", int.class);
      } catch (ReflectiveOperationException e) {
        throw new ExceptionInInitializerError(e);
      }
    }
  }
}
