package io.vnet.io.netty;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.local.LocalIoHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.ResourceLeakDetector;
import io.netty.util.concurrent.Future;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.DropReason;
import io.vnet.io.testkit.MemoryPort;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;

/**
 * A channel over one end of a pair of ports, with its loops, its memory and a handler that writes
 * down what happens. Closing it asserts that no buffer, no batch and no listener is left and that
 * every packet that the port handed out was read or counted.
 */
@SuppressWarnings("FutureReturnValueIgnored") // What a call does is seen at the channel.
final class ChannelLab implements AutoCloseable {
  static final int GUARD_SECONDS = 60;

  /** What loops there are. */
  enum Loops {
    NIO,
    EPOLL,
    LOCAL;

    EventLoopGroup start() {
      return switch (this) {
        case NIO -> new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
        case EPOLL -> new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        case LOCAL -> new MultiThreadIoEventLoopGroup(1, LocalIoHandler.newFactory());
      };
    }
  }

  static {
    ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
  }

  final EventLoopGroup loops;
  final SlabPool slabs = new SlabPool(SlabPool.DEFAULT_SLAB_BYTES, 4);
  final BatchPool batches = new BatchPool(slabs);
  final UnpooledByteBufAllocator buffers = new UnpooledByteBufAllocator(true);
  final MemoryPort port;
  final MemoryPort network;
  final PacketPortChannel channel;
  final Recorder recorder = new Recorder();

  ChannelLab(Loops loops, MemoryPort port) {
    this.loops = loops.start();
    this.port = port;
    this.network = port.peer();
    this.channel = new PacketPortChannel(port, batches);
    channel.config().setOption(ChannelOption.ALLOCATOR, buffers);
    channel.pipeline().addLast(recorder);
  }

  ChannelLab register() {
    sync(loops.register(channel));
    return this;
  }

  /** Looks at once and more often than usual: it is hundreds of waits. */
  static ConditionFactory soon() {
    return Awaitility.await().pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(1));
  }

  /** Waits for its end. */
  static void await(Future<?> future) {
    assertThat(future.awaitUninterruptibly(GUARD_SECONDS, TimeUnit.SECONDS)).as("done").isTrue();
  }

  /** Waits for its end, which must be a success. */
  static void sync(Future<?> future) {
    await(future);
    assertThat(future.cause()).isNull();
  }

  /** Waits for its failure. */
  static Throwable failure(Future<?> future) {
    await(future);
    assertThat(future.cause()).isNotNull();
    return Objects.requireNonNull(future.cause());
  }

  /** Runs a task on the channel's loop and waits for it. */
  void onLoop(Runnable task) {
    sync(channel.eventLoop().submit(task));
  }

  /** What has been queued on the loop until now has run, also what that queued. */
  void settle() {
    for (int i = 0; i < 4; i++) {
      onLoop(() -> {});
    }
  }

  ByteBuf buffer(int... bytes) {
    return write(buffers.directBuffer(), bytes);
  }

  static ByteBuf write(ByteBuf buffer, int... bytes) {
    for (int next : bytes) {
      buffer.writeByte(next);
    }
    return buffer;
  }

  @Override
  public void close() {
    if (channel.isRegistered() && !loops.isShuttingDown()) {
      sync(channel.close());
    } else {
      channel.unsafe().closeForcibly();
    }
    var _ = loops.shutdownGracefully(0, GUARD_SECONDS, TimeUnit.SECONDS);
    sync(loops.terminationFuture());
    assertNothingLeft();
    batches.close();
    slabs.close();
    assertThat(slabs.mappedBytes()).as("mapped").isZero();
  }

  /** The channel has ended, and gave back what it had. */
  void assertNothingLeft() {
    assertThat(channel.isOpen()).isFalse();
    assertThat(channel.isActive()).isFalse();
    assertThat(port.isOpen()).isFalse();
    assertThat(port.listeners()).as("listeners").isZero();
    assertThat(batches.lent()).as("batches").isZero();
    assertThat(buffers.metric().usedDirectMemory()).as("direct buffers").isZero();
    assertThat(buffers.metric().usedHeapMemory()).as("heap buffers").isZero();
    assertThat(recorder.packets.size() + port.counters().dropped(DropReason.STREAM_ENDED))
        .as("read or counted")
        .isEqualTo(port.counters().receivedPackets());
  }

  /** Writes down what a handler is told, by name; keeps packets as bytes. On the loop. */
  static final class Recorder extends ChannelDuplexHandler {
    final List<String> events = new CopyOnWriteArrayList<>();
    final List<byte[]> packets = new CopyOnWriteArrayList<>();
    final List<Throwable> exceptions = new CopyOnWriteArrayList<>();

    /** Called with each packet before it is released. */
    volatile Reader reader = (_, _) -> {};

    interface Reader {
      void read(ChannelHandlerContext context, Object packet);
    }

    void awaitPackets(int count) {
      Awaitility.await().until(() -> packets.size() >= count);
      assertThat(packets).hasSize(count);
    }

    @Override
    public void channelRegistered(ChannelHandlerContext context) {
      events.add("registered");
      context.fireChannelRegistered();
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
      events.add("active");
      context.fireChannelActive();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object packet) {
      ByteBuf bytes =
          packet instanceof OffloadedPacket offloaded ? offloaded.content() : (ByteBuf) packet;
      packets.add(ByteBufUtil.getBytes(bytes));
      events.add("read");
      try {
        reader.read(context, packet);
      } finally {
        ReferenceCountUtil.release(packet);
      }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
      events.add("complete");
      context.fireChannelReadComplete();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
      events.add(context.channel().isWritable() ? "writable" : "unwritable");
      context.fireChannelWritabilityChanged();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      events.add("exception");
      exceptions.add(cause);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      events.add("inactive");
      context.fireChannelInactive();
    }

    @Override
    public void channelUnregistered(ChannelHandlerContext context) {
      events.add("unregistered");
      context.fireChannelUnregistered();
    }
  }
}
