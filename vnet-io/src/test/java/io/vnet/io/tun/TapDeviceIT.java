package io.vnet.io.tun;

import static io.vnet.io.tun.Datagrams.v4;
import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.backend.HostIo;
import io.vnet.api.device.HostBacking.Mode;
import io.vnet.api.port.PortLedger;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A TAP interface as the kernel sees it: an Ethernet with this process at the other end. */
@ExtendWith(NetworkNamespaces.class)
class TapDeviceIT {
  TunLab lab(NetworkNamespace namespace) {
    return new TunLab(namespace, HostIo.EPOLL);
  }

  private static final String V4 = "10.9.0.1/24";
  private static final Pattern ETHER = Pattern.compile("link/ether ([0-9a-f:]{17})");

  @Test
  void an_interface_is_an_ethernet(NetworkNamespace namespace) {
    try (TunLab lab = lab(namespace)) {
      TunBackend backend = lab.open(lab.request("tap0", Mode.CREATE, true, V4, "fd09::1/64"));
      assertThat(lab.link("tap0"))
          .contains("mtu " + TunLab.MTU, "link/ether", "tun type tap", "pi off", "BROADCAST");
      assertThat(lab.ip("-o", "addr", "show", "dev", "tap0")).contains(V4, "fd09::1/64");
      TunLab.end(backend, new PortLedger());
      assertThat(lab.links()).isEmpty();
    }
  }

  @Test
  void the_kernel_tells_its_hardware_address(NetworkNamespace namespace) throws Exception {
    try (TunLab lab = lab(namespace);
        TunLab.Attached tap = lab.attached("tap0", V4)) {
      tap.send(Datagrams.arp(1, v4(10, 9, 0, 2), new byte[6], v4(10, 9, 0, 1)));
      byte[] reply = tap.await(frame -> Datagrams.isArp(frame, 2));
      assertThat(Arrays.copyOf(reply, 6)).isEqualTo(Datagrams.PEER_MAC);
      assertThat(Arrays.copyOfRange(reply, 22, 28)).isEqualTo(mac(lab));
      assertThat(Arrays.copyOfRange(reply, 28, 32)).isEqualTo(v4(10, 9, 0, 1));
    }
  }

  @Test
  void the_kernel_asks_for_ours_and_pings_us(NetworkNamespace namespace) throws Exception {
    try (TunLab lab = lab(namespace);
        TunLab.Attached tap = lab.attached("tap0", V4)) {
      byte[] mac = mac(lab);
      CompletableFuture<Program> ping =
          CompletableFuture.supplyAsync(
              () -> Program.runIn(namespace, "ping", "-n", "-c", "1", "-W", "30", "10.9.0.2"),
              task -> Thread.ofPlatform().start(task));
      tap.await(frame -> Datagrams.isArp(frame, 1));
      tap.send(Datagrams.arp(2, v4(10, 9, 0, 2), mac, v4(10, 9, 0, 1)));
      byte[] request = tap.await(frame -> Datagrams.isFramedEcho4(frame, 8));
      tap.send(Datagrams.frame(mac, Datagrams.reply4(Datagrams.payload(request))));
      Program ended = ping.get(TunLab.GUARD_SECONDS, TimeUnit.SECONDS);
      assertThat(ended.output()).contains("1 received");
      assertThat(ended.exitCode()).isZero();
    }
  }

  private static byte[] mac(TunLab lab) {
    Matcher ether = ETHER.matcher(lab.link("tap0"));
    assertThat(ether.find()).isTrue();
    return HexFormat.ofDelimiter(":").parseHex(String.valueOf(ether.group(1)));
  }
}
