package io.vnet.io.tun;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.backend.BackendListener;
import io.vnet.api.backend.BackendRequest;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.device.DeviceName;
import io.vnet.api.device.HostBacking;
import io.vnet.api.device.HostBacking.Mode;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.port.PortLedger;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.loop.IslandLoop;
import io.vnet.io.netlink.Link;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.ChildJvm;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Who may attach to an interface, and whether it stays: as asked for, and as the kernel has it. */
@ExtendWith(NetworkNamespaces.class)
class OwnershipIT {
  private static final int NOBODY = 65534;

  /** What the child logs has none. */
  private static final String MARK = "= ";

  /** Tries to open each device as MODE:NAME:MTU, and prints what came of it. */
  static final class Open {
    private Open() {}

    public static void main(String[] arguments) {
      TunOpener opener = new TunOpener(NativeLibc.load(), "/dev/net/tun");
      try (IslandLoop island = new IslandLoop()) {
        for (String argument : arguments) {
          String[] parts = argument.split(":", -1);
          BackendRequest request =
              new BackendRequest(
                  DeviceName.match(parts[1]).orElseThrow(),
                  Integer.parseInt(parts[2]),
                  false,
                  HostBacking.create().withMode(Mode.valueOf(parts[0])));
          System.out.println(MARK + open(opener, request, island));
        }
      }
    }

    private static String open(TunOpener opener, BackendRequest request, IslandLoop island) {
      try {
        DeviceBackend backend = opener.open(request, island);
        backend.start(new Deaf());
        backend.linkUp();
        backend.linkDown(new PortLedger());
        TunLab.end(backend, new PortLedger());
        return "attached " + backend.interfaceName();
      } catch (VnetException e) {
        return String.valueOf(e.getMessage());
      }
    }
  }

  private static final class Deaf implements BackendListener {
    @Override
    public void readable() {}

    @Override
    public void writable() {}

    @Override
    public void lost(VnetException cause) {}
  }

  private static BackendRequest request(TunLab lab, HostBacking backing) {
    return new BackendRequest(
        DeviceName.match("tun3").orElseThrow(),
        TunLab.MTU,
        true,
        backing.inNetworkNamespace(lab.namespace.path()));
  }

  private static void live(TunLab lab, HostBacking backing) {
    TunLab.end(lab.open(request(lab, backing)), new PortLedger());
  }

