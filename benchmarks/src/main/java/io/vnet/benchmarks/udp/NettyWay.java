package io.vnet.benchmarks.udp;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollDatagramChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.socket.DatagramPacket;
import io.netty.channel.unix.SegmentedDatagramPacket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;

/**
 * Two datagram channels of Netty's epoll transport, each on an event loop, with trains both ways:
 * buffers of 64 KiB, and as many of them in one go as the other way's batch holds.
 */
final class NettyWay implements Way {
  private static final int READ_BYTES = 65_535;
  private static final int READS = 15;

  private final EventLoopGroup sending =
      new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
  private final EventLoopGroup receiving =
      new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
  private final ByteBuf train = Unpooled.directBuffer(Flow.TRAIN_BYTES).writeZero(Flow.TRAIN_BYTES);
  private final Channel sender;
  private final Channel receiver;
  private final InetSocketAddress to;
  private final Flow flow;

  NettyWay() {
    sender = open(sending, new Sender());
    receiver = open(receiving, new Receiver());
    to = (InetSocketAddress) receiver.localAddress();
    Runnable burst = this::send;
    flow = new Flow(() -> sender.eventLoop().execute(burst));
  }

  private static Channel open(EventLoopGroup group, ChannelHandler handler) {
    FixedRecvByteBufAllocator reads = new FixedRecvByteBufAllocator(READ_BYTES);
    reads.maxMessagesPerRead(READS * Flow.TRAIN);
    return new Bootstrap()
        .group(group)
        .channel(EpollDatagramChannel.class)
        .option(EpollChannelOption.UDP_GRO, true)
        .option(ChannelOption.RECVBUF_ALLOCATOR, reads)
        .option(ChannelOption.SO_RCVBUF, Flow.BUFFER_BYTES)
        .option(ChannelOption.SO_SNDBUF, Flow.BUFFER_BYTES)
        .handler(handler)
        .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
        .syncUninterruptibly()
        .channel();
  }

  @SuppressWarnings("FutureReturnValueIgnored") // What fails is missed by the receiver.
  private void send() {
    while (sender.isWritable() && flow.maySend()) {
      for (int i = 0; i < Flow.TRAINS; i++) {
        sender.write(
            new SegmentedDatagramPacket(train.retainedDuplicate(), Flow.DATAGRAM_BYTES, to),
            sender.voidPromise());
      }
      sender.flush();
      flow.sent((long) Flow.TRAINS * Flow.TRAIN_BYTES);
    }
  }

  private final class Sender extends ChannelInboundHandlerAdapter {
    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
      if (context.channel().isWritable()) {
        context.channel().eventLoop().execute(NettyWay.this::send);
      }
    }
  }

  private final class Receiver extends ChannelInboundHandlerAdapter {
    private long bytes;

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      DatagramPacket packet = (DatagramPacket) message;
      bytes += packet.content().readableBytes();
      packet.release();
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
      flow.received(bytes);
      bytes = 0;
    }
  }

  @Override
  public String name() {
    return "netty";
  }

  @Override
  public Flow flow() {
    return flow;
  }

  @Override
  public void close() {
    sender.close().syncUninterruptibly();
    receiver.close().syncUninterruptibly();
    for (EventLoopGroup group : new EventLoopGroup[] {sending, receiving}) {
      group.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
    }
    train.release();
  }
}
