package io.vnet.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the kernel refuses is said in one line with errno and remedy, and nothing has changed. */
@ExtendWith(NetworkNamespaces.class)
class RefusalsIT {
  private static void assertRefused(
      NetworkNamespace namespace, List<String> before, String line, String... arguments) {
    String links = RelayIT.links(namespace);
    List<String> start = new ArrayList<>(RelayIT.inside(namespace));
    start.addAll(before);
    Outcome outcome;
    try (Child child = Child.vnet(start, arguments)) {
      outcome = child.end();
    }
    assertThat(outcome.errLines()).containsExactly(line);
    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.out()).isEmpty();
    assertThat(RelayIT.links(namespace)).isEqualTo(links);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          relay lo b                | vnet: TUNSETIFF lo: EINVAL, the existing interface is of another kind; use another name
          relay b lo                | vnet: TUNSETIFF lo: EINVAL, the existing interface is of another kind; use another name
          relay b kept              | vnet: TUNSETIFF kept: EINVAL, the existing interface is of another kind; use another name
          relay b abcdefghijklmnop  | vnet: open abcdefghijklmnop: ENAMETOOLONG, an interface name has 1 to 15 bytes, not 16; use a shorter name
          relay b a/b               | vnet: open a/b: EINVAL, an interface name has no '/', ':', '%' or space; use another name
          """)
  void a_name_that_cannot_be_used(String arguments, String line, NetworkNamespace namespace) {
    Program.outputIn(namespace, "ip", "tuntap", "add", "name", "kept", "mode", "tap");
    assertRefused(namespace, List.of(), line, arguments.split(" ", -1));
  }

  @Test
  void a_device_of_one_queue_for_several(NetworkNamespace namespace) {
    Program.outputIn(namespace, "ip", "tuntap", "add", "name", "kept", "mode", "tun");
    assertRefused(
        namespace,
        List.of(),
        "vnet: attach kept: EINVAL, the existing interface has one queue, not 2; use one queue, or"
            + " make it again: ip tuntap add name kept mode tun multi_queue",
        "relay",
        "--queues",
        "2",
        "b",
        "kept");
  }

  @Test
  void a_device_that_another_relay_holds(NetworkNamespace namespace) {
    try (Child holder = Child.vnet(RelayIT.inside(namespace), "relay", "busy", "other")) {
      holder.awaitLine("ready busy other");
      assertRefused(
          namespace,
          List.of(),
          "vnet: TUNSETIFF busy: EBUSY, another process is attached to it; stop that process or use"
              + " another name",
          "relay",
          "new",
          "busy");
      holder.signal("TERM");
      assertThat(holder.end().exitCode()).isZero();
    }
  }

  @Test
  void a_missing_capability_is_named(NetworkNamespace namespace) {
    assertRefused(
        namespace,
        List.of("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", "--"),
        "vnet: TUNSETIFF a: EPERM, this user may not make or attach to it; run with CAP_NET_ADMIN"
            + " (root), or have an administrator make it for you: ip tuntap add name a mode tun user"
            + " $USER",
        "relay",
        "a",
        "b");
  }

  @Test
  void a_missing_capability_stops_a_demo_that_must_be_on_the_host(NetworkNamespace namespace) {
    List<String> start = new ArrayList<>(RelayIT.inside(namespace));
    start.addAll(List.of("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", "--"));
    try (Child demo = Child.vnet(start, "demo", "--host", "--seconds", "1")) {
      Outcome outcome = demo.end();
      assertThat(outcome.exitCode()).isEqualTo(1);
      assertThat(outcome.errLines())
          .singleElement()
          .asString()
          .startsWith("vnet: ")
          .contains("EPERM", "CAP_NET_ADMIN");
    }
  }

  @Test
  void without_the_capability_the_demo_goes_to_memory_and_says_why(NetworkNamespace namespace) {
    List<String> start = new ArrayList<>(RelayIT.inside(namespace));
    start.addAll(List.of("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", "--"));
    try (Child demo = Child.vnet(start, "demo", "--seconds", "1")) {
      Outcome outcome = demo.end();
      new DemoOutput(outcome).assertSound();
      assertThat(outcome.outLines().getFirst())
          .startsWith("devices: in memory, because: ")
          .contains("EPERM", "CAP_NET_ADMIN");
    }
  }
}
