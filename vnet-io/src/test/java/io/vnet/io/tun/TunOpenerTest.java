package io.vnet.io.tun;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.address.IpPrefix;
import io.vnet.api.backend.BackendRequest;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.device.DeviceName;
import io.vnet.api.device.HostBacking;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NetlinkConstants;
import io.vnet.io.loop.IslandLoop;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every refusal names the call, the errno and the remedy, and leaves no descriptor open. */
class TunOpenerTest {
  private static final IslandLoop ISLAND = new IslandLoop();

  private final ScriptedLibc libc = new ScriptedLibc();
  private final TunOpener opener = new TunOpener(libc, "/dev/net/tun");

  @AfterAll
  static void close() {
    ISLAND.close();
  }

  private static BackendRequest request(String device, HostBacking host) {
    return new BackendRequest(DeviceName.match(device).orElseThrow(), 1500, true, host);
  }

  /** The interface does not exist, so the opener makes it. */
  private VnetException refusal(HostBacking host) {
    libc.failing("RTM " + NetlinkConstants.RTM_GETLINK, Errno.ENODEV);
    return refusal(request("tun3", host));
  }

  private VnetException refusal(BackendRequest request) {
    try {
      DeviceBackend backend = opener.open(request, ISLAND);
      throw new AssertionError("opened " + backend.interfaceName());
    } catch (VnetException e) {
      assertThat(libc.openDescriptors()).as("open descriptors after %s", e.getMessage()).isZero();
      return e;
    }
  }

  @ParameterizedTest
  @CsvSource({
    "sixteen-bytes-xx, ENAMETOOLONG, 16",
    "fünfzehnfünfze, ENAMETOOLONG, 16",
    "a/b, EINVAL, no '/'",
    "tun%d, EINVAL, '%'",
    "a:b, EINVAL, ':'",
    "a b, EINVAL, space",
    "., EINVAL, name",
    ".., EINVAL, name"
  })
  void a_name_that_the_kernel_would_misread_is_refused_before_any_call(
      String name, Errno errno, String word) {
    VnetException refusal = refusal(request("tun3", HostBacking.create().withInterfaceName(name)));
    assertThat(refusal.errno()).isEqualTo(errno);
    assertThat(refusal.object()).isEqualTo(name);
    assertThat(refusal.reason()).contains(word);
    assertThat(refusal.remedy()).isNotEmpty();
  }

  @Test
  void a_name_of_fifteen_bytes_is_accepted() {
    libc.failing("open", Errno.ENOENT);
    VnetException refusal = refusal(HostBacking.create().withInterfaceName("fifteen-bytes-x"));
    assertThat(refusal.errno()).isEqualTo(Errno.ENOENT);
  }

  @Test
  void an_empty_name_is_the_devices_own() {
    libc.failing("open", Errno.ENOENT);
    assertThat(refusal(HostBacking.create().withInterfaceName("")).object()).isEqualTo("tun3");
  }

