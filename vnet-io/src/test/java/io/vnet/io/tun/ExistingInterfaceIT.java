package io.vnet.io.tun;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.backend.BackendRequest;
import io.vnet.api.device.DeviceName;
import io.vnet.api.device.HostBacking;
import io.vnet.api.device.HostBacking.Mode;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.port.PortLedger;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * What holds when an interface of the name exists: what stays, what is taken over, what refused.
 */
@ExtendWith(NetworkNamespaces.class)
class ExistingInterfaceIT {
  private static final String V4 = "10.9.0.1/24";
  private static final String V6 = "fd09::1/64";

  private static void refused(TunLab lab, BackendRequest request, Errno errno, String... words) {
    assertThatThrownBy(() -> lab.open(request))
        .isInstanceOfSatisfying(
            VnetException.class,
            e -> {
              assertThat(e.errno()).isEqualTo(errno);
              assertThat(e.object()).contains(request.interfaceName());
              assertThat(e.remedy()).isNotEmpty();
              assertThat(e).hasMessageContainingAll(words);
            });
  }

  @Test
  void a_persistent_interface_is_taken_over_and_stays(NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      lab.ip("tuntap", "add", "name", "tun3", "mode", "tun", "pi", "vnet_hdr");
      TunBackend backend = lab.open(lab.request("tun3", Mode.ATTACH, true, V4));
      assertThat(lab.link("tun3"))
          .contains("mtu " + TunLab.MTU, ",UP", "pi off", "vnet_hdr off", "persist on");
      TunLab.end(backend, new PortLedger());
      assertThat(lab.link("tun3")).contains("persist on", "mtu " + TunLab.MTU, ",UP");
      assertThat(lab.ip("-o", "addr", "show", "dev", "tun3")).contains(V4);
    }
  }

  @Test
  void offloads_that_a_former_process_left_are_off(NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      lab.ip("tuntap", "add", "name", "tun3", "mode", "tun");
      TunBackend former = lab.open(lab.request("tun3", Mode.ATTACH, true));
      // TUN_F_CSUM and TUN_F_TSO4 stay with the device when the descriptor is closed.
      assertThat(lab.libc.ioctl(lab.tunDescriptor(), LinuxConstants.TUNSETOFFLOAD, 3)).isZero();
      TunLab.end(former, new PortLedger());
      assertThat(lab.segmentsTcp("tun3")).isTrue();

      TunBackend backend = lab.open(lab.request("tun3", Mode.ATTACH, true));
      assertThat(lab.segmentsTcp("tun3")).isFalse();
      TunLab.end(backend, new PortLedger());
    }
  }

  @Test
  void attaching_a_second_time_finds_the_addresses_and_keeps_them(NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      lab.ip("tuntap", "add", "name", "tun3", "mode", "tun");
      lab.ip("addr", "add", "10.8.0.1/24", "dev", "tun3");
      for (int i = 0; i < 2; i++) {
        TunLab.end(
            lab.open(lab.request("tun3", Mode.CREATE_OR_ATTACH, true, V4, V6)), new PortLedger());
      }
      assertThat(lab.ip("-o", "addr", "show", "dev", "tun3")).contains(V4, V6, "10.8.0.1/24");
    }
  }

  @Test
  void an_interface_of_another_kind_is_refused(NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      lab.ip("tuntap", "add", "name", "tun3", "mode", "tap");
      lab.ip("link", "set", "dev", "tun3", "mtu", "1234");
      refused(
          lab, lab.request("tun3", Mode.ATTACH, true), Errno.EINVAL, "TUNSETIFF", "another kind");
      assertThat(lab.link("tun3")).contains("tun type tap", "mtu 1234").doesNotContain(",UP");
    }
  }

  @Test
  void a_veth_and_the_loopback_are_refused(NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      lab.ip("link", "add", "name", "tun3", "type", "veth", "peer", "name", "other");
      for (Mode mode : new Mode[] {Mode.ATTACH, Mode.CREATE_OR_ATTACH}) {
        refused(lab, lab.request("tun3", mode, true), Errno.EINVAL, "another kind");
        refused(lab, named(lab, "lo", mode), Errno.EINVAL, "another kind");
      }
      refused(lab, lab.request("tun3", Mode.CREATE, true), Errno.EEXIST, "exists");
      refused(lab, named(lab, "lo", Mode.CREATE), Errno.EEXIST, "exists");
      assertThat(lab.ip("-o", "link", "show", "dev", "lo")).contains("mtu 65536", "LOOPBACK,UP");
      assertThat(lab.link("tun3")).contains("mtu 1500").doesNotContain(",UP");
    }
  }

  private static BackendRequest named(TunLab lab, String name, Mode mode) {
    return new BackendRequest(
        DeviceName.match("tun3").orElseThrow(),
        TunLab.MTU,
        true,
        HostBacking.create()
            .withInterfaceName(name)
            .withMode(mode)
            .inNetworkNamespace(lab.namespace.path()));
  }

  @Test
  void a_second_attachment_is_refused_and_the_first_goes_on(NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      lab.ip("tuntap", "add", "name", "tun3", "mode", "tun");
      TunBackend first = lab.open(lab.request("tun3", Mode.ATTACH, true));
      lab.ip("link", "set", "dev", "tun3", "mtu", "1234");
      refused(lab, lab.request("tun3", Mode.ATTACH, true), Errno.EBUSY, "another process");
      assertThat(lab.link("tun3")).contains("mtu 1234", ",UP");
      TunLab.end(first, new PortLedger());
    }
  }

  @Test
  void creating_what_exists_is_refused(NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      TunBackend first = lab.open(lab.request("tun3", Mode.CREATE, true));
      refused(lab, lab.request("tun3", Mode.CREATE, true), Errno.EEXIST, "create tun3", "exists");
      assertThat(lab.links()).hasSize(1);
      TunLab.end(first, new PortLedger());
    }
  }

  @Test
  void attaching_to_what_is_missing_is_refused_and_says_how_to_make_it(NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      refused(
          lab,
          lab.request("tap7", Mode.ATTACH, true),
          Errno.ENODEV,
          "attach tap7",
          "ip tuntap add name tap7 mode tap");
      assertThat(lab.links()).isEmpty();
    }
  }

  @Test
  void create_or_attach_makes_what_is_missing(NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      TunBackend backend = lab.open(lab.request("tap7", Mode.CREATE_OR_ATTACH, false));
      assertThat(lab.link("tap7")).contains("persist off");
      TunLab.end(backend, new PortLedger());
      assertThat(lab.links()).isEmpty();
    }
  }

  @Test
  void an_mtu_that_the_kernel_refuses_leaves_nothing(NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      BackendRequest request =
          new BackendRequest(
              DeviceName.match("tun3").orElseThrow(),
              67,
              true,
              HostBacking.create().inNetworkNamespace(namespace.path()));
      refused(lab, request, Errno.EINVAL, "set link tun3 mtu 67", "less than", "use an MTU");
      assertThat(lab.links()).isEmpty();
    }
  }
}
