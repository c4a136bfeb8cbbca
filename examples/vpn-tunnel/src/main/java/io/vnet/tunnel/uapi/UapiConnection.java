package io.vnet.tunnel.uapi;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.vnet.tunnel.settings.ZoneNames;
import io.vnet.tunnel.uapi.UapiReader.Asked;
import io.vnet.tunnel.uapi.UapiReader.HangUp;
import io.vnet.tunnel.uapi.UapiReader.Refused;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client: its requests one after the other, however they arrive. Nothing is read while a
 * request is being carried out or its reply is on the way, so a client that only asks fills its own
 * queue and not ours. All on the event loop.
 */
final class UapiConnection extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = LoggerFactory.getLogger(UapiConnection.class);

  private final UapiReader reader;
  private final BiConsumer<UapiRequest, Consumer<String>> operations;

  /** What came and has not been looked at, in order; none of them is empty. */
  private final Queue<ByteBuf> pending = new ArrayDeque<>();

  private boolean busy;
  private boolean inputEnded;

  /**
   * @param zones interfaces that endpoints may name
   * @param operations takes a request and gives the reply later, on the event loop
   */
  UapiConnection(ZoneNames zones, BiConsumer<UapiRequest, Consumer<String>> operations) {
    this.reader = new UapiReader(zones);
    this.operations = operations;
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    ByteBuf bytes = (ByteBuf) message;
    if (bytes.isReadable()) {
      pending.add(bytes);
    } else {
      bytes.release();
    }
    serve(context);
  }

  private void serve(ChannelHandlerContext context) {
    while (!busy && !pending.isEmpty()) {
      ByteBuf first = pending.element();
      ByteBuffer bytes = first.nioBuffer();
      UapiReader.Result result = reader.read(bytes);
      first.skipBytes(first.readableBytes() - bytes.remaining());
      if (!first.isReadable()) {
        pending.remove().release();
      }
      switch (result) {
        case null -> {
          // All that has come is taken.
        }
        case Asked asked -> {
          pause(context);
          operations.accept(asked.request(), reply -> answer(context, reply, false));
        }
        case Refused refused -> {
          pause(context);
          // Later: many refusals in one buffer must not become many calls in each other.
          context
              .executor()
              .execute(() -> answer(context, UapiText.errno(refused.errno()), refused.hangUp()));
        }
        case HangUp _ -> {
          pause(context);
          hangUp(context);
        }
      }
    }
    if (inputEnded && !busy) {
      hangUp(context);
    }
  }

  private static void hangUp(ChannelHandlerContext context) {
    var _ = context.close();
  }

  private void pause(ChannelHandlerContext context) {
    busy = true;
    context.channel().config().setAutoRead(false);
  }

  private void answer(ChannelHandlerContext context, String reply, boolean hangUp) {
    ByteBuf bytes = context.alloc().buffer(reply.length());
    bytes.writeCharSequence(reply, StandardCharsets.UTF_8);
    var _ =
        context
            .writeAndFlush(bytes)
            .addListener(written -> {
              if (hangUp || !written.isSuccess()) {
                hangUp(context);
              } else {
                busy = false;
                if (!inputEnded) {
                  context.channel().config().setAutoRead(true);
                }
                serve(context);
              }
            });
  }

  /** The client sends no more, but may still want replies. All that it sent has been read. */
  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (event instanceof ChannelInputShutdownEvent) {
      inputEnded = true;
      serve(context);
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    pending.forEach(ByteBuf::release);
    pending.clear();
  }

  /** A client that goes away is no error. */
  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    LOG.debug("a client went away", cause);
    hangUp(context);
  }
}
