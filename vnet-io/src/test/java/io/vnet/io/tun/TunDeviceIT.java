package io.vnet.io.tun;

import static io.vnet.io.tun.Datagrams.v4;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vnet.api.address.IpAddress;
import io.vnet.api.backend.HostIo;
import io.vnet.api.device.HostBacking.Mode;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.PortLedger;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.Descriptors;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A TUN interface as the kernel sees it, from open to release. */
@ExtendWith(NetworkNamespaces.class)
class TunDeviceIT {
  TunLab lab(NetworkNamespace namespace) {
    return new TunLab(namespace, HostIo.EPOLL);
  }

  private static final String V4 = "10.9.0.1/24";
  private static final String V6 = "fd09::1/64";
  private static final int CYCLES = 200;
  private static final int ROUNDS = 1000;

  @Test
  void an_interface_has_what_was_asked_for(NetworkNamespace namespace) {
    try (TunLab lab = lab(namespace)) {
      TunBackend backend = lab.open(lab.request("tun3", Mode.CREATE, true, V4, V6));
      assertThat(backend.interfaceName()).isEqualTo("tun3");
      assertThat(backend.mtu()).isEqualTo(TunLab.MTU);
      assertThat(lab.link("tun3"))
          .contains("mtu " + TunLab.MTU, ",UP", "POINTOPOINT", "tun type tun", "pi off")
          .contains(lab.offload ? "vnet_hdr on" : "vnet_hdr off", "persist off");
      assertThat(lab.ip("-o", "addr", "show", "dev", "tun3")).contains(V4, V6);
      TunLab.end(backend, new PortLedger());
    }
  }

  @Test
  void an_interface_that_shall_be_down_is_down(NetworkNamespace namespace) {
    try (TunLab lab = lab(namespace)) {
      TunBackend backend = lab.open(lab.request("tun3", Mode.CREATE, false));
      assertThat(lab.link("tun3")).contains("state DOWN").doesNotContain(",UP");
      TunLab.end(backend, new PortLedger());
    }
  }

  @Test
  void every_address_is_there(NetworkNamespace namespace) {
    try (TunLab lab = lab(namespace)) {
      String[] addresses = {
        V4, "10.9.0.2/24", "192.168.77.1/32", "172.16.0.1/12", V6, "fd09::2/64", "fd0a::1/128"
      };
      TunBackend backend = lab.open(lab.request("tun3", Mode.CREATE, true, addresses));
      String shown = lab.ip("-o", "addr", "show", "dev", "tun3");
      assertThat(shown).contains("10.9.0.1/24", "10.9.0.2/24", "172.16.0.1/12");
      // Host prefixes are shown without their length.
      assertThat(shown).containsPattern("192\\.168\\.77\\.1(/32)? ");
      assertThat(shown).contains("fd09::1/64", "fd09::2/64").containsPattern("fd0a::1(/128)? ");
      TunLab.end(backend, new PortLedger());
    }
  }

  @Test
  void the_carrier_follows_the_handle(NetworkNamespace namespace) {
    try (TunLab lab = lab(namespace)) {
      TunBackend backend = lab.open(lab.request("tun3", Mode.CREATE, true));
      backend.linkUp();
      assertThat(lab.link("tun3")).as("with a handle").contains("LOWER_UP");
      backend.linkDown(new PortLedger());
      assertThat(lab.link("tun3")).as("after the handle").contains("NO-CARRIER");
      TunLab.end(backend, new PortLedger());
    }
  }

  @Test
  void an_interface_is_gone_after_release_and_its_name_is_free(NetworkNamespace namespace) {
    try (TunLab lab = lab(namespace)) {
      for (int i = 0; i < 3; i++) {
        TunBackend backend = lab.open(lab.request("tun3", Mode.CREATE, true, V4));
        assertThat(lab.links()).hasSize(1);
        TunLab.end(backend, new PortLedger());
        assertThat(lab.links()).isEmpty();
      }
    }
  }

