package io.vnet.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vnet.actors.VnetHost;
import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import io.vnet.io.udp.UdpSettings;
import io.vnet.tunnel.settings.PeerStatus;
import io.vnet.tunnel.settings.TunnelStatus;
import io.vnet.tunnel.testkit.TunnelPair;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Two tunnels between two network namespaces with an Ethernet between them: tun devices with
 * offloads inside, UDP sockets outside, the kernel's own stack and foreign programs as users.
 */
@ExtendWith(NetworkNamespaces.class)
class HostTunnelIT {
  private static final int MTU = 1420;
  private static final int PORT = 51820;
  private static final String NAME = "wg0";

  /** One side: a tun device and a tunnel in a namespace. */
  private static final class Side implements AutoCloseable {
    final NetworkNamespace namespace;
    final WireGuardTunnel tunnel;
    final DeviceHandle inside;

    Side(VnetHost host, NetworkNamespace namespace, int number, boolean offload) {
      this.namespace = namespace;
      this.inside =
          host.create(
                  DeviceSpec.of("tun")
                      .withMtu(MTU)
                      .withHost(
                          HostBacking.create()
                              .inNetworkNamespace(namespace.path())
                              .withInterfaceName(NAME)
                              .withOffload(offload)
                              .withAddresses(
                                  IpPrefix.parse("10.9.0." + number + "/24"),
                                  IpPrefix.parse("fd09::" + number + "/64"))))
              .open();
      this.tunnel =
          WireGuardTunnel.start(
              host,
              NAME,
              inside,
              Outside.udp(UdpSettings.onPort(0).inNetworkNamespace(namespace.path())));
    }

    void configure(int number, int other, String endpoint) {
      TunnelPair.join(
          tunnel.change(
              TunnelPair.change(number)
                  .withListenPort(PORT)
                  .withPeers(
                      List.of(TunnelPair.peer(other).withEndpoint(Endpoint.parse(endpoint))))));
      TunnelPair.join(tunnel.up());
    }

    TunnelStatus status() {
      return TunnelPair.join(tunnel.status());
    }

    @Override
    public void close() {
      tunnel.close();
    }
  }

  private static void ip(NetworkNamespace namespace, String arguments) {
    List<String> command = new ArrayList<>(List.of("ip"));
    command.addAll(List.of(arguments.split(" ")));
    Program.outputIn(namespace, command.toArray(String[]::new));
  }

  /** 10.7.0.1 and fd07::1, 10.7.0.2 and fd07::2. */
  private static void connect(NetworkNamespace left, NetworkNamespace right) {
    ip(left, "link add veth0 type veth peer name veth0 netns " + right.path());
    int number = 1;
    for (NetworkNamespace namespace : List.of(left, right)) {
      ip(namespace, "address add 10.7.0." + number + "/24 dev veth0");
      ip(namespace, "address add fd07::" + number + "/64 dev veth0 nodad");
      ip(namespace, "link set veth0 up");
      number++;
    }
  }

  private static void ping(Side from, String to) {
    Program.ping(from.namespace, to, 3, "0.2");
  }

  private static String iperf(Side client, Side server, String... arguments) throws Exception {
    Path output = Files.createTempFile("iperf3", ".out");
    Process listening =
        new ProcessBuilder(
                "nsenter",
                "--net=" + server.namespace.path(),
                "--",
                "iperf3",
                "--server",
                "--one-off",
                "--forceflush")
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      await().until(() -> Files.readString(output).contains("Server listening"));
      List<String> command = new ArrayList<>(List.of("iperf3", "--client"));
      command.addAll(List.of(arguments));
      String result = Program.outputIn(client.namespace, command.toArray(String[]::new));
      assertThat(listening.waitFor(TunnelPair.GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
      System.out.println(result);
      return result;
    } finally {
      listening.destroyForcibly();
      Files.delete(output);
    }
  }

  @Test
  void the_kernels_stack_speaks_through_tunnels_with_offloads(
      NetworkNamespace first, NetworkNamespace second) throws Exception {
    carriesAll(first, second, true);
  }

  @Test
  void the_kernels_stack_speaks_through_plain_tunnels(
      NetworkNamespace first, NetworkNamespace second) throws Exception {
    carriesAll(first, second, false);
  }

  private static void carriesAll(NetworkNamespace first, NetworkNamespace second, boolean offload)
      throws Exception {
    connect(first, second);
    try (VnetHost host = VnetHost.start();
        Side left = new Side(host, first, 1, offload);
        Side right = new Side(host, second, 2, offload)) {
      left.configure(1, 2, "10.7.0.2:" + PORT);
      right.configure(2, 1, "[fd07::1]:" + PORT);
      ping(left, "10.9.0.2");
      ping(right, "fd09::1");
      String seconds = String.valueOf(Integer.getInteger("vnet.iperf.seconds", 1));
      iperf(left, right, "10.9.0.2", "--time", seconds);
      iperf(left, right, "10.9.0.2", "--time", seconds, "--reverse");
      iperf(left, right, "fd09::2", "--time", seconds, "--parallel", "3");
      iperf(left, right, "10.9.0.2", "--time", seconds, "--udp", "--bitrate", "100M");
      PeerStatus peer = left.status().peers().getFirst();
      assertThat(peer.lastHandshake()).isPresent();
      assertThat(peer.receivedBytes()).isPositive();
      System.out.println(left.status().drops() + " " + right.status().drops());
    }
  }

  @Test
  void a_deleted_interface_ends_the_tunnel(NetworkNamespace first) {
    try (VnetHost host = VnetHost.start();
        Side side = new Side(host, first, 1, true)) {
      TunnelPair.join(side.tunnel.change(TunnelPair.change(1)));
      TunnelPair.join(side.tunnel.up());
      ip(first, "link delete " + NAME);
      TunnelPair.join(side.tunnel.ended());
      assertThat(side.inside.isOpen()).isFalse();
    }
  }
}
