package io.vnet.io.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.backend.HostInterface;
import io.vnet.api.backend.HostNetwork;
import io.vnet.api.backend.HostNetworkProvider;
import io.vnet.api.backend.IslandSettings;
import io.vnet.api.device.DriverKind;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.ChildJvm;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The provider as an application finds it, in processes of their own: what it lists, and how it
 * explains that no device can be made.
 */
@ExtendWith(NetworkNamespaces.class)
class HostNetworkIT {
  private static final String WITHOUT_CAPABILITIES =
      "exec setpriv --inh-caps=-all --bounding-set=-all \"$@\"";

  /** Prints the obstacle to host devices, then the host's interfaces. */
  static final class Show {
    private Show() {}

    public static void main(String[] arguments) {
      HostNetworkProvider provider =
          ServiceLoader.load(HostNetworkProvider.class).findFirst().orElseThrow();
      System.out.println(
          provider.obstacle().map(e -> "obstacle: " + e.getMessage()).orElse("no obstacle"));
      try (HostNetwork network = provider.start(IslandSettings.defaults().withThreads(2, 1))) {
        for (HostInterface found : network.interfaces()) {
          System.out.println(found);
        }
        System.out.println(network.islands().size() + " islands");
      }
    }
  }

  /** Runs {@link Show} inside, after a shell in its own mount namespace has prepared the scene. */
  private static List<String> show(NetworkNamespace namespace, String prepare) {
    List<String> command =
        new ArrayList<>(List.of("unshare", "--mount", "sh", "-ec", prepare, "sh"));
    command.addAll(ChildJvm.command(List.of("--enable-native-access=ALL-UNNAMED"), Show.class));
    Program program = Program.runIn(namespace, command.toArray(String[]::new));
    assertThat(program.exitCode()).as(program.output()).isZero();
    return program.output().lines().toList();
  }

  @Test
  void where_devices_can_be_made_there_is_no_obstacle_and_nothing_is_left(
      NetworkNamespace namespace) {
    List<String> shown = show(namespace, "mount -t sysfs sysfs /sys; exec \"$@\"");
    assertThat(shown).contains("no obstacle", "2 islands");
    assertThat(shown).noneMatch(line -> line.startsWith("HostInterface"));
  }

  @Test
  void tun_and_tap_interfaces_are_listed_and_others_are_not(NetworkNamespace namespace) {
    for (String[] arguments :
        new String[][] {
          {"tuntap", "add", "name", "tun3", "mode", "tun", "user", "65534"},
          {
            "tuntap", "add", "name", "tap7", "mode", "tap", "group", "12", "vnet_hdr", "multi_queue"
          },
          {"link", "set", "dev", "tap7", "mtu", "1234", "up"},
          {"link", "add", "name", "pipe0", "type", "veth", "peer", "name", "pipe1"}
        }) {
      List<String> command = new ArrayList<>(List.of("ip"));
      command.addAll(Arrays.asList(arguments));
      Program.outputIn(namespace, command.toArray(String[]::new));
    }
    List<String> shown = show(namespace, "mount -t sysfs sysfs /sys; exec \"$@\"");
    assertThat(shown.stream().filter(line -> line.startsWith("HostInterface")))
        .containsExactly(
            new HostInterface(
                    "tap7",
                    DriverKind.TAP,
                    true,
                    false,
                    1234,
                    OptionalLong.empty(),
                    OptionalLong.of(12),
                    true,
                    true,
                    true,
                    0)
                .toString(),
            new HostInterface(
                    "tun3",
                    DriverKind.TUN,
                    false,
                    false,
                    1500,
                    OptionalLong.of(65534),
                    OptionalLong.empty(),
                    true,
                    false,
                    false,
                    0)
                .toString());
  }

  @Test
  void without_the_capability_it_is_named(NetworkNamespace namespace) {
    assertThat(show(namespace, WITHOUT_CAPABILITIES).getFirst())
        .startsWith("obstacle: TUNSETIFF vnetprobe: EPERM")
        .contains("CAP_NET_ADMIN")
        .contains("ip tuntap add");
  }

  @Test
  void a_node_that_may_not_be_opened_is_named(NetworkNamespace namespace) {
    String unreadable =
        """
        dir=$(mktemp -d)
        mount -t tmpfs tmpfs "$dir"
        install -m 000 /dev/null "$dir/tun"
        mount --bind "$dir/tun" /dev/net/tun
        """;
    assertThat(show(namespace, unreadable + WITHOUT_CAPABILITIES).getFirst())
        .startsWith("obstacle: open probe: EACCES")
        .contains("/dev/net/tun may not be opened by this user")
        .contains("run as root");
  }

  @Test
  void a_missing_node_is_named_with_its_module(NetworkNamespace namespace) {
    assertThat(show(namespace, "mount -t tmpfs tmpfs /dev/net; exec \"$@\"").getFirst())
        .startsWith("obstacle: open probe: ENOENT")
        .contains("/dev/net/tun is missing")
        .contains("modprobe tun")
        .contains("--device /dev/net/tun");
  }
}
