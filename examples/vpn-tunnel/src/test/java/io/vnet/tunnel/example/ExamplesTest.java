package io.vnet.tunnel.example;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.VnetHost;
import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.Packet;
import io.vnet.io.udp.UdpSettings;
import io.vnet.tunnel.Outside;
import io.vnet.tunnel.WireGuardTunnel;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.testkit.TunnelPair;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The examples do what they say. */
class ExamplesTest {
  @Test
  void a_packet_gets_from_one_network_to_the_other() {
    assertThat(JoinedNetworks.run())
        .isEqualTo("10.2.0.1 has received 84 bytes from 10.1.0.1 to 10.2.0.1");
  }

  @Test
  void a_program_pings_through_its_own_tunnel_over_loopback() throws InterruptedException {
    try (VnetHost host = VnetHost.start()) {
      Device device = host.create(DeviceSpec.of("tun"));
      Thread answerer;
      UdpSettings loopback = UdpSettings.onPort(0).withAddress(IpAddress.parse("127.0.0.1"));
      try (DeviceHandle answering = device.open();
          WireGuardTunnel server =
              WireGuardTunnel.start(host, "server", device.networkEnd(), Outside.udp(loopback))) {
        PeerChange client =
            PeerChange.of(TunnelPair.publicKey(1))
                .withAllowedIps(List.of(IpPrefix.parse("10.3.0.2/32")));
        TunnelPair.join(
            server.change(
                TunnelChange.NONE
                    .withPrivateKey(TunnelPair.privateKey(2))
                    .withPeers(List.of(client))));
        TunnelPair.join(server.up());
        int port = TunnelPair.join(server.status()).listenPort();
        answerer = Thread.ofPlatform().start(() -> answer(answering));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        int answered =
            TunnelPing.ping(
                TunnelPair.privateKey(1),
                IpAddress.parse("10.3.0.2"),
                TunnelPair.publicKey(2),
                Endpoint.parse("127.0.0.1:" + port),
                IpAddress.parse("10.3.0.1"),
                new PrintStream(out, true, StandardCharsets.UTF_8));
        assertThat(out.toString(StandardCharsets.UTF_8)).contains("10.3.0.1 answers 1 after ");
        assertThat(answered).isEqualTo(3);
      }
      answerer.join();
    }
  }

  private static void answer(DeviceHandle stack) {
    try {
      while (true) {
        Packet packet = stack.read();
        if (Packets.isEchoRequest(packet)) {
          stack.write(Packets.echoReply(packet));
        }
      }
    } catch (VnetException e) {
      assertThat(stack.isOpen()).isFalse();
    }
  }
}