  @Test
  void a_persistent_interface_stays_with_its_owner_until_it_is_made_to_go(
      NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      live(lab, HostBacking.create().withPersistent(true).withOwner(NOBODY).withGroup(12));
      Link.Tun tun = lab.tun("tun3");
      assertThat(tun.persistent()).isTrue();
      assertThat(tun.owner()).hasValue(NOBODY);
      assertThat(tun.group()).hasValue(12);

      HostBacking attach = HostBacking.create().withMode(Mode.ATTACH);
      live(lab, attach);
      assertThat(lab.tun("tun3")).isEqualTo(tun);
      live(lab, attach.withOwner(0));
      assertThat(lab.tun("tun3").owner()).hasValue(0);
      assertThat(lab.tun("tun3").group()).hasValue(12);

      live(lab, attach.withPersistent(false));
      assertThat(lab.links()).isEmpty();
    }
  }

  @Test
  void an_interface_of_ip_tuntap_becomes_ours_and_goes(NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      lab.ip("tuntap", "add", "name", "tun3", "mode", "tun", "user", "1");
      live(lab, HostBacking.create().withMode(Mode.CREATE_OR_ATTACH).withPersistent(false));
      assertThat(lab.links()).isEmpty();
      // And one of ours is theirs to delete.
      live(lab, HostBacking.create().withPersistent(true));
      lab.ip("tuntap", "del", "name", "tun3", "mode", "tun");
      assertThat(lab.links()).isEmpty();
    }
  }

  @Test
  void what_is_as_asked_for_already_is_not_set_again(NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      HostBacking owned =
          HostBacking.create()
              .withMode(Mode.CREATE_OR_ATTACH)
              .withPersistent(true)
              .withOwner(NOBODY)
              .withGroup(12);
      live(lab, owned);
      live(lab, owned);
      for (String request : List.of("TUNSETOWNER", "TUNSETGROUP", "TUNSETPERSIST")) {
        assertThat(Collections.frequency(lab.libc.calls(), "ioctl " + request)).isEqualTo(1);
      }
      lab.ip("link", "delete", "dev", "tun3");
    }
  }

  @Test
  void an_owner_that_cannot_be_taken_away_again_is_told(NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      lab.ip("tuntap", "add", "name", "tun3", "mode", "tun");
      lab.libc.failNext("ioctl TUNSETGROUP", Errno.EINVAL);
      assertThatThrownBy(() ->
              live(lab, HostBacking.create().withMode(Mode.ATTACH).withOwner(NOBODY).withGroup(12)))
          .hasMessageContaining("TUNSETGROUP tun3: EINVAL, no such group id")
          .satisfies(e ->
              assertThat(Objects.requireNonNull(e.getCause()).getSuppressed())
                  .singleElement()
                  .asString()
                  .contains("undo TUNSETOWNER tun3: EOPNOTSUPP"));
      assertThat(lab.tun("tun3").group()).isEmpty();
      assertThat(lab.tun("tun3").owner()).hasValue(NOBODY);
    }
  }

  @ParameterizedTest
  @CsvSource({"-1, 0", "0, -1", "4294967295, 0", "0, 4294967295", "9223372036854775807, 0"})
  void an_id_that_is_none_is_refused_before_anything_changes(
      long owner, long group, NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      assertThatThrownBy(
              () -> lab.open(request(lab, HostBacking.create().withOwner(owner).withGroup(group))))
          .isInstanceOfSatisfying(
              VnetException.class,
              e -> {
                assertThat(e.errno()).isEqualTo(Errno.EINVAL);
                assertThat(e.remedy()).contains("4294967294");
              });
      assertThat(lab.libc.calls()).isEmpty();
    }
  }

  private static void tuntap(NetworkNamespace namespace, String name, String... owners) {
    List<String> command =
        new ArrayList<>(List.of("ip", "tuntap", "add", "name", name, "mode", "tun"));
    command.addAll(List.of(owners));
    Program.outputIn(namespace, command.toArray(String[]::new));
  }

  /**
   * Opens devices as a user without capabilities, but for opening this test's classes and the node,
   * whose modes are the machine's.
   */
  private static List<String> asNobody(NetworkNamespace namespace, String... devices) {
    List<String> command =
        new ArrayList<>(
            List.of(
                "setpriv",
                "--reuid=" + NOBODY,
                "--regid=" + NOBODY,
                "--clear-groups",
                "--inh-caps=-all,+dac_override",
                "--ambient-caps=+dac_override",
                "--bounding-set=-all,+dac_override",
                "--"));
    command.addAll(
        ChildJvm.command(List.of("--enable-native-access=ALL-UNNAMED"), Open.class, devices));
    Program program = Program.runIn(namespace, command.toArray(String[]::new));
    assertThat(program.exitCode()).as(program.output()).isZero();
    return program
        .output()
        .lines()
        .filter(line -> line.startsWith(MARK))
        .map(line -> line.substring(MARK.length()))
        .toList();
  }

  @Test
  void a_user_without_capabilities_attaches_to_what_is_his(NetworkNamespace namespace) {
    String nobody = Integer.toString(NOBODY);
    tuntap(namespace, "tun1", "user", nobody);
    tuntap(namespace, "tun2", "group", nobody);
    tuntap(namespace, "tun3", "user", nobody, "group", nobody);
    tuntap(namespace, "tun4");
    tuntap(namespace, "tun5", "user", "1");
    tuntap(namespace, "tun6", "group", "1");
    tuntap(namespace, "tun7", "user", nobody, "group", "1");
    List<String> outcomes =
        asNobody(
            namespace,
            "ATTACH:tun1:1500",
            "ATTACH:tun2:1500",
            "CREATE_OR_ATTACH:tun3:1500",
            // Without an owner it is everybody's who may open the node.
            "ATTACH:tun4:1500",
            "ATTACH:tun5:1500",
            "ATTACH:tun6:1500",
            "ATTACH:tun7:1500",
            "CREATE:tun8:1500",
            "CREATE:tun1:1500",
            "ATTACH:tun9:1500",
            "ATTACH:tun1:1400");
    assertThat(outcomes.subList(0, 4))
        .containsExactly("attached tun1", "attached tun2", "attached tun3", "attached tun4");
    assertThat(outcomes.subList(4, 8))
        .allSatisfy(outcome ->
            assertThat(outcome)
                .startsWith("TUNSETIFF tun")
                .contains("EPERM, this user may not make or attach to it", "CAP_NET_ADMIN"));
    assertThat(outcomes.get(8)).startsWith("create tun1: EEXIST");
    assertThat(outcomes.get(9)).startsWith("attach tun9: ENODEV");
    assertThat(outcomes.get(10)).startsWith("set link tun1 mtu 1400: EPERM").contains("CAP_NET");
    assertThat(Program.outputIn(namespace, "ip", "-o", "link", "show", "dev", "tun1"))
        .contains("mtu 1500");
  }

  @Test
  void an_owner_finds_his_interface_busy_while_another_has_it(NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      TunBackend holder =
          lab.open(request(lab, HostBacking.create().withOwner(NOBODY).withPersistent(true)));
      assertThat(asNobody(namespace, "ATTACH:tun3:" + TunLab.MTU))
          .singleElement()
          .asString()
          .startsWith("TUNSETIFF tun3: EBUSY, another process is attached to it");
      TunLab.end(holder, new PortLedger());
      assertThat(asNobody(namespace, "ATTACH:tun3:" + TunLab.MTU)).containsExactly("attached tun3");
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Mode.class,
      names = {"CREATE", "CREATE_OR_ATTACH"})
  void what_somebody_makes_after_the_look_is_not_taken_for_our_own(
      Mode mode, NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      AtomicBoolean made = new AtomicBoolean();
      Libc racing =
          (Libc)
              Proxy.newProxyInstance(
                  Libc.class.getClassLoader(),
                  new Class<?>[] {Libc.class},
                  (_, method, arguments) -> {
                    if (method.getName().equals("ioctl")
                        && Objects.requireNonNull(arguments)[1].equals(LinuxConstants.TUNSETIFF)
                        && made.compareAndSet(false, true)) {
                      lab.ip("tuntap", "add", "name", "tun3", "mode", "tun");
                    }
                    return method.invoke(lab.libc, arguments);
                  });
      TunOpener opener = new TunOpener(racing, "/dev/net/tun");
      BackendRequest request = request(lab, HostBacking.create().withMode(mode));
      assertThatThrownBy(() -> opener.open(request, lab.island))
          .isInstanceOf(VnetException.class)
          .hasMessageContaining("TUNSETIFF tun3: EBUSY, somebody has just made it");
      assertThat(made).isTrue();
      assertThat(lab.link("tun3")).contains("mtu 1500").doesNotContain(",UP");
    }
  }
}