  @Test
  void the_kernel_answers_an_echo_request(NetworkNamespace namespace) throws Exception {
    try (TunLab lab = lab(namespace);
        TunLab.Attached tun = lab.attached("tun3", V4, V6)) {
      byte[] request = Datagrams.echo4(v4(10, 9, 0, 2), v4(10, 9, 0, 1), 56);
      tun.send(request);
      byte[] reply = tun.await(packet -> Datagrams.isEcho4(packet, 0));
      assertThat(reply).hasSameSizeAs(request);
      assertThat(Arrays.copyOfRange(reply, 12, 16)).isEqualTo(v4(10, 9, 0, 1));
      assertThat(Arrays.copyOfRange(reply, 16, 20)).isEqualTo(v4(10, 9, 0, 2));

      // The kernel makes it usable on a thread of its own.
      await()
          .atMost(TunLab.GUARD)
          .until(() -> lab.ip("addr", "show", "dev", "tun3", "tentative").isEmpty());
      byte[] local = IpAddress.parse("fd09::1").toByteArray();
      tun.send(Datagrams.echo6(IpAddress.parse("fd09::2").toByteArray(), local));
      byte[] reply6 = tun.await(packet -> Datagrams.isEcho6(packet, 129));
      assertThat(Arrays.copyOfRange(reply6, 8, 24)).isEqualTo(local);

      assertThat(tun.ledger.snapshot().sentPackets()).isEqualTo(2);
      assertThat(tun.ledger.snapshot().sentBytes()).isEqualTo(request.length + 48);
      assertThat(tun.ledger.snapshot().receivedPackets()).isGreaterThanOrEqualTo(2);
    }
  }

  @Test
  void a_ping_from_the_host_is_answered_here(NetworkNamespace namespace) throws Exception {
    try (TunLab lab = lab(namespace);
        TunLab.Attached tun = lab.attached("tun3", V4)) {
      CompletableFuture<Program> ping =
          CompletableFuture.supplyAsync(
              () -> Program.runIn(namespace, "ping", "-n", "-c", "1", "-W", "30", "10.9.0.2"),
              task -> Thread.ofPlatform().start(task));
      tun.send(Datagrams.reply4(tun.await(packet -> Datagrams.isEcho4(packet, 8))));
      Program ended = ping.get(TunLab.GUARD_SECONDS, TimeUnit.SECONDS);
      assertThat(ended.output()).contains("1 received");
      assertThat(ended.exitCode()).isZero();
    }
  }

  @Test
  void a_packet_longer_than_the_room_is_dropped_and_counted(NetworkNamespace namespace)
      throws Exception {
    try (TunLab lab = lab(namespace);
        TunLab.Attached tun = lab.attached("tun3", V4)) {
      // Somebody else raises the MTU: the kernel would cut what is longer than the buffer.
      lab.ip("link", "set", "dev", "tun3", "mtu", "9000");
      tun.send(Datagrams.echo4(v4(10, 9, 0, 2), v4(10, 9, 0, 1), 4000));
      tun.send(Datagrams.echo4(v4(10, 9, 0, 2), v4(10, 9, 0, 1), 56));
      byte[] first = tun.await(packet -> Datagrams.isEcho4(packet, 0));
      if (lab.offload) {
        // There is room for the longest packet from the start.
        assertThat(first).hasSize(28 + 4000);
        return;
      }
      assertThat(first).hasSize(28 + 56);
      assertThat(tun.ledger.snapshot().drops()).containsEntry(DropReason.TOO_LONG, 1L);
    }
  }

  @Test
  void packets_to_an_interface_that_is_down_are_dropped_and_counted(NetworkNamespace namespace) {
    try (TunLab lab = lab(namespace);
        TunLab.Attached tun = lab.attached("tun3", V4)) {
      lab.ip("link", "set", "dev", "tun3", "down");
      tun.send(Datagrams.echo4(v4(10, 9, 0, 2), v4(10, 9, 0, 1), 56));
      assertThat(tun.ledger.snapshot().drops()).containsEntry(DropReason.INTERFACE_DOWN, 1L);
      assertThat(tun.ledger.snapshot().sentPackets()).isZero();
      lab.ip("link", "set", "dev", "tun3", "up");
      tun.send(Datagrams.echo4(v4(10, 9, 0, 2), v4(10, 9, 0, 1), 56));
      assertThat(tun.ledger.snapshot().sentPackets()).isEqualTo(1);
    }
  }

  @Test
  void what_is_no_packet_is_refused_by_the_kernel_and_counted(NetworkNamespace namespace) {
    try (TunLab lab = lab(namespace);
        TunLab.Attached tun = lab.attached("tun3", V4)) {
      tun.send(new byte[] {0x15, 0, 0, 0});
      assertThat(tun.ledger.snapshot().drops()).containsEntry(DropReason.KERNEL_REFUSED, 1L);
    }
  }

