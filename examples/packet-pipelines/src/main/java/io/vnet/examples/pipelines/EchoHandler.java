package io.vnet.examples.pipelines;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.vnet.api.header.HeaderStatus;
import io.vnet.api.header.IcmpView;
import io.vnet.api.header.IpProtocols;
import io.vnet.api.header.Ipv4View;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * Answers IPv4 pings, whoever they are for, in the buffer that they came in; passes everything else
 * on. The answers of one turn are sent together. For one channel.
 */
final class EchoHandler extends ChannelInboundHandlerAdapter {
  private final Ipv4View ip = new Ipv4View();
  private final IcmpView icmp = new IcmpView();
  private final CompletableFuture<Long> answered = new CompletableFuture<>();
  private final long pings;
  private long written;
  private long sent;

  /**
   * @param pings how many to answer before the channel is closed
   */
  EchoHandler(long pings) {
    this.pings = pings;
  }

  /** Completes with how many were answered when the channel has closed, or fails with its cause. */
  CompletionStage<Long> answered() {
    return answered;
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (message instanceof ByteBuf packet && written < pings && answer(packet)) {
      written++;
      context
          .write(packet)
          .addListener(write -> {
            sent += write.isSuccess() ? 1 : 0;
            if (sent == pings) {
              var _ = context.close();
            }
          });
    } else {
      context.fireChannelRead(message);
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext context) {
    context.flush();
    context.fireChannelReadComplete();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    answered.completeExceptionally(cause);
    var _ = context.close();
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    answered.complete(sent);
    context.fireChannelInactive();
  }

  /** Makes the answer out of an echo request; false: it is none, and is as it was. */
  private boolean answer(ByteBuf packet) {
    MemorySegment bytes =
        MemorySegment.ofBuffer(packet.nioBuffer(packet.readerIndex(), packet.readableBytes()));
    if (ip.wrap(bytes, 0, packet.readableBytes()) != HeaderStatus.OK
        || ip.protocol() != IpProtocols.ICMP
        || ip.isFragment()
        || icmp.wrap(bytes, ip.payloadOffset(), ip.payloadLength()) != HeaderStatus.OK
        || icmp.type() != IcmpView.ECHO_REQUEST
        || !icmp.checksumIsRight(0)) {
      return false;
    }
    icmp.setType(IcmpView.ECHO_REPLY);
    ip.swapAddresses();
    return true;
  }
}
