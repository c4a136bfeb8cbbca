package io.vnet.tunnel.uapi;

import io.netty.channel.IoEvent;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoEvent;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import io.netty.channel.unix.Socket;
import io.vnet.tunnel.settings.ZoneNames;
import io.vnet.tunnel.uapi.UapiReader.Asked;
import io.vnet.tunnel.uapi.UapiReader.HangUp;
import io.vnet.tunnel.uapi.UapiReader.Refused;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executor;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client: its requests one after the other, however they arrive. Nothing is read while a
 * request is being carried out or its reply is on the way, so a client that only asks fills its own
 * queue and not ours. A client that has sent all may close its side and still gets its replies.
 *
 * <p>All on the event loop, which owns the socket. Edge-triggered and never changed: a Netty
 * channel would lose half-closed clients here, as it takes a socket without interest out of epoll.
 */
final class UapiConnection implements EpollIoHandle {
  /** What is asked of epoll, once. */
  static final EpollIoOps INTEREST =
      EpollIoOps.EPOLLIN
          .with(EpollIoOps.EPOLLOUT)
          .with(EpollIoOps.EPOLLRDHUP)
          .with(EpollIoOps.EPOLLET);

  private static final Logger LOG = LoggerFactory.getLogger(UapiConnection.class);

  /** Then others have their turn. */
  private static final int READS_MAX = 16;

  private static final ByteBuffer NOTHING = ByteBuffer.wrap(new byte[0]);

  private final Socket socket;
  private final Executor loop;
  private final ByteBuffer transfer;
  private final UapiReader reader;
  private final BiConsumer<UapiRequest, Consumer<String>> operations;
  private final Consumer<UapiConnection> gone;
  private @Nullable IoRegistration registration;
  private ByteBuffer input = NOTHING;
  private ByteBuffer output = NOTHING;
  private boolean readable;
  private boolean inputEnded;
  private boolean busy;
  private boolean hangUp;
  private boolean closed;

  /**
   * @param socket which does not block
   * @param loop its event loop
   * @param transfer direct, of the loop: nothing stays in it
   * @param zones interfaces that endpoints may name
   * @param operations takes a request and gives the reply later, on the event loop
   * @param gone told when it is closed
   */
  UapiConnection(
      Socket socket,
      Executor loop,
      ByteBuffer transfer,
      ZoneNames zones,
      BiConsumer<UapiRequest, Consumer<String>> operations,
      Consumer<UapiConnection> gone) {
    this.socket = socket;
    this.loop = loop;
    this.transfer = transfer;
    this.reader = new UapiReader(zones);
    this.operations = operations;
    this.gone = gone;
  }

  @Override
  public FileDescriptor fd() {
    return socket;
  }

  void begin(IoRegistration registered) {
    registration = registered;
    registered.submit(INTEREST);
  }

  /** Room to write, bytes, the end of them, or an error, which the next call will tell. */
  @Override
  public void handle(IoRegistration registered, IoEvent event) {
    readable |= !((EpollIoEvent) event).ops().equals(EpollIoOps.EPOLLOUT);
    progress();
  }

  private void progress() {
    try {
      for (int reads = 0; !closed; ) {
        if (output.hasRemaining()) {
          if (!write()) {
            return;
          }
        } else if (busy) {
          return;
        } else if (input.hasRemaining()) {
          serve(reader.read(input));
        } else if (inputEnded) {
          close();
        } else if (!readable) {
          return;
        } else if (++reads > READS_MAX) {
          loop.execute(this::progress);
          return;
        } else {
          read();
        }
      }
    } catch (IOException e) {
      // A client that goes away is no error.
      LOG.debug("a client went away", e);
      close();
    }
  }

  private void read() throws IOException {
    wipe(input);
    input = NOTHING;
    int bytes = socket.recv(transfer, 0, transfer.capacity());
    readable = bytes > 0;
    inputEnded = bytes < 0;
    if (bytes > 0) {
      byte[] taken = new byte[bytes];
      transfer.get(0, taken).put(0, new byte[bytes]);
      input = ByteBuffer.wrap(taken);
    }
  }

  private void serve(UapiReader.@Nullable Result result) {
    switch (result) {
      case null -> {
        // All that has come is taken.
      }
      case Asked asked -> {
        busy = true;
        operations.accept(asked.request(), this::answer);
      }
      case Refused refused -> {
        busy = true;
        hangUp = refused.hangUp();
        output = bytes(UapiText.errno(refused.errno()));
      }
      case HangUp _ -> close();
    }
  }

  private static void wipe(ByteBuffer buffer) {
    buffer.clear().put(new byte[buffer.capacity()]);
  }

  private static ByteBuffer bytes(String reply) {
    return ByteBuffer.wrap(reply.getBytes(StandardCharsets.UTF_8));
  }

  private void answer(String reply) {
    if (!closed) {
      output = bytes(reply);
      progress();
    }
  }

  /** Whether all has gone; if not, epoll will tell when there is room. */
  private boolean write() throws IOException {
    int bytes = Math.min(output.remaining(), transfer.capacity());
    transfer.put(0, output, output.position(), bytes);
    int sent = socket.send(transfer, 0, bytes);
    transfer.put(0, new byte[bytes]);
    output.position(output.position() + sent);
    if (!output.hasRemaining()) {
      // It may have had keys.
      wipe(output);
      output = NOTHING;
      busy = false;
      if (hangUp) {
        close();
      }
    }
    return sent > 0;
  }

  /** Also called by the loop at its end. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    gone.accept(this);
    if (registration != null) {
      registration.cancel();
    }
    wipe(input);
    wipe(output);
    try {
      socket.close();
    } catch (IOException e) {
      LOG.debug("a client's socket could not be closed", e);
    }
  }
}