  @Test
  void a_vmnet_is_refused() {
    VnetException refusal = refusal(request("vmnet0", HostBacking.create()));
    assertThat(refusal.errno()).isEqualTo(Errno.EOPNOTSUPP);
    assertThat(refusal.reason()).contains("no vmnet");
    assertThat(refusal.remedy()).contains("tap").contains("memory");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "ENOENT | /dev/net/tun is missing | modprobe tun",
        "ENOENT | /dev/net/tun is missing | --device /dev/net/tun",
        "ENODEV | /dev/net/tun has no driver | modprobe tun",
        "ENXIO | /dev/net/tun has no driver | modprobe tun",
        "EACCES | may not be opened by this user | permission on /dev/net/tun",
        "EPERM | may not be opened by this user | run as root",
        "EMFILE | too many open files in this process | ulimit -n",
        "ENFILE | too many open files in the system | ''"
      })
  void a_node_that_cannot_be_opened_is_named_with_the_remedy(
      Errno errno, String reason, String remedy) {
    libc.failing("open", errno);
    VnetException refusal = refusal(HostBacking.create());
    assertThat(refusal.operation()).isEqualTo("open");
    assertThat(refusal.object()).isEqualTo("tun3");
    assertThat(refusal.errno()).isEqualTo(errno);
    assertThat(refusal.reason()).contains("/dev/net/tun").contains(reason);
    assertThat(refusal.remedy()).contains(remedy);

    assertThatThrownBy(opener::probe)
        .isInstanceOfSatisfying(VnetException.class, e -> assertThat(e.errno()).isEqualTo(errno))
        .hasMessageContaining(reason)
        .hasMessageContaining(remedy);
    assertThat(libc.openDescriptors()).isZero();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "EPERM | may not make or attach | CAP_NET_ADMIN",
        "EPERM | may not make or attach | ip tuntap add name tun3 mode tun user $USER",
        "EBUSY | somebody has just made it | use another name",
        "E2BIG | as many queues as the kernel allows | ''",
        "EINVAL | invalid argument | ''",
        "ENOMEM | out of memory | ''"
      })
  void a_refused_interface_is_named_with_the_remedy(Errno errno, String reason, String remedy) {
    libc.failing(LinuxConstants.TUNSETIFF, errno);
    VnetException refusal = refusal(HostBacking.create());
    assertThat(refusal.operation()).isEqualTo("TUNSETIFF");
    assertThat(refusal.errno()).isEqualTo(errno);
    assertThat(refusal.reason()).contains(reason);
    assertThat(refusal.remedy()).contains(remedy);
  }

  @Test
  void a_tap_that_may_not_be_made_is_explained_as_a_tap() {
    libc.failing("RTM " + NetlinkConstants.RTM_GETLINK, Errno.ENODEV);
    libc.failing(LinuxConstants.TUNSETIFF, Errno.EPERM);
    assertThat(refusal(request("tap0", HostBacking.create())).remedy())
        .contains("ip tuntap add name tap0 mode tap user $USER");
  }

  @Test
  void the_probe_names_the_missing_capability() {
    libc.failing(LinuxConstants.TUNSETIFF, Errno.EPERM);
    assertThatThrownBy(opener::probe)
        .isInstanceOfSatisfying(
            VnetException.class,
            refusal ->
                assertThat(refusal.remedy())
                    .contains("CAP_NET_ADMIN")
                    .contains("ip tuntap add name NAME mode tun user $USER")
                    .doesNotContain("vnetprobe"));
    assertThat(libc.openDescriptors()).isZero();
  }

  @ParameterizedTest
  @ValueSource(ints = {NetlinkConstants.RTM_NEWLINK, NetlinkConstants.RTM_NEWADDR})
  void a_step_without_the_capability_says_so(int step) {
    libc.failing("RTM " + step, Errno.EPERM);
    VnetException refusal =
        refusal(request("tun3", attaching().withAddresses(IpPrefix.parse("10.9.0.1/24"))));
    assertThat(refusal.errno()).isEqualTo(Errno.EPERM);
    assertThat(refusal.object()).contains("tun3");
    assertThat(refusal.remedy()).contains("CAP_NET_ADMIN");
  }

  private static HostBacking attaching() {
    return HostBacking.create().withMode(HostBacking.Mode.ATTACH);
  }

  @Test
  void too_many_sockets_are_explained_too() {
    libc.failing("socket", Errno.EMFILE);
    assertThat(refusal(HostBacking.create()).remedy()).contains("ulimit -n");
  }

  @Test
  void a_namespace_that_may_not_be_entered_is_explained() {
    HostBacking inside = HostBacking.create().inNetworkNamespace(Path.of("/run/netns/blue"));
    libc.failing("setns", Errno.EPERM);
    assertThat(refusal(inside).remedy()).contains("CAP_SYS_ADMIN");
    libc.failing("open", Errno.ENOENT);
    assertThat(refusal(inside)).hasMessageContaining("/run/netns/blue");
  }

  @Test
  void an_errno_without_a_name_is_shown_as_a_number() {
    libc.failing(LinuxConstants.TUNSETIFF, 133);
    VnetException refusal = refusal(HostBacking.create());
    assertThat(refusal.errno()).isEqualTo(Errno.EUNKNOWN);
    assertThat(refusal).hasMessageContaining("133");
  }

  @Test
  void a_kernel_before_5_0_that_has_no_carrier_request_is_good_enough() {
    libc.failing(LinuxConstants.TUNSETCARRIER, Errno.EINVAL);
    DeviceBackend backend = opener.open(request("tun3", attaching()), ISLAND);
    backend.linkUp();
    assertThat(backend.interfaceName()).isEqualTo("tun3");
    assertThat(libc.openDescriptors()).as("the tun").isEqualTo(1);
  }
}