  @Test
  void what_waits_at_link_down_is_dropped_and_counted(NetworkNamespace namespace) throws Exception {
    try (TunLab lab = lab(namespace);
        TunLab.Attached tun = lab.attached("tun3", V4)) {
      tun.send(Datagrams.echo4(v4(10, 9, 0, 2), v4(10, 9, 0, 1), 56));
      assertThat(tun.readable.tryAcquire(TunLab.GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
      tun.backend.linkDown(tun.ledger);
      assertThat(tun.ledger.snapshot().drops().get(DropReason.FLUSHED_AT_CLOSE)).isPositive();
      tun.backend.linkUp();
      // After the carrier comes back the kernel drops what it sends until a thread of its own has
      // seen it.
      await()
          .atMost(TunLab.GUARD)
          .until(() -> {
            tun.send(Datagrams.echo4(v4(10, 9, 0, 2), v4(10, 9, 0, 1), 57));
            return tun.receive(packet -> packet.length == 28 + 57) != null;
          });
    }
  }

  @Test
  void an_interface_removed_by_somebody_else_is_told_and_still_released(NetworkNamespace namespace)
      throws Exception {
    Descriptors before;
    try (TunLab warm = lab(namespace)) {
      TunLab.end(warm.open(warm.request("tun3", Mode.CREATE, true)), new PortLedger());
    }
    before = Descriptors.now();
    try (TunLab lab = lab(namespace)) {
      try (TunLab.Attached tun = lab.attached("tun3", V4)) {
        lab.ip("link", "del", "dev", "tun3");
        assertThat(tun.lost.get(TunLab.GUARD_SECONDS, TimeUnit.SECONDS))
            .hasMessage(
                "poll tun3: ENODEV, the interface was removed by somebody else; create the device"
                    + " again");
        tun.backend.linkDown(tun.ledger);
      }
      assertThat(lab.links()).isEmpty();
    }
    assertThat(Descriptors.now().since(before)).isEmpty();
  }

  @Test
  void an_interface_removed_before_it_is_watched_is_told_too(NetworkNamespace namespace)
      throws Exception {
    try (TunLab lab = lab(namespace);
        TunLab.Attached tun =
            lab.new Attached(lab.open(lab.request("tun3", Mode.CREATE, true, V4)))) {
      lab.ip("link", "del", "dev", "tun3");
      tun.backend.start(tun);
      assertThat(tun.lost.get(TunLab.GUARD_SECONDS, TimeUnit.SECONDS)).hasMessageContaining("tun3");
    }
  }

  @Test
  void a_device_that_was_read_empty_wakes_nobody(NetworkNamespace namespace) throws Exception {
    try (TunLab lab = lab(namespace);
        TunLab.Attached tun = lab.attached("tun3", V4)) {
      // What the kernel sends by itself after a start comes within some rounds, and then no more.
      await()
          .atMost(TunLab.GUARD)
          .until(() -> {
            tun.send(Datagrams.echo4(v4(10, 9, 0, 2), v4(10, 9, 0, 1), 56));
            tun.await(packet -> Datagrams.isEcho4(packet, 0));
            assertThat(tun.receive(packet -> false)).isNull();
            tun.readable.drainPermits();
            int reads = lab.libc.counts().getOrDefault("read", 0);
            for (int i = 0; i < ROUNDS; i++) {
              // Each round looks at the poller.
              CompletableFuture<Boolean> round = new CompletableFuture<>();
              lab.island.execute(() -> round.complete(true));
              round.get(TunLab.GUARD_SECONDS, TimeUnit.SECONDS);
            }
            return tun.readable.availablePermits() == 0
                && lab.libc.counts().getOrDefault("read", 0) == reads;
          });
    }
  }

  @Test
  void nothing_is_left_after_many_lives(NetworkNamespace namespace) {
    Descriptors before = Descriptors.now();
    try (TunLab lab = lab(namespace)) {
      lab.attached("tun3", V4, V6).close();
      Descriptors warm = Descriptors.now();
      for (int i = 0; i < CYCLES; i++) {
        lab.attached("tun3", V4, V6).close();
      }
      assertThat(Descriptors.now().since(warm)).isEmpty();
      assertThat(lab.links()).isEmpty();
    }
    assertThat(Descriptors.now().since(before)).isEmpty();
  }
}
