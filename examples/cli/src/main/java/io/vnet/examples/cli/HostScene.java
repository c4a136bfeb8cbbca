package io.vnet.examples.cli;

import akka.Done;
import akka.stream.javadsl.Keep;
import io.vnet.actors.VnetHost;
import io.vnet.actors.stream.PacketStreams;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.api.error.VnetException;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PortCounters;
import io.vnet.io.netns.NetworkNamespace;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Two TAP devices of the kernel in two network namespaces of our own, joined by two streams; the
 * kernel pings and carries a TCP connection through them.
 *
 * <pre>
 *   namespace 1: ping, TCP -- tap0 == streams of this process == tap1 -- namespace 2: kernel, TCP
 * </pre>
 */
final class HostScene implements DemoScene {
  private static final Logger LOG = LoggerFactory.getLogger(HostScene.class);
  private static final IpPrefix FIRST = IpPrefix.parse("10.77.0.1/24");
  private static final IpPrefix SECOND = IpPrefix.parse("10.77.0.2/24");
  private static final int TCP_PORT = 5001;
  private static final int CHUNK_BYTES = 64 * 1024;
  private static final int PING_TIMEOUT_MILLIS = 1000;

  private final NetworkNamespace firstNamespace;
  private final NetworkNamespace secondNamespace;
  private final Device first;
  private final Device second;
  private final DeviceHandle firstHandle;
  private final DeviceHandle secondHandle;
  private final LongSupplier nanoClock;
  private final Recorder roundTrips = new Recorder(3);
  private final List<CompletionStage<Done>> streams = new ArrayList<>();
  private final List<AutoCloseable> sockets = new CopyOnWriteArrayList<>();
  private final List<Thread> threads = new ArrayList<>();
  private final AtomicLong tcpBytes = new AtomicLong();
  private volatile boolean winding;

  HostScene(VnetHost host, LongSupplier nanoClock) throws IOException {
    this.nanoClock = nanoClock;
    firstNamespace = NetworkNamespace.create();
    secondNamespace = NetworkNamespace.create();
    first = host.create(tap(firstNamespace, FIRST));
    second = host.create(tap(secondNamespace, SECOND));
    firstHandle = first.open();
    secondHandle = second.open();
    PacketStreams firstStreams = host.streams(firstHandle);
    PacketStreams secondStreams = host.streams(secondHandle);
    join(firstStreams, secondStreams);
    join(secondStreams, firstStreams);
    startTcp();
    start("demo-ping", this::ping);
  }

  private static DeviceSpec tap(NetworkNamespace namespace, IpPrefix address) {
    return DeviceSpec.of("tap")
        .withHost(HostBacking.create().inNetworkNamespace(namespace.path()).withAddresses(address));
  }

  private void join(PacketStreams from, PacketStreams to) {
    streams.add(from.run(from.batches().toMat(to.batchSink(), Keep.right())));
  }

  private void startTcp() throws IOException {
    // Sockets belong to the namespace of the thread that opens them; other threads may use them.
    ServerSocketChannel server = secondNamespace.call(ServerSocketChannel::open);
    sockets.add(server);
    server.bind(new InetSocketAddress(SECOND.address().toInetAddress(), TCP_PORT));
    SocketChannel client = firstNamespace.call(SocketChannel::open);
    sockets.add(client);
    start(
        "demo-tcp-receive",
        () -> {
          SocketChannel accepted = server.accept();
          sockets.add(accepted);
          ByteBuffer buffer = ByteBuffer.allocateDirect(CHUNK_BYTES);
          for (int read = 0; read >= 0 && !winding; read = accepted.read(buffer.clear())) {
            tcpBytes.addAndGet(read);
          }
        });
    start(
        "demo-tcp-send",
        () -> {
          client.connect(new InetSocketAddress(SECOND.address().toInetAddress(), TCP_PORT));
          ByteBuffer buffer = ByteBuffer.allocateDirect(CHUNK_BYTES);
          while (!winding) {
            client.write(buffer.clear());
          }
        });
  }

  /**
   * Makes the JDK open what it keeps for all sockets: outside a namespace, and before descriptors
   * are counted.
   */
  static void warmUpSockets() throws IOException {
    try (ServerSocketChannel server = ServerSocketChannel.open();
        SocketChannel client = SocketChannel.open()) {
      server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      client.connect(server.getLocalAddress());
      server.accept().close();
    }
  }

  /** A program of a traffic thread, which ends by an exception when its socket is closed. */
  private interface Traffic {
    void run() throws IOException;
  }

  private void start(String name, Traffic traffic) {
    threads.add(
        Thread.ofPlatform()
            .daemon()
            .name(name)
            .start(() -> {
              try {
                traffic.run();
              } catch (ClosedChannelException e) {
                LOG.debug("{} ended: its socket was closed", name);
              } catch (IOException e) {
                if (!winding) {
                  LOG.warn("{} ended: {}", name, e.toString());
                }
              }
            }));
  }

  private void ping() {
    InetAddress peer = SECOND.address().toInetAddress();
    firstNamespace.call(() -> {
      while (!winding) {
        long began = nanoClock.getAsLong();
        // As root this is an ICMP echo from a raw socket, which the kernel of namespace 2 answers.
        if (peer.isReachable(PING_TIMEOUT_MILLIS)) {
          roundTrips.recordValue(Math.max(1, nanoClock.getAsLong() - began));
        }
      }
      return true;
    });
  }

  @Override
  public String description() {
    return "namespace 1, "
        + FIRST
        + ": tap0 == batch streams == tap1: namespace 2, "
        + SECOND
        + "; the kernel's ping and one TCP connection";
  }

  @Override
  public List<PacketPort> ports() {
    return List.of(firstHandle, secondHandle);
  }

  @Override
  public Histogram roundTrips() {
    return roundTrips.getIntervalHistogram();
  }

  @Override
  public OptionalLong tcpBytes() {
    return OptionalLong.of(tcpBytes.get());
  }

  @Override
  public Device victim() {
    return second;
  }

  @Override
  public void wind() {
    winding = true;
    first.destroy();
    for (CompletionStage<Done> stream : streams) {
      try {
        stream.toCompletableFuture().join();
      } catch (CompletionException e) {
        // A stream over a destroyed device ends with that device's error, which is what is shown
        // here.
        if (!(Failures.cause(e) instanceof VnetException)) {
          throw e;
        }
      }
    }
    closeSockets();
    for (Thread thread : threads) {
      join(thread);
    }
  }

  private static void join(Thread thread) {
    boolean interrupted = false;
    while (true) {
      try {
        thread.join();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void closeSockets() {
    for (AutoCloseable socket : sockets) {
      try {
        socket.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }

  @Override
  public List<Account> accounts() {
    return List.of(
        program("tap0 -> tap1 stream", firstHandle, secondHandle),
        program("tap1 -> tap0 stream", secondHandle, firstHandle));
  }

  private static Account program(String place, PacketPort from, PacketPort to) {
    PortCounters sent = to.counters();
    return new Account(
        place,
        from.counters().receivedPackets(),
        sent.sentPackets(),
        sent.dropped()
            - sent.dropped(DropReason.FLUSHED_AT_CLOSE)
            - sent.dropped(DropReason.DEVICE_DESTROYED));
  }

  @Override
  public void close() {
    winding = true;
    closeSockets();
    firstHandle.close();
    secondHandle.close();
    firstNamespace.close();
    secondNamespace.close();
  }
}
