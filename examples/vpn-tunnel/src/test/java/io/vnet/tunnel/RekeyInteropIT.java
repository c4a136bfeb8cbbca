package io.vnet.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vnet.actors.VnetHost;
import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import io.vnet.io.udp.UdpSettings;
import io.vnet.tunnel.crypto.CryptoProviders;
import io.vnet.tunnel.key.KeyPair;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.TunnelChange;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * New keys with wireguard-go at the other end, while packets flow: our side's clock runs faster, so
 * that its two minutes are seconds; in the profile for soaks it is a real one.
 */
@ExtendWith(NetworkNamespaces.class)
class RekeyInteropIT {
  private static final Path SOCKETS = Path.of("/var/run/wireguard");
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final int PORT = 51820;

  /** Two minutes are five seconds: more than the five between two handshakes for wireguard-go. */
  private static final int FASTER = 24;

  private final String goDevice = "vr" + ProcessHandle.current().pid();

  @TempDir private Path directory;

  /** Time that runs so much faster from now on. */
  private static LongSupplier faster(int factor) {
    long began = System.nanoTime();
    return () -> began + (System.nanoTime() - began) * factor;
  }

  @Test
  void M6_the_initiator_takes_new_keys_after_two_minutes_and_no_packet_is_lost(
      NetworkNamespace near, NetworkNamespace far) throws IOException, InterruptedException {
    run(near, far, faster(FASTER), Duration.ofMinutes(1), 2);
  }

  @Test
  @Tag("soak")
  void M6_the_initiator_takes_new_keys_after_two_real_minutes(
      NetworkNamespace near, NetworkNamespace far) throws IOException, InterruptedException {
    run(near, far, System::nanoTime, Duration.ofMinutes(5), 2);
  }

  private void run(
      NetworkNamespace near,
      NetworkNamespace far,
      LongSupplier clock,
      Duration limit,
      int handshakes)
      throws IOException, InterruptedException {
    Program.outputIn(
        near,
        "ip",
        "link",
        "add",
        "veth",
        "type",
        "veth",
        "peer",
        "name",
        "veth",
        "netns",
        far.path().toString());
    underlay(near, 1);
    underlay(far, 2);
    List<String> command =
        List.of("nsenter", "--net=" + far.path(), "--", "wireguard-go", "-f", goDevice);
    Process go =
        new ProcessBuilder(command)
            .redirectInput(new File("/dev/null"))
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("go.log").toFile())
            .start();
    try (VnetHost host = VnetHost.start()) {
      await().atMost(LIMIT).until(() -> Files.exists(SOCKETS.resolve(goDevice + ".sock")));
      KeyPair own = KeyPair.generate();
      KeyPair other = KeyPair.generate();
      configureGo(far, own.publicKey(), other);
      WireGuardTunnel tunnel =
          WireGuardTunnel.start(
              host,
              "tun0",
              host.create(
                      DeviceSpec.of("tun")
                          .withMtu(1420)
                          .withHost(
                              HostBacking.create()
                                  .inNetworkNamespace(near.path())
                                  .withAddresses(IpPrefix.parse("10.82.0.1/24"))
                                  .withOffload(true)))
                  .open(),
              Outside.udp(UdpSettings.onPort(0).inNetworkNamespace(near.path())),
              CryptoProviders.choose(),
              clock);
      try (tunnel) {
        tunnel
            .change(
                TunnelChange.NONE
                    .withPrivateKey(own.privateKey())
                    .withPeers(
                        List.of(
                            PeerChange.of(other.publicKey())
                                .withEndpoint(Endpoint.parse("10.83.0.2:" + PORT))
                                .withAllowedIps(List.of(IpPrefix.parse("10.82.0.2/32"))))))
            .thenCompose(_ -> tunnel.up())
            .toCompletableFuture()
            .join();
        assertThat(pingAndWatch(tunnel, near, 1 + handshakes, limit))
            .hasSizeGreaterThanOrEqualTo(1 + handshakes);
      }
    } finally {
      go.destroy();
      go.waitFor();
      Files.deleteIfExists(SOCKETS.resolve(goDevice + ".sock"));
    }
  }

  private static void underlay(NetworkNamespace namespace, int number) {
    Program.outputIn(namespace, "ip", "address", "add", "10.83.0." + number + "/24", "dev", "veth");
    Program.outputIn(namespace, "ip", "link", "set", "veth", "up");
  }

  private void configureGo(NetworkNamespace far, PublicKey peer, KeyPair own) throws IOException {
    Path key = Files.writeString(directory.resolve("go.key"), own.privateKey().base64());
    Program.outputIn(
        far,
        "wg",
        "set",
        goDevice,
        "listen-port",
        Integer.toString(PORT),
        "private-key",
        key.toString(),
        "peer",
        peer.base64(),
        "allowed-ips",
        "10.82.0.1/32");
    Program.outputIn(far, "ip", "address", "add", "10.82.0.2/24", "dev", goDevice);
    Program.outputIn(far, "ip", "link", "set", goDevice, "mtu", "1420", "up");
  }

  /**
   * Pings without a loss, with the keys of the last handshake too; returns when handshakes were
   * complete, fewer if they take too long.
   */
  private static List<Instant> pingAndWatch(
      WireGuardTunnel tunnel, NetworkNamespace near, int handshakes, Duration limit) {
    List<Instant> seen = new ArrayList<>();
    long end = System.nanoTime() + limit.toNanos();
    boolean fresh = true;
    while (fresh || (seen.size() < handshakes && System.nanoTime() < end)) {
      Program.ping(near, "10.82.0.2", 50, "0.01");
      Instant last =
          tunnel
              .status()
              .toCompletableFuture()
              .join()
              .peers()
              .getFirst()
              .lastHandshake()
              .orElseThrow();
      fresh = seen.isEmpty() || !seen.getLast().equals(last);
      if (fresh) {
        seen.add(last);
      }
    }
    return seen;
  }
}
