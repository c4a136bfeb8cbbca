package io.vnet.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code vnet relay} between two namespaces: traffic, orderly and disorderly ends. */
@ExtendWith(NetworkNamespaces.class)
class RelayIT {
  private static final int SECONDS = 30;

  /** The sum over all connections of one interval; the totals at the end have other names. */
  private static final Pattern INTERVAL =
      Pattern.compile("\"sum\":\\s*\\{[^}]*?\"bytes\":\\s*(\\d+)");

  private static final Pattern COUNTERS =
      Pattern.compile(
          "(?m)^(\\S+) received (\\d+) packets \\(\\d+ bytes\\), sent (\\d+) \\(\\d+ bytes\\),"
              + " dropped (\\d+) \\{.*}$");

  private static final Pattern SIZES =
      Pattern.compile("(?m)^\\S+ received (\\d+) packets \\((\\d+) bytes\\)");

  static List<String> inside(NetworkNamespace namespace) {
    return List.of("nsenter", "--net=" + namespace.path(), "--");
  }

  private static void ip(NetworkNamespace namespace, String arguments) {
    String output = Program.outputIn(namespace, ("ip " + arguments).split(" ", -1));
    assertThat(output).isEmpty();
  }

  /** Name, flags, MTU and state of each interface. */
  static String links(NetworkNamespace namespace) {
    return Program.outputIn(namespace, "ip", "-o", "link");
  }

  private static void assertCounted(Outcome relay, String first, String second) {
    assertThat(relay.exitCode()).as(relay.toString()).isZero();
    assertThat(relay.err()).isEmpty();
    assertThat(Texts.matches(COUNTERS, relay.out()))
        .extracting(line -> line.get(1))
        .containsExactly(first, second);
  }

  @Test
  void iperf3_runs_for_half_a_minute_without_a_stall(NetworkNamespace near, NetworkNamespace far) {
    try (Child relay = Child.lastingVnet(inside(near), "relay", "tunA", "tunB")) {
      relay.awaitLine("ready tunA tunB");
      // The relay's descriptor stays with the device wherever that goes.
      ip(near, "link set tunB netns " + far.path());
      ip(near, "addr add 10.78.0.1/24 dev tunA");
      ip(near, "link set tunA up");
      ip(far, "addr add 10.78.0.2/24 dev tunB");
      ip(far, "link set tunB up");
      Outcome client = iperf3(near, far);
      assertThat(client.exitCode()).as(client.toString()).isZero();
      List<List<String>> intervals = Texts.matches(INTERVAL, client.out());
      assertThat(intervals).hasSizeGreaterThanOrEqualTo(SECONDS);
      assertThat(intervals).noneMatch(interval -> interval.get(1).equals("0"));

      relay.signal("TERM");
      Outcome end = relay.end();
      assertCounted(end, "tunA", "tunB");
      assertThat(Texts.matches(COUNTERS, end.out()))
          .allSatisfy(line -> {
            assertThat(Long.parseLong(line.get(2))).isPositive();
            assertThat(Long.parseLong(line.get(3))).isPositive();
          });
      assertThat(links(near)).doesNotContain("tunA");
      assertThat(links(far)).doesNotContain("tunB");
    }
  }

