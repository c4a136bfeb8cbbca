package io.vnet.examples.pipelines;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.local.LocalIoHandler;
import io.vnet.actors.HostStatistics;
import io.vnet.actors.VnetHost;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.NetworkEnd;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.header.HeaderStatus;
import io.vnet.api.header.IcmpView;
import io.vnet.api.header.Ipv4View;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.io.netty.PacketPortChannel;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A Netty pipeline on a device in memory, and what is left of it. */
class AnswerPingTest {
  private static final int GUARD_SECONDS = 60;

  private final EventLoopGroup loops =
      new MultiThreadIoEventLoopGroup(1, LocalIoHandler.newFactory());
  private final VnetHost host = VnetHost.start();
  private final Device device = host.create(DeviceSpec.of("tun"));
  private final DeviceHandle handle = device.open();
  private final NetworkEnd network = device.networkEnd();

  @AfterEach
  void nothing_is_left() {
    HostStatistics left = host.terminate().toCompletableFuture().join();
    assertThat(left).matches(HostStatistics::holdsNothing);
    assertThat(
            loops
                .shutdownGracefully(0, 1, TimeUnit.SECONDS)
                .awaitUninterruptibly(GUARD_SECONDS, TimeUnit.SECONDS))
        .isTrue();
  }

  private void send(Packet packet) {
    PacketBatch batch = host.batches().acquire();
    assertThat(batch.append(packet)).isTrue();
    assertThat(network.send(batch, 0)).isEqualTo(1);
    batch.release();
  }

  private Packet receive() {
    PacketBatch batch = host.batches().acquire();
    Awaitility.await().until(() -> network.receive(batch) > 0);
    Packet packet = batch.packet(0);
    batch.release();
    return packet;
  }

  @Test
  void a_ping_is_answered_to_its_sender() {
    PacketPortChannel channel = AnswerPing.start(host, handle, loops, new EchoHandler(10));
    send(Traffic.ipv4(17));
    send(Traffic.ping(5));

    Packet answer = receive();

    Ipv4View ip = new Ipv4View();
    IcmpView icmp = new IcmpView();
    Ipv4View asked = new Ipv4View();
    assertThat(asked.wrap(Traffic.ping(5).segment(), 0, answer.length()))
        .isEqualTo(HeaderStatus.OK);
    assertThat(ip.wrap(answer.segment(), 0, answer.length())).isEqualTo(HeaderStatus.OK);
    assertThat(ip.sourceBits()).isEqualTo(asked.destinationBits());
    assertThat(ip.destinationBits()).isEqualTo(asked.sourceBits());
    assertThat(ip.checksumIsRight()).isTrue();
    assertThat(icmp.wrap(answer.segment(), ip.payloadOffset(), ip.payloadLength()))
        .isEqualTo(HeaderStatus.OK);
    assertThat(icmp.type()).isEqualTo(IcmpView.ECHO_REPLY);
    assertThat(icmp.sequence()).isEqualTo(5);
    assertThat(icmp.checksumIsRight(0)).isTrue();
    channel.close().syncUninterruptibly();
    assertThat(handle.isOpen()).isFalse();
    assertThat(handle.counters().sentPackets()).isEqualTo(1);
  }

  @Test
  void it_ends_with_its_last_answer_and_closes_the_device() {
    EchoHandler echo = new EchoHandler(1000);
    AnswerPing.start(host, handle, loops, echo);

    AnswerPing.ping(host, network, 1000);

    assertThat(echo.answered().toCompletableFuture().join()).isEqualTo(1000);
    handle.closed().toCompletableFuture().join();
    assertThat(handle.counters().sentPackets()).isEqualTo(1000);
  }

  @Test
  void a_destroyed_device_fails_the_pipeline_with_the_reason() {
    EchoHandler echo = new EchoHandler(1);
    PacketPortChannel channel = AnswerPing.start(host, handle, loops, echo);

    device.destroy();

    assertThatThrownBy(() -> echo.answered().toCompletableFuture().join())
        .isInstanceOf(CompletionException.class)
        .cause()
        .isInstanceOfSatisfying(
            VnetException.class, failure -> assertThat(failure.errno()).isEqualTo(Errno.ENXIO));
    channel.closeFuture().syncUninterruptibly();
  }

  @Test
  void the_program_pings_itself() {
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    PrintStream before = System.out;
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try {
      AnswerPing.main("--memory", "100");
    } finally {
      System.setOut(before);
    }
    assertThat(printed.toString(StandardCharsets.UTF_8))
        .isEqualToIgnoringNewLines("100 pings answered");
  }
}
