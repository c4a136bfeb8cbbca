package io.vnet.tunnel.uapi;

import io.netty.channel.IoEvent;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import io.netty.channel.unix.Socket;
import io.netty.util.concurrent.Future;
import io.vnet.tunnel.settings.ZoneNames;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Accepts clients. All on the event loop, which owns the socket. If that fails, which it does when
 * there are no descriptors left, those who wait are accepted later.
 */
final class UapiListener implements EpollIoHandle {
  /** What is asked of epoll. */
  static final EpollIoOps INTEREST = EpollIoOps.EPOLLIN.with(EpollIoOps.EPOLLET);

  private static final Logger LOG = LoggerFactory.getLogger(UapiListener.class);

  /** As Netty's native code wants it; a client of a Unix socket has no address. */
  private static final int ADDRESS_BYTES = 25;

  private static final int TRANSFER_BYTES = 16 << 10;

  private final Socket socket;
  private final IoEventLoop loop;
  private final ZoneNames zones;
  private final BiConsumer<UapiRequest, Consumer<String>> operations;
  private final ByteBuffer transfer = ByteBuffer.allocateDirect(TRANSFER_BYTES);
  private final Set<UapiConnection> clients = new HashSet<>();

  /** Whether there will be another try without an event. */
  private boolean retrying;

  /** Whether it has been said that clients must wait. */
  private boolean told;

  UapiListener(
      Socket socket,
      IoEventLoop loop,
      ZoneNames zones,
      BiConsumer<UapiRequest, Consumer<String>> operations) {
    this.socket = socket;
    this.loop = loop;
    this.zones = zones;
    this.operations = operations;
  }

  @Override
  public FileDescriptor fd() {
    return socket;
  }

  @Override
  public void handle(IoRegistration registration, IoEvent event) {
    // Who comes meanwhile is accepted with those who wait.
    if (!retrying) {
      acceptAll();
    }
  }

  private void acceptAgain() {
    retrying = false;
    acceptAll();
  }

  private void acceptAll() {
    byte[] address = new byte[ADDRESS_BYTES];
    try {
      while (socket.isOpen()) {
        int client = socket.accept(address);
        if (client < 0) {
          return;
        }
        told = false;
        begin(
            new UapiConnection(
                new Socket(client), loop, transfer, zones, operations, clients::remove));
      }
    } catch (IOException e) {
      if (!told) {
        LOG.warn("no client can be accepted; trying again each second: {}", e.getMessage());
      }
      told = true;
      retrying = true;
      var _ = loop.schedule(this::acceptAgain, 1, TimeUnit.SECONDS);
    }
  }

  private void begin(UapiConnection client) {
    clients.add(client);
    Future<IoRegistration> registered = loop.register(client);
    var _ =
        registered.addListener(_ -> {
          if (registered.isSuccess()) {
            client.begin(registered.getNow());
          } else {
            LOG.warn("a client cannot be served", registered.cause());
            client.close();
          }
        });
  }

  /**
   * Closes the socket and all clients. The loop would do it at its end, but not if it is asked to
   * end in the second half of a round (Netty's SingleThreadIoEventLoop.run): then it leaves what is
   * registered open.
   */
  void end() {
    close();
    List.copyOf(clients).forEach(UapiConnection::close);
  }

  /** Also called by the loop at its end. */
  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      LOG.debug("the socket could not be closed", e);
    }
  }
}
