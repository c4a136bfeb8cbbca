package io.vnet.tunnel.example;

import io.vnet.actors.VnetHost;
import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.packet.Packet;
import io.vnet.tunnel.MemoryDatagrams;
import io.vnet.tunnel.WireGuardTunnel;
import io.vnet.tunnel.key.KeyPair;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.TunnelChange;
import java.time.Duration;
import java.util.List;

/**
 * Two networks in this process, 10.1.0.0/16 and 10.2.0.0/16, and an encrypted tunnel that joins
 * them. No socket, no root.
 *
 * <pre>
 *   host 10.1.0.1 = tun0 = tunnel ~~~ datagrams in memory ~~~ tunnel = tun1 = host 10.2.0.1
 * </pre>
 *
 * <p>What is "host" here is the end of a device that a program reads and writes; it could as well
 * be a switch, a simulated router or an IP stack.
 */
public final class JoinedNetworks {
  private static final int PORT = 51820;
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private JoinedNetworks() {}

  /** Sends a packet from one network to the other and says what came. */
  public static void main(String... arguments) {
    System.out.println(run());
  }

  static String run() {
    try (VnetHost host = VnetHost.start()) {
      MemoryDatagrams between = MemoryDatagrams.create();
      KeyPair first = KeyPair.generate();
      KeyPair second = KeyPair.generate();
      IpAddress firstAddress = IpAddress.parse("192.0.2.1");
      IpAddress secondAddress = IpAddress.parse("192.0.2.2");
      Device one = host.create(DeviceSpec.of("tun"));
      Device two = host.create(DeviceSpec.of("tun"));
      try (DeviceHandle hostOne = one.open();
          DeviceHandle hostTwo = two.open();
          WireGuardTunnel left =
              WireGuardTunnel.start(host, "left", one.networkEnd(), between.at(firstAddress));
          WireGuardTunnel right =
              WireGuardTunnel.start(host, "right", two.networkEnd(), between.at(secondAddress))) {
        configure(left, first, second, "10.2.0.0/16", secondAddress);
        configure(right, second, first, "10.1.0.0/16", firstAddress);
        hostOne.write(
            Packets.echoRequest(IpAddress.parse("10.1.0.1"), IpAddress.parse("10.2.0.1"), 1));
        Packet arrived = hostTwo.read(PATIENCE).orElseThrow();
        return "10.2.0.1 has received " + Packets.describe(arrived);
      }
    }
  }

  private static void configure(
      WireGuardTunnel tunnel, KeyPair own, KeyPair other, String behind, IpAddress at) {
    PeerChange peer =
        PeerChange.of(other.publicKey())
            .withEndpoint(Endpoint.of(at, PORT))
            .withAllowedIps(List.of(IpPrefix.parse(behind)));
    tunnel
        .change(
            TunnelChange.NONE
                .withPrivateKey(own.privateKey())
                .withListenPort(PORT)
                .withPeers(List.of(peer)))
        .toCompletableFuture()
        .join();
    tunnel.up().toCompletableFuture().join();
  }
}
