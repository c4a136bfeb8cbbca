package io.vnet.benchmarks.relay;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultEventLoopGroup;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.util.ReferenceCountUtil;
import org.drasyl.channel.tun.TunAddress;
import org.drasyl.channel.tun.TunChannel;

/**
 * The relay as org.drasyl:netty-tun makes it: two of its channels, each forwarding what it reads to
 * the other.
 *
 * <p>Each channel has an event loop, and a thread that reads, from where a packet hops to the loop
 * and from there to the other's loop. One loop for both saves a hop but gave less than half of the
 * throughput on idle cores. What a loop is too slow for is dropped, as a device does when its queue
 * is full.
 */
public final class NettyTunRelay {
  /** Full at as many packets as fit into the queue of a tun device, 500; open again at half. */
  private static final WriteBufferWaterMark QUEUE_BYTES =
      new WriteBufferWaterMark(250 * 1500, 500 * 1500);

  private NettyTunRelay() {}

  /** Relays between the tun devices A and B, which it makes, until it is killed. */
  @SuppressWarnings("deprecation") // The channel accepts no other kind of loop.
  public static void main(String... arguments) throws InterruptedException {
    if (arguments.length != 2) {
      System.err.println("usage: NettyTunRelay A B");
      System.exit(2);
    }
    EventLoopGroup group = new DefaultEventLoopGroup(2);
    // They read when both are there.
    Channel a = open(group, arguments[0]);
    Channel b = open(group, arguments[1]);
    forward(a, b);
    forward(b, a);
    System.out.println("ready " + arguments[0] + " " + arguments[1]);
    a.closeFuture().sync();
  }

  private static Channel open(EventLoopGroup group, String name) throws InterruptedException {
    return new Bootstrap()
        .group(group)
        .channel(TunChannel.class)
        .option(ChannelOption.AUTO_READ, false)
        .option(ChannelOption.WRITE_BUFFER_WATER_MARK, QUEUE_BYTES)
        .handler(
            new ChannelInitializer<>() {
              @Override
              protected void initChannel(Channel channel) {}
            })
        .bind(new TunAddress(name))
        .sync()
        .channel();
  }

  private static void forward(Channel from, Channel to) {
    from.pipeline().addLast(new Forwarder(to));
    from.config().setAutoRead(true);
  }

  private static final class Forwarder extends ChannelInboundHandlerAdapter {
    private final Channel peer;

    Forwarder(Channel peer) {
      this.peer = peer;
    }

    @Override
    @SuppressWarnings("FutureReturnValueIgnored") // What fails comes to exceptionCaught.
    public void channelRead(ChannelHandlerContext context, Object packet) {
      if (peer.isWritable()) {
        peer.writeAndFlush(packet, peer.voidPromise());
      } else {
        ReferenceCountUtil.release(packet);
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable thrown) {
      System.err.println("NettyTunRelay: " + thrown);
      System.exit(1);
    }
  }
}
