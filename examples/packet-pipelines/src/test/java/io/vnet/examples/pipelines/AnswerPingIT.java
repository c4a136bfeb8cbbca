package io.vnet.examples.pipelines;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.vnet.actors.HostSettings;
import io.vnet.actors.HostStatistics;
import io.vnet.actors.VnetHost;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.backend.HostIo;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.netty.PacketPortChannel;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** ping(8) through the kernel's stack into a Netty pipeline, on the device's thread and off it. */
@ExtendWith(NetworkNamespaces.class)
class AnswerPingIT {
  private static final int PINGS = 20;

  /** Than ping sends before it has had its answers, on a busy machine too. */
  private static final int MORE = 20_000;

  /** Notes which threads run the channel. */
  private static final class ThreadNames extends ChannelInboundHandlerAdapter {
    final Set<String> names = new ConcurrentSkipListSet<>();

    @Override
    public void channelRead(ChannelHandlerContext context, Object packet) {
      names.add(Thread.currentThread().getName());
      context.fireChannelRead(packet);
    }
  }

  @ParameterizedTest
  @CsvSource({"EPOLL,true", "EPOLL,false", "AUTO,true", "AUTO,false"})
  void the_kernel_gets_its_answers(HostIo io, boolean onIsland, NetworkNamespace namespace) {
    EventLoopGroup loops = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    VnetHost host = VnetHost.start(HostSettings.defaults().withIo(io));
    Device device =
        host.create(
            DeviceSpec.of("tun")
                .withHost(
                    HostBacking.create()
                        .inNetworkNamespace(namespace.path())
                        .withAddresses(IpPrefix.parse("10.77.0.1/24"))));
    DeviceHandle handle = device.open();
    ThreadNames threads = new ThreadNames();
    EchoHandler echo = new EchoHandler(MORE);
    PacketPortChannel channel = new PacketPortChannel(handle, host.batches(handle));
    channel.pipeline().addLast(threads, echo);
    var loop = onIsland ? PacketPortChannel.islandLoop(handle).orElseThrow() : loops.next();
    loop.register(channel).syncUninterruptibly();

    Program.ping(namespace, "10.77.0.2", PINGS, "0.002");

    if (onIsland) {
      assertThat(threads.names).singleElement().asString().startsWith("vnet-island-");
    } else {
      assertThat(threads.names).singleElement().asString().doesNotContain("vnet");
    }
    assertThat(handle.counters().sentPackets()).isBetween((long) PINGS, MORE - 1L);
    // The rest never comes.
    device.destroy();
    assertThatThrownBy(() -> echo.answered().toCompletableFuture().join())
        .isInstanceOf(CompletionException.class)
        .hasMessageContaining("ENXIO");
    channel.closeFuture().syncUninterruptibly();
    HostStatistics left = host.terminate().toCompletableFuture().join();
    assertThat(left).matches(HostStatistics::holdsNothing);
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
  }
}
