package io.vnet.examples.pipelines;

import akka.stream.javadsl.Sink;
import akka.stream.javadsl.Source;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.Future;
import io.vnet.actors.VnetHost;
import io.vnet.actors.stream.PacketStreams;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.api.error.VnetException;
import io.vnet.api.port.PacketPort;
import io.vnet.io.netty.PacketPortChannel;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;

/**
 * A Netty pipeline on a tun device that answers pings, until it answered {@code PINGS} (default 3)
 * or SIGINT comes.
 *
 * <p>{@code AnswerPing --memory [PINGS]} pings itself; {@code AnswerPing INTERFACE ADDRESS/PREFIX
 * [PINGS]} makes a tun interface of the host's kernel with that address, behind which every other
 * address of the network answers: {@code AnswerPing tun7 10.77.0.1/24} and {@code ping 10.77.0.2}.
 */
public final class AnswerPing {
  private static final String USAGE =
      "usage: AnswerPing --memory [PINGS] | AnswerPing INTERFACE ADDRESS/PREFIX [PINGS]";

  private AnswerPing() {}

  /** See the class. Exit codes: 0 answered, 1 no device, 2 wrong arguments. */
  public static void main(String... arguments) {
    if (!String.join(" ", arguments)
        .matches("(--memory|[^- ][^ ]* [0-9a-f.:]+/[0-9]+)( [1-9][0-9]{0,17})?")) {
      System.err.println(USAGE);
      System.exit(2);
    }
    boolean memory = arguments[0].equals("--memory");
    int named = memory ? 1 : 2;
    long pings = arguments.length > named ? Long.parseLong(arguments[named]) : 3;
    EventLoopGroup loops = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    CompletableFuture<Integer> ended = new CompletableFuture<>();
    try (VnetHost host = VnetHost.start()) {
      DeviceSpec tun = DeviceSpec.of("tun");
      Device device =
          host.create(memory ? tun : tun.withHost(kernelInterface(arguments[0], arguments[1])));
      DeviceHandle handle = device.open();
      // SIGINT closes the channel like its last ping; the process waits for the host.
      Runtime.getRuntime()
          .addShutdownHook(
              new Thread(() -> {
                handle.close();
                ended.join();
              }));
      EchoHandler echo = new EchoHandler(pings);
      start(host, handle, loops, echo);
      if (memory) {
        ping(host, device.networkEnd(), pings);
      }
      System.out.println(echo.answered().toCompletableFuture().join() + " pings answered");
    } catch (VnetException | CompletionException e) {
      System.err.println("AnswerPing: " + e.getMessage());
      ended.complete(1);
    } finally {
      Future<?> over = loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
      over.awaitUninterruptibly();
      ended.complete(0);
    }
    if (ended.join() != 0) {
      System.exit(ended.join());
    }
  }

  private static HostBacking kernelInterface(String name, String address) {
    return HostBacking.create().withInterfaceName(name).withAddresses(IpPrefix.parse(address));
  }

  /** Puts a pipeline on an open device: on the thread of its island, or else on a loop of ours. */
  static PacketPortChannel start(
      VnetHost host, PacketPort port, EventLoopGroup loops, EchoHandler echo) {
    PacketPortChannel channel = new PacketPortChannel(port, host.batches(port));
    channel.pipeline().addLast(echo);
    Optional<EventLoop> island = PacketPortChannel.islandLoop(port);
    EventLoop loop = island.isPresent() ? island.get() : loops.next();
    loop.register(channel).syncUninterruptibly();
    return channel;
  }

  /** Sends pings into a device and takes the answers out of it. */
  static void ping(VnetHost host, PacketPort networkEnd, long pings) {
    PacketStreams network = host.streams(networkEnd);
    network.run(network.packets().to(Sink.ignore()));
    network.run(
        Source.range(1, Math.toIntExact(pings)).map(Traffic::ping).to(network.packetSink()));
  }
}
