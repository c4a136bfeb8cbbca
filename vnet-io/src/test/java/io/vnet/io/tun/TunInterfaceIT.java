package io.vnet.io.tun;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vnet.api.address.IpPrefix;
import io.vnet.api.address.MacAddress;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.device.HostBacking.Mode;
import io.vnet.api.device.InterfaceChange;
import io.vnet.api.device.InterfaceCounters;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.port.PortLedger;
import io.vnet.io.netlink.LinkChange;
import io.vnet.io.netlink.Netlink;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** An interface that is in the kernel is changed and counted there, whatever it is called. */
@ExtendWith(NetworkNamespaces.class)
class TunInterfaceIT {
  private static void refused(Runnable action, Errno errno, String... words) {
    assertThatThrownBy(action::run)
        .isInstanceOfSatisfying(VnetException.class, e -> assertThat(e.errno()).isEqualTo(errno))
        .hasMessageContainingAll(words);
  }

  @Test
  void changes_take_effect_in_the_kernel(NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      TunBackend tap = lab.open(lab.request("tap7", Mode.CREATE, true));
      tap.change(new InterfaceChange.Mtu(1300));
      tap.change(new InterfaceChange.Mac(MacAddress.parse("02:00:00:00:00:07")));
      IpPrefix prefix = IpPrefix.parse("10.9.0.1/24");
      tap.change(new InterfaceChange.AddAddress(prefix));
      assertThat(tap.mtu()).isEqualTo(1300);
      assertThat(lab.link("tap7")).contains("mtu 1300", "02:00:00:00:00:07", ",UP");
      assertThat(lab.ip("-o", "addr", "show", "tap7")).contains("10.9.0.1/24");
      refused(
          () -> tap.change(new InterfaceChange.AddAddress(prefix)), Errno.EEXIST, "10.9.0.1/24");
      tap.change(new InterfaceChange.RemoveAddress(prefix));
      refused(
          () -> tap.change(new InterfaceChange.RemoveAddress(prefix)),
          Errno.EADDRNOTAVAIL,
          "dev tap7");
      tap.change(new InterfaceChange.Up(false));
      assertThat(lab.link("tap7")).doesNotContain(",UP");
      refused(() -> tap.change(new InterfaceChange.Mtu(1)), Errno.EINVAL, "link tap7 mtu 1");
      assertThat(tap.mtu()).isEqualTo(1300);
      for (InterfaceChange change :
          new InterfaceChange[] {
            new InterfaceChange.Link0(true),
            new InterfaceChange.Promiscuous(true),
            new InterfaceChange.Monitor(true)
          }) {
        refused(() -> tap.change(change), Errno.EOPNOTSUPP, "tap7");
      }
      TunLab.end(tap, new PortLedger());
    }
  }

  @Test
  void the_interface_is_found_after_anybodys_rename(NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      TunBackend tun = lab.open(lab.request("tun3", Mode.CREATE, false));
      tun.rename("uplink");
      assertThat(tun.interfaceName()).isEqualTo("uplink");
      assertThat(lab.link("uplink")).contains("tun type tun");
      lab.ip("link", "set", "dev", "uplink", "name", "theirs");
      tun.change(new InterfaceChange.Mtu(1300));
      assertThat(tun.interfaceName()).isEqualTo("theirs");
      assertThat(lab.link("theirs")).contains("mtu 1300");
      lab.ip("link", "add", "name", "taken", "type", "bridge");
      refused(() -> tun.rename("taken"), Errno.EEXIST, "link theirs name taken");
      assertThat(tun.interfaceName()).isEqualTo("theirs");
      TunLab.end(tun, new PortLedger());
    }
  }

  @Test
  void one_that_was_moved_is_found_and_not_another_of_its_name(
      NetworkNamespace namespace, NetworkNamespace other) {
    try (TunLab lab = new TunLab(namespace);
        Netlink netlink = Netlink.open(namespace);
        Netlink there = Netlink.open(other)) {
      TunBackend tun = lab.open(lab.request("tun3", Mode.CREATE, false));
      int index = netlink.link("tun3").orElseThrow().index();
      netlink.change(index, new LinkChange.Namespace(other));
      int next = netlink.createVeth("tun3", "peer").index();
      tun.change(new InterfaceChange.Mtu(1300));
      tun.rename("moved");
      assertThat(there.link("moved").orElseThrow().mtu()).isEqualTo(1300);
      assertThat(netlink.link(next).orElseThrow().mtu()).isEqualTo(1500);
      assertThat(netlink.link(next).orElseThrow().name()).isEqualTo("tun3");
      there.deleteLink(there.link("moved").orElseThrow().index());
      refused(() -> tun.change(new InterfaceChange.Up(true)), Errno.EBADFD, "TUNGETDEVNETNS moved");
      refused(tun::interfaceCounters, Errno.EBADFD, "create the device again");
      TunLab.end(tun, new PortLedger());
    }
  }

  @Test
  void a_fault_at_any_system_call_is_told_and_leaves_nothing_open(NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      TunBackend tun = lab.open(lab.request("tun3", Mode.CREATE, false));
      Map<Integer, String> open = lab.libc.open();
      int start = lab.libc.calls().size();
      tun.change(new InterfaceChange.Mtu(1300));
      List<String> calls = lab.libc.calls().subList(start, lab.libc.calls().size());
      assertThat(calls).contains("ioctl TUNGETIFF", "ioctl TUNGETDEVNETNS", "setns", "write");
      for (int i = 0; i < calls.size(); i++) {
        String call = calls.get(i);
        String fault = call + ", call " + i;
        int fired = lab.libc.fired();
        lab.libc.failExactly(call, Collections.frequency(calls.subList(0, i), call), Errno.EIO);
        VnetException failure =
            catchThrowableOfType(
                VnetException.class, () -> tun.change(new InterfaceChange.Mtu(1400)));
        assertThat(lab.libc.fired()).as(fault).isEqualTo(fired + 1);
        if (!call.equals("close")) {
          assertThat(failure).as(fault).isNotNull();
          assertThat(failure.errno()).as(fault).isEqualTo(Errno.EIO);
        }
        assertThat(lab.libc.open()).as(fault).isEqualTo(open);
      }
      TunLab.end(tun, new PortLedger());
    }
  }

  @Test
  void counters_are_the_kernels(NetworkNamespace namespace) throws Exception {
    try (TunLab lab = new TunLab(namespace);
        TunLab.Attached tun = lab.attached("tun3", "10.9.0.1/24")) {
      InterfaceCounters before = tun.backend.interfaceCounters();
      sendTo(namespace, 100);
      tun.await(packet -> packet[0] >>> 4 == 4);
      tun.send(Datagrams.echo4(Datagrams.v4(10, 9, 0, 2), Datagrams.v4(10, 9, 0, 1), 56));
      InterfaceCounters after = tun.backend.interfaceCounters();
      assertThat(after.outPackets()).isGreaterThan(before.outPackets());
      assertThat(after.outBytes()).isGreaterThanOrEqualTo(before.outBytes() + 100);
      assertThat(after.inPackets()).isEqualTo(before.inPackets() + 1);
    }
  }

  @Test
  void packets_as_long_as_a_raised_mtu_are_received_whole(NetworkNamespace namespace)
      throws Exception {
    try (TunLab lab = new TunLab(namespace);
        TunLab.Attached tun = lab.attached("tun3", "10.9.0.1/24")) {
      DeviceBackend backend = tun.backend;
      backend.change(new InterfaceChange.Mtu(9000));
      sendTo(namespace, 8000);
      byte[] packet = tun.await(found -> found[0] >>> 4 == 4);
      assertThat(packet).hasSize(20 + 8 + 8000);
      assertThat(tun.ledger.snapshot().dropped()).isZero();
    }
  }

  private static void sendTo(NetworkNamespace namespace, int bytes) {
    int sent =
        namespace.call(() -> {
          try (DatagramSocket socket = new DatagramSocket()) {
            socket.send(
                new DatagramPacket(new byte[bytes], bytes, InetAddress.ofLiteral("10.9.0.2"), 9));
            return bytes;
          }
        });
    assertThat(sent).isEqualTo(bytes);
  }
}
