package io.vnet.io.tun;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.address.IpPrefix;
import io.vnet.api.backend.BackendRequest;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.device.DeviceName;
import io.vnet.api.device.HostBacking;
import io.vnet.api.device.InterfaceChange;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.port.OffloadFeature;
import io.vnet.api.port.PortLedger;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Descriptors that somebody else opened: checked, taken over, given back if that fails. */
@ExtendWith(NetworkNamespaces.class)
class AdoptionIT {
  private static final int TUN = LinuxConstants.IFF_TUN | LinuxConstants.IFF_NO_PI;
  private static final int QUEUE = TUN | LinuxConstants.IFF_MULTI_QUEUE;
  private static final Libc PLAIN = NativeLibc.load();

  private static BackendRequest request(HostBacking backing, int mtu, boolean up) {
    return new BackendRequest(DeviceName.match("tun9").orElseThrow(), mtu, up, backing);
  }

  private static BackendRequest request(int... descriptors) {
    return request(HostBacking.adopt(descriptors), TunLab.MTU, true);
  }

  private static void refused(TunLab lab, BackendRequest request, Errno errno, String... words) {
    int flags = statusFlags(request);
    assertThatThrownBy(() -> lab.openQueues(request))
        .isInstanceOfSatisfying(
            VnetException.class,
            e -> {
              assertThat(e.errno()).isEqualTo(errno);
              assertThat(e.object()).isNotEmpty();
              assertThat(e.remedy()).isNotEmpty();
            })
        .hasMessageContainingAll(words);
    assertThat(statusFlags(request)).isEqualTo(flags);
  }

  private static int statusFlags(BackendRequest request) {
    return (int) PLAIN.fcntl(request.host().descriptors().getFirst(), LinuxConstants.F_GETFL, 0);
  }

  @Test
  void a_tun_in_another_namespace_is_configured_there_and_carries_packets(
      NetworkNamespace namespace) throws Exception {
    try (TunLab lab = new TunLab(namespace)) {
      int given = lab.given("uplink", TUN);
      TunLab.Attached tun =
          lab.attached(
              request(
                  HostBacking.adopt(given).withAddresses(IpPrefix.parse("10.9.0.1/24")),
                  TunLab.MTU,
                  true));
      assertThat(tun.backend.interfaceName()).isEqualTo("uplink");
      assertThat(tun.backend.offloads()).isEmpty();
      assertThat(lab.link("uplink")).contains("mtu " + TunLab.MTU, ",UP", "LOWER_UP");
      assertThat(PLAIN.fcntl(given, LinuxConstants.F_GETFL, 0) & LinuxConstants.O_NONBLOCK)
          .isNotZero();
      assertThat(PLAIN.fcntl(given, LinuxConstants.F_GETFD, 0))
          .isEqualTo(LinuxConstants.FD_CLOEXEC);
      tun.send(Datagrams.echo4(Datagrams.v4(10, 9, 0, 2), Datagrams.v4(10, 9, 0, 1), 8));
      assertThat(tun.await(packet -> Datagrams.isEcho4(packet, 0))).isNotEmpty();
      tun.backend.change(new InterfaceChange.Mtu(1300));
      assertThat(lab.link("uplink")).contains("mtu 1300");
      tun.close();
      assertThat(lab.links()).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {10, 12, 20})
  void a_virtio_net_header_is_found_and_brings_the_offloads(
      int headerBytes, NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      int given = lab.given("tun3", TUN | LinuxConstants.IFF_VNET_HDR);
      new TunDescriptor(PLAIN, given, "tun3").headerBytes(headerBytes);
      TunBackend tun = lab.open(request(given));
      assertThat(tun.offloads()).contains(OffloadFeature.CHECKSUM, OffloadFeature.TSO4);
      assertThat(lab.segmentsTcp("tun3")).isTrue();
      assertThat(new TunDescriptor(PLAIN, given, "tun3").headerBytes()).isEqualTo(10);
      TunLab.end(tun, new PortLedger());
    }
  }