  @Test
  void super_packets_cross_whole(NetworkNamespace near, NetworkNamespace far) {
    try (Child relay = Child.lastingVnet(inside(near), "relay", "--offload", "tunA", "tunB")) {
      relay.awaitLine("ready tunA tunB");
      ip(near, "link set tunB netns " + far.path());
      ip(near, "addr add 10.78.0.1/24 dev tunA");
      ip(near, "link set tunA up");
      ip(far, "addr add 10.78.0.2/24 dev tunB");
      ip(far, "link set tunB up");
      Outcome client = iperf3(near, far, "--bytes", "256M");
      assertThat(client.exitCode()).as(client.toString()).isZero();
      relay.signal("TERM");
      Outcome end = relay.end();
      assertCounted(end, "tunA", "tunB");
      List<String> received = Texts.matches(SIZES, end.out()).getFirst();
      long packets = Long.parseLong(received.get(1));
      long bytes = Long.parseLong(received.get(2));
      // iperf3 ends when it has written all; some megabytes may be on the way still.
      assertThat(bytes).isGreaterThan(240L << 20);
      assertThat(bytes / packets).as("bytes a packet").isGreaterThan(2 * 1500);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "--offload"})
  void many_connections_cross_by_several_queues(
      String offload, NetworkNamespace near, NetworkNamespace far) {
    List<String> arguments =
        Stream.of("relay", "--queues", "2", offload, "tunA", "tunB")
            .filter(argument -> !argument.isEmpty())
            .toList();
    try (Child relay = Child.lastingVnet(inside(near), arguments.toArray(String[]::new))) {
      relay.awaitLine("ready tunA tunB");
      ip(near, "link set tunB netns " + far.path());
      ip(near, "addr add 10.78.0.1/24 dev tunA");
      ip(near, "link set tunA up");
      ip(far, "addr add 10.78.0.2/24 dev tunB");
      ip(far, "link set tunB up");
      Outcome client = iperf3(near, far, "--bytes", "256M", "--parallel", "8");
      assertThat(client.exitCode()).as(client.toString()).isZero();
      relay.signal("TERM");
      Outcome end = relay.end();
      assertCounted(end, "tunA", "tunB");
      long bytes = Long.parseLong(Texts.matches(SIZES, end.out()).getFirst().get(2));
      // The sum of both queues; megabytes a connection may be on the way still when iperf3 ends.
      assertThat(bytes).isGreaterThan(128L << 20);
    }
  }

  private static Outcome iperf3(NetworkNamespace near, NetworkNamespace far) {
    return iperf3(near, far, "--time", Integer.toString(SECONDS), "--interval", "1", "--json");
  }

  private static Outcome iperf3(NetworkNamespace near, NetworkNamespace far, String... how) {
    try (Child server =
        Child.start(join(inside(far), "iperf3", "--server", "--one-off", "--forceflush"))) {
      server.awaitLine("Server listening");
      return Child.run(
          Stream.concat(
                  join(inside(near), "iperf3", "--client", "10.78.0.2").stream(),
                  Arrays.stream(how))
              .toList());
    }
  }

  private static List<String> join(List<String> before, String... command) {
    return Stream.concat(before.stream(), Arrays.stream(command)).toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {"INT", "TERM"})
  void a_signal_ends_it_with_counters_and_0_and_attached_devices_stay(
      String signal, NetworkNamespace namespace) {
    ip(namespace, "tuntap add name stays mode tap");
    try (Child relay = Child.vnet(inside(namespace), "relay", "--tap", "stays", "goes")) {
      relay.awaitLine("ready stays goes");
      assertThat(links(namespace)).contains(" stays: ", " goes: ");
      relay.signal(signal);
      assertCounted(relay.end(), "stays", "goes");
      assertThat(links(namespace)).contains(" stays: ").doesNotContain(" goes: ");
    }
  }

  @Test
  void a_kill_leaves_no_device_that_it_made(NetworkNamespace namespace) {
    String before = links(namespace);
    try (Child relay = Child.vnet(inside(namespace), "relay", "one", "two")) {
      relay.awaitLine("ready one two");
      assertThat(links(namespace)).contains(" one: ", " two: ");
      relay.signal("KILL");
      assertThat(relay.end().exitCode()).isEqualTo(128 + 9);
      await().untilAsserted(() -> assertThat(links(namespace)).isEqualTo(before));
    }
  }

  @Test
  void a_device_that_is_taken_away_ends_it_with_the_reason(NetworkNamespace namespace) {
    try (Child relay = Child.vnet(inside(namespace), "relay", "one", "two")) {
      relay.awaitLine("ready one two");
      ip(namespace, "link delete one");
      Outcome end = relay.end();
      assertThat(end.exitCode()).as(end.toString()).isEqualTo(1);
      assertThat(end.errLines()).singleElement().asString().startsWith("vnet: ").contains("one");
      assertThat(links(namespace)).doesNotContain(" two: ");
    }
  }
}
