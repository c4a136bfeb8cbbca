package io.vnet.tunnel.example;

import io.vnet.actors.VnetHost;
import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.packet.Packet;
import io.vnet.io.udp.UdpSettings;
import io.vnet.tunnel.Outside;
import io.vnet.tunnel.WireGuardTunnel;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.TunnelChange;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A program with a tunnel of its own: pings an address behind a WireGuard peer, whatever that peer
 * is made of. The host's interfaces and routes stay as they are, and root is not needed: the inside
 * of the tunnel is a device in memory, the outside a UDP socket.
 *
 * <pre>
 *   TunnelPing KEY-FILE OWN-ADDRESS PEER-KEY ENDPOINT TARGET
 *   TunnelPing me.key 10.0.0.2 B6N8vBQgk8i3VdwbEOhstCY3StFqqFPtC9/AsrhtHHw= 192.0.2.1:51820 10.0.0.1
 * </pre>
 */
public final class TunnelPing {
  private static final int ARGUMENTS = 5;
  private static final int PINGS = 3;
  private static final int MTU = 1420;
  private static final Duration PATIENCE = Duration.ofSeconds(6);

  private TunnelPing() {}

  /** Exit code 0: all were answered; 1: not all; 2: wrong arguments. */
  public static void main(String... arguments) throws IOException {
    if (arguments.length != ARGUMENTS) {
      System.err.println("usage: TunnelPing KEY-FILE OWN-ADDRESS PEER-KEY ENDPOINT TARGET");
      System.exit(2);
    }
    PrivateKey key = PrivateKey.fromBase64(Files.readString(Path.of(arguments[0])).strip());
    int answered =
        ping(
            key,
            IpAddress.parse(arguments[1]),
            PublicKey.fromBase64(arguments[2]),
            Endpoint.parse(arguments[3]),
            IpAddress.parse(arguments[4]),
            System.out);
    System.exit(answered == PINGS ? 0 : 1);
  }

  /** Pings some times; how many were answered. */
  static int ping(
      PrivateKey key,
      IpAddress own,
      PublicKey peer,
      Endpoint endpoint,
      IpAddress target,
      PrintStream out) {
    try (VnetHost host = VnetHost.start()) {
      Device device = host.create(DeviceSpec.of("tun").withMtu(MTU));
      try (DeviceHandle stack = device.open();
          WireGuardTunnel tunnel =
              WireGuardTunnel.start(
                  host, "ping", device.networkEnd(), Outside.udp(UdpSettings.onPort(0)))) {
        PeerChange other =
            PeerChange.of(peer)
                .withEndpoint(endpoint)
                .withAllowedIps(List.of(new IpPrefix(target, target.bits())));
        tunnel
            .change(TunnelChange.NONE.withPrivateKey(key).withPeers(List.of(other)))
            .toCompletableFuture()
            .join();
        tunnel.up().toCompletableFuture().join();
        int answered = 0;
        for (int sequence = 1; sequence <= PINGS; sequence++) {
          answered += ping(stack, own, target, sequence, out) ? 1 : 0;
        }
        return answered;
      }
    }
  }

  private static boolean ping(
      DeviceHandle stack, IpAddress own, IpAddress target, int sequence, PrintStream out) {
    long sent = System.nanoTime();
    stack.write(Packets.echoRequest(own, target, sequence));
    long left = PATIENCE.toNanos();
    while (left > 0) {
      Optional<Packet> packet = stack.read(Duration.ofNanos(left));
      long passed = System.nanoTime() - sent;
      if (packet.isPresent() && Packets.isEchoReply(packet.get(), sequence)) {
        out.printf("%s answers %d after %.3f ms%n", target, sequence, passed / 1e6);
        return true;
      }
      left = PATIENCE.toNanos() - passed;
    }
    out.printf("%s does not answer %d%n", target, sequence);
    return false;
  }
}