  @Test
  void without_the_header_there_are_no_offloads_even_if_the_giver_had_some(
      NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      int given = lab.given("tun3", TUN);
      assertThat(PLAIN.ioctl(given, LinuxConstants.TUNSETOFFLOAD, 3)).isZero();
      TunBackend tun =
          lab.open(request(HostBacking.adopt(given).withOffload(true), TunLab.MTU, true));
      assertThat(tun.offloads()).isEmpty();
      assertThat(lab.segmentsTcp("tun3")).isFalse();
      TunLab.end(tun, new PortLedger());
    }
  }

  @Test
  void what_is_no_attached_tun_is_refused_and_stays_as_it_is(NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      TunOpener opener = new TunOpener(PLAIN, "/dev/net/tun");
      for (int none : new int[] {987_654, -1}) {
        assertThatThrownBy(() -> opener.open(request(none), lab.island))
            .isInstanceOf(VnetException.class)
            .hasMessageContaining("descriptor " + none + ": EBADF, no such descriptor is open");
      }
      int file = (int) lab.libc.open("/dev/null", LinuxConstants.O_RDWR);
      refused(lab, request(file), Errno.ENOTTY, "no descriptor of /dev/net/tun");
      lab.libc.close(file);
      int socket = (int) lab.libc.socket(LinuxConstants.AF_INET, LinuxConstants.SOCK_DGRAM, 0);
      refused(lab, request(socket), Errno.ENOTTY, "no descriptor of /dev/net/tun");
      lab.libc.close(socket);
      int unattached = lab.given("", 0);
      refused(lab, request(unattached), Errno.EBADFD, "attached to no interface", "TUNSETIFF");
      lab.libc.close(unattached);
    }
  }

  @Test
  void a_tun_of_another_kind_is_refused_and_stays_as_it_is(NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      int tap = lab.given("tap3", LinuxConstants.IFF_TAP | LinuxConstants.IFF_NO_PI);
      refused(lab, request(tap), Errno.EINVAL, "tap3 is a tap, not a tun");
      lab.libc.close(tap);
      int withHeader = lab.given("tun3", LinuxConstants.IFF_TUN);
      refused(lab, request(withHeader), Errno.EINVAL, "packet-information", "IFF_NO_PI");
      lab.libc.close(withHeader);
      int given = lab.given("tun3", TUN);
      refused(
          lab,
          request(HostBacking.adopt(given).withInterfaceName("wan"), TunLab.MTU, true),
          Errno.EINVAL,
          "tun3: EINVAL, it is not called wan");
      refused(
          lab,
          request(HostBacking.adopt(given).inNetworkNamespace(namespace.path()), TunLab.MTU, true),
          Errno.EINVAL,
          "namespace");
      refused(
          lab,
          request(HostBacking.adopt(given).withQueues(2), TunLab.MTU, true),
          Errno.EINVAL,
          "2 queues of 1 descriptors");
      refused(lab, request(HostBacking.adopt(given), 67, true), Errno.EINVAL, "mtu 67");
      assertThat(lab.link("tun3")).contains("mtu 1500").doesNotContain(",UP");
      lab.libc.close(given);
    }
  }

  @Test
  void several_queues_of_one_interface_are_taken_and_others_refused(
      NetworkNamespace namespace, NetworkNamespace other) {
    try (TunLab lab = new TunLab(namespace)) {
      int first = lab.given("tun3", QUEUE);
      int second = lab.given("tun3", QUEUE);
      int stranger = lab.given("tun4", QUEUE);
      refused(lab, request(first, stranger), Errno.EINVAL, "attached to something else");
      int namesake = lab.given(other, "tun3", QUEUE);
      refused(lab, request(first, namesake), Errno.EINVAL, "attached to something else");
      lab.libc.close(namesake);
      int copy = (int) PLAIN.fcntl(stranger, 0, 0);
      lab.libc.give(copy);
      refused(
          lab, request(stranger, copy), Errno.EINVAL, "2 descriptors are 1 queues", "no copies");
      lab.libc.close(copy);
      lab.libc.close(stranger);
      DeviceBackend tun = lab.openQueues(request(first, second));
      assertThat(tun.queues()).hasSize(2);
      assertThat(lab.tun("tun3").queues()).isEqualTo(2);
      TunLab.end(tun, new PortLedger());
      assertThat(lab.links()).isEmpty();
    }
  }

  @Test
  void a_queue_that_is_disabled_is_refused(NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      int given = lab.given("tun3", QUEUE);
      // TUNSETQUEUE with a struct ifreq of IFF_DETACH_QUEUE.
      try (var arena = java.lang.foreign.Arena.ofConfined()) {
        var queue = arena.allocate(LinuxConstants.IFREQ_BYTES, 8);
        queue.set(
            java.lang.foreign.ValueLayout.JAVA_SHORT,
            LinuxConstants.IFNAMSIZ,
            (short) LinuxConstants.IFF_DETACH_QUEUE);
        assertThat(PLAIN.ioctl(given, 0x400454d9L, queue.address())).isZero();
      }
      refused(lab, request(given), Errno.EINVAL, "disabled", "TUNSETQUEUE");
      lab.libc.close(given);
    }
  }

  /** As where an unprivileged process is given the interface of a namespace that is not its own. */
  @Test
  void who_may_not_ask_where_it_is_takes_it_as_it_is_or_not_at_all(NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      lab.ip("tuntap", "add", "name", "tun3", "mode", "tun");
      lab.ip("link", "set", "dev", "tun3", "mtu", "1400");
      int given = lab.given("tun3", TUN);
      for (BackendRequest wrong :
          List.of(
              request(HostBacking.adopt(given), 1500, false),
              request(HostBacking.adopt(given), 1400, true),
              request(
                  HostBacking.adopt(given).withAddresses(IpPrefix.parse("10.9.0.1/24")),
                  1400,
                  false))) {
        lab.libc.failNext("ioctl TUNGETDEVNETNS", Errno.EPERM);
        assertThatThrownBy(() -> namespace.call(() -> lab.openQueues(wrong)))
            .isInstanceOfSatisfying(
                VnetException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EPERM))
            .hasMessageContaining("adopt tun3: EPERM, this process may not configure it");
      }
      // Here, outside, there is no such interface.
      lab.libc.failNext("ioctl TUNGETDEVNETNS", Errno.EPERM);
      refused(lab, request(HostBacking.adopt(given), 1400, false), Errno.EPERM, "may not");

      lab.libc.failNext("ioctl TUNGETDEVNETNS", Errno.EPERM);
      DeviceBackend tun =
          namespace.call(() -> lab.openQueues(request(HostBacking.adopt(given), 1400, false)));
      assertThat(tun.interfaceName()).isEqualTo("tun3");
      TunLab.end(tun, new PortLedger());
      assertThat(lab.link("tun3")).contains("mtu 1400").doesNotContain(",UP");
    }
  }
}
