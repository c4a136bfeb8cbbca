package io.vnet.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** {@code vnet devices} tells what the kernel knows of the namespace it runs in. */
@ExtendWith(NetworkNamespaces.class)
class DevicesIT {
  private static void ip(NetworkNamespace namespace, String arguments) {
    assertThat(Program.outputIn(namespace, ("ip " + arguments).split(" ", -1))).isEmpty();
  }

  private static List<List<String>> devices(NetworkNamespace namespace) {
    try (Child child = Child.vnet(RelayIT.inside(namespace), "devices")) {
      Outcome outcome = child.end();
      assertThat(outcome.exitCode()).as(outcome.toString()).isZero();
      assertThat(outcome.err()).isEmpty();
      return outcome.outLines().stream().map(line -> List.of(line.split(" +", -1))).toList();
    }
  }

  @Test
  void kind_state_mtu_owner_and_persistence_of_each(NetworkNamespace namespace) {
    ip(namespace, "tuntap add name ours mode tun user 65534");
    ip(namespace, "tuntap add name theirs mode tap group 1 vnet_hdr multi_queue");
    ip(namespace, "link set theirs mtu 1400");
    ip(namespace, "link set theirs up");
    assertThat(devices(namespace))
        .containsExactly(
            List.of(
                "NAME",
                "KIND",
                "STATE",
                "CARRIER",
                "MTU",
                "OWNER",
                "GROUP",
                "PERSISTENT",
                "VNET-HDR",
                "MULTI-QUEUE",
                "QUEUES"),
            List.of(
                "ours",
                "tun",
                "down",
                "off",
                "1500",
                name("/etc/passwd", 65534),
                "-",
                "yes",
                "no",
                "no",
                "1"),
            List.of(
                "theirs",
                "tap",
                "up",
                "off",
                "1400",
                "-",
                name("/etc/group", 1),
                "yes",
                "yes",
                "yes",
                "0"),
            List.of("2", "devices"));
  }

  private static String name(String file, long number) {
    return AccountNames.read(Path.of(file)).show(number);
  }

  @Test
  void a_relays_queues_are_counted(NetworkNamespace namespace) {
    try (Child relay =
        Child.vnet(RelayIT.inside(namespace), "relay", "--queues", "3", "one", "two")) {
      relay.awaitLine("ready one two");
      assertThat(devices(namespace))
          .contains(
              List.of("one", "tun", "up", "on", "1500", "-", "-", "no", "no", "yes", "3"),
              List.of("two", "tun", "up", "on", "1500", "-", "-", "no", "no", "yes", "3"));
      relay.signal("TERM");
      assertThat(relay.end().exitCode()).isZero();
    }
    assertThat(devices(namespace)).last().isEqualTo(List.of("0", "devices"));
  }

  @Test
  void a_relays_devices_are_there_while_it_runs_and_not_persistent(NetworkNamespace namespace) {
    try (Child relay = Child.vnet(RelayIT.inside(namespace), "relay", "one", "two")) {
      relay.awaitLine("ready one two");
      assertThat(devices(namespace))
          .contains(
              List.of("one", "tun", "up", "on", "1500", "-", "-", "no", "no", "no", "1"),
              List.of("two", "tun", "up", "on", "1500", "-", "-", "no", "no", "no", "1"));
      relay.signal("TERM");
      assertThat(relay.end().exitCode()).isZero();
    }
    assertThat(devices(namespace)).last().isEqualTo(List.of("0", "devices"));
  }
}
