package io.vnet.actors;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.vnet.actors.testkit.IpPackets;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.actors.testkit.LibcNetwork;
import io.vnet.actors.testkit.TcpTransfer;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.api.error.Errno;
import io.vnet.api.offload.Offload;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.OffloadFeature;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.netty.OffloadedPacket;
import io.vnet.io.netty.PacketPortChannel;
import io.vnet.io.testkit.FaultyLibc;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pipelines of Netty over devices of the kernel's that have its offloads. */
@ExtendWith(NetworkNamespaces.class)
class ChannelOffloadIT {
  private static final int MTU = 1500;
  private static final int PINGS = 20;
  private static final int DATAGRAMS = 20;
  private static final int DATAGRAM_BYTES = 1000;
  private static final int IP_AND_UDP_BYTES = 28;
  private static final int PORT = 5002;
  private static final int GUARD_MILLIS = 60_000;

  /** Writes each message as it is to the other channel, and counts. */
  private static final class Forward extends ChannelInboundHandlerAdapter {
    private final PacketPortChannel to;
    private final AtomicLong messages = new AtomicLong();
    private final AtomicLong superPackets = new AtomicLong();
    private final AtomicLong misfits = new AtomicLong();

    Forward(PacketPortChannel to) {
      this.to = to;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      messages.incrementAndGet();
      boolean segmented = false;
      int bytes;
      if (message instanceof OffloadedPacket packet) {
        segmented = Offload.isSegmented(packet.offload());
        bytes = packet.content().readableBytes();
      } else {
        bytes = ((ByteBuf) message).readableBytes();
      }
      if (segmented) {
        superPackets.incrementAndGet();
      }
      // What is longer than a packet says how it is cut, and what says so is longer.
      if (segmented != bytes > MTU) {
        misfits.incrementAndGet();
      }
      var _ = to.write(message);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
      to.flush();
    }
  }

  private static DeviceHandle tun(VnetHost host, NetworkNamespace namespace, String address) {
    return host.create(
            DeviceSpec.of("tun")
                .withMtu(MTU)
                .withHost(
                    HostBacking.create()
                        .inNetworkNamespace(namespace.path())
                        .withAddresses(IpPrefix.parse(address))
                        .withOffload(true)))
        .open();
  }

  private static PacketPortChannel registered(PacketPortChannel channel) {
    PacketPortChannel.islandLoop(channel.port())
        .orElseThrow()
        .register(channel)
        .syncUninterruptibly();
    return channel;
  }

  @Test
  void super_packets_cross_pipelines_as_one_message_each(
      NetworkNamespace left, NetworkNamespace right) throws IOException {
    VnetHost host = VnetHost.start();
    DeviceHandle near = tun(host, left, "10.9.0.1/24");
    DeviceHandle far = tun(host, right, "10.9.0.2/24");
    PacketPortChannel nearChannel = new PacketPortChannel(near, host.batches(near));
    PacketPortChannel farChannel = new PacketPortChannel(far, host.batches(far));
    Forward there = new Forward(farChannel);
    Forward back = new Forward(nearChannel);
    nearChannel.pipeline().addLast(there);
    farChannel.pipeline().addLast(back);
    registered(nearChannel);
    registered(farChannel);

    try (TcpTransfer transfer = new TcpTransfer(left, right, "10.9.0.2")) {
      transfer.assertComplete();
    }
    try (TcpTransfer transfer = new TcpTransfer(right, left, "10.9.0.1")) {
      transfer.assertComplete();
    }
    Program.ping(left, "10.9.0.2", PINGS, "0.002");

    assertThat(there.superPackets).hasPositiveValue();
    assertThat(back.superPackets).hasPositiveValue();
    assertThat(there.misfits).hasValue(0);
    assertThat(back.misfits).hasValue(0);
    assertThat(near.counters().dropped()).isZero();
    assertThat(far.counters().dropped()).isZero();
    nearChannel.close().syncUninterruptibly();
    farChannel.close().syncUninterruptibly();
    assertThat(there.messages).hasValue(near.counters().receivedPackets());
    assertThat(back.messages).hasValue(far.counters().receivedPackets());
    Leftovers.assertNothingLeft(host);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void a_written_super_packet_comes_out_as_its_segments(
      boolean byTheKernel, NetworkNamespace namespace) throws IOException {
    FaultyLibc libc = new FaultyLibc();
    VnetHost host =
        VnetHost.start(HostSettings.defaults(), () -> Optional.of(new LibcNetwork(libc)));
    if (!byTheKernel) {
      // A kernel from before USO.
      libc.failNext("ioctl TUNSETOFFLOAD", Errno.EINVAL);
    }
    DeviceHandle handle = tun(host, namespace, "10.0.0.2/24");
    assertThat(handle.offloads().contains(OffloadFeature.USO4)).isEqualTo(byTheKernel);
    PacketPortChannel channel = registered(new PacketPortChannel(handle, host.batches(handle)));
    List<Packet> packets = new IpPackets(true, true).packets(0, DATAGRAMS, DATAGRAM_BYTES);
    PacketBatch joined = IpPackets.joined(host.batches(handle), packets);
    assertThat(joined.count()).isEqualTo(1);
    OffloadedPacket message =
        new OffloadedPacket(
            Unpooled.wrappedBuffer(joined.packet(0).toByteArray()), joined.offload(0));
    joined.release();

    try (DatagramSocket socket = namespace.call(ChannelOffloadIT::receiver)) {
      channel.writeAndFlush(message).syncUninterruptibly();

      for (Packet packet : packets) {
        DatagramPacket datagram = new DatagramPacket(new byte[2 * MTU], 2 * MTU);
        socket.receive(datagram);
        byte[] bytes = packet.toByteArray();
        assertThat(Arrays.copyOf(datagram.getData(), datagram.getLength()))
            .isEqualTo(Arrays.copyOfRange(bytes, IP_AND_UDP_BYTES, bytes.length));
      }
    }

    assertThat(handle.counters().sentPackets()).isEqualTo(1);
    assertThat(handle.counters().splitPackets()).isEqualTo(byTheKernel ? 0 : 1);
    channel.close().syncUninterruptibly();
    Leftovers.assertNothingLeft(host);
    assertThat(libc.open()).isEmpty();
  }

  private static DatagramSocket receiver() throws IOException {
    DatagramSocket socket =
        new DatagramSocket(new InetSocketAddress(InetAddress.getByName("10.0.0.2"), PORT));
    socket.setSoTimeout(GUARD_MILLIS);
    return socket;
  }
}
