package io.vnet.tunnel.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.io.testkit.ChildJvm;
import io.vnet.io.testkit.Program;
import io.vnet.tunnel.config.EndpointResolver.Answer;
import io.vnet.tunnel.config.EndpointResolver.Found;
import io.vnet.tunnel.config.EndpointResolver.Later;
import io.vnet.tunnel.config.EndpointResolver.Unknown;
import io.vnet.tunnel.testkit.FakeZones;
import io.vnet.tunnel.testkit.Keys;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Names of endpoints, with time that passes when a test says so. */
class EndpointResolverTest {
  private final List<Duration> waits = new ArrayList<>();
  private final List<String> questions = new ArrayList<>();

  private static QuickConfiguration configuration(String... endpoints) {
    StringBuilder text = new StringBuilder("[Interface]\nPrivateKey=" + Keys.PRIVATE.base64());
    for (int i = 0; i < endpoints.length; i++) {
      text.append("\n[Peer]\nPublicKey=").append(Keys.peer(i).base64());
      text.append("\nEndpoint=").append(endpoints[i]);
    }
    text.append("\n[Peer]\nPublicKey=").append(Keys.peer(endpoints.length).base64());
    return ConfigurationFile.parse("wg0.conf", text.toString().getBytes(StandardCharsets.UTF_8));
  }

  /** One that is given answers, of which the last one stays. */
  private EndpointResolver resolver(Map<String, List<Answer>> answers) {
    return new EndpointResolver(
        name -> {
          questions.add(name);
          List<Answer> all = answers.getOrDefault(name, List.of());
          return all.get(Math.min(Collections.frequency(questions, name), all.size()) - 1);
        },
        new FakeZones(),
        waits::add,
        EndpointResolver.RETRIES);
  }

  @Test
  void addresses_are_asked_of_nobody() throws InterruptedException {
    assertThat(
            resolver(Map.of())
                .resolve(
                    configuration(
                        "1.2.3.4:5", "[2001:db8::1]:6", "2001:db8::2:7", "[fe80::1%veth3]:8")))
        .isEqualTo(
            Map.of(
                Keys.peer(0), Endpoint.parse("1.2.3.4:5"),
                Keys.peer(1), Endpoint.parse("[2001:db8::1]:6"),
                Keys.peer(2), Endpoint.parse("[2001:db8::2]:7"),
                Keys.peer(3), Endpoint.parse("[fe80::1%3]:8")));
    assertThat(questions).isEmpty();
    assertThat(waits).isEmpty();
  }

  @Test
  void a_name_that_is_known_is_asked_for_once() throws InterruptedException {
    Answer found = new Found(IpAddress.parse("192.0.2.1"));

    assertThat(resolver(Map.of("a.example", List.of(found))).resolve(configuration("a.example:5")))
        .isEqualTo(Map.of(Keys.peer(0), Endpoint.parse("192.0.2.1:5")));
    assertThat(questions).containsExactly("a.example");
    assertThat(waits).isEmpty();
  }

  @Test
  void U9_names_that_are_unknown_are_told_all_at_once() {
    EndpointResolver resolver =
        resolver(
            Map.of(
                "nosuch.example", List.of(new Unknown("Name or service not known")),
                "a.example", List.of(new Found(IpAddress.parse("192.0.2.1")))));

    assertThatThrownBy(() ->
            resolver.resolve(
                configuration("nosuch.example:5", "a.example:5", "[fe80::1%nosuch]:5")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            """
            wg0.conf:5: Endpoint: does not resolve: Name or service not known ('nosuch.example:5')
            wg0.conf:11: Endpoint: there is no interface 'nosuch' ('[fe80::1%nosuch]:5')\
            """);
    assertThat(waits).isEmpty();
  }

  @Test
  void U9_what_passes_is_asked_again_after_1_s_and_1_2_times_longer_each_time_up_to_20_s() {
    EndpointResolver resolver =
        resolver(Map.of("a.example", List.of(new Later("Temporary failure in name resolution"))));

    assertThatThrownBy(() -> resolver.resolve(configuration("a.example:5")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("wg0.conf:5: Endpoint: does not resolve: Temporary failure");
    assertThat(questions).hasSize(16);
    assertThat(waits).hasSize(15);
    assertThat(waits.getFirst()).isEqualTo(Duration.ofSeconds(1));
    for (int i = 1; i < waits.size(); i++) {
      assertThat(waits.get(i).toNanos()).isEqualTo(waits.get(i - 1).toNanos() / 5 * 6);
    }
  }

  @Test
  void no_wait_is_longer_than_20_s() {
    EndpointResolver resolver =
        new EndpointResolver(_ -> new Later("later"), new FakeZones(), waits::add, 30);

    assertThatThrownBy(() -> resolver.resolve(configuration("a.example:5")))
        .isInstanceOf(ConfigurationException.class);
    assertThat(waits).hasSize(30).endsWith(Duration.ofSeconds(20), Duration.ofSeconds(20));
  }

  @Test
  void only_what_failed_is_asked_again() throws InterruptedException {
    EndpointResolver resolver =
        resolver(
            Map.of(
                "a.example", List.of(new Found(IpAddress.parse("192.0.2.1"))),
                "b.example",
                    List.of(
                        new Later("later"),
                        new Later("later"),
                        new Found(IpAddress.parse("2001:db8::1")))));

    assertThat(resolver.resolve(configuration("a.example:5", "b.example:6")))
        .isEqualTo(
            Map.of(
                Keys.peer(0), Endpoint.parse("192.0.2.1:5"),
                Keys.peer(1), Endpoint.parse("[2001:db8::1]:6")));
    assertThat(questions).containsExactly("a.example", "b.example", "b.example", "b.example");
    assertThat(waits).hasSize(2);
  }

  @Test
  void an_interruption_ends_it() {
    EndpointResolver resolver =
        new EndpointResolver(
            _ -> new Later("later"),
            new FakeZones(),
            _ -> {
              throw new InterruptedException("a test wants it so");
            },
            EndpointResolver.RETRIES);

    assertThatThrownBy(() -> resolver.resolve(configuration("a.example:5")))
        .isInstanceOf(InterruptedException.class);
  }

  @Test
  void a_name_that_two_peers_have_is_asked_for_once() {
    EndpointResolver resolver =
        resolver(
            Map.of(
                "nosuch.example",
                // As the system does.
                List.of(new Unknown("Name or service not known"), new Later("nosuch.example"))));

    assertThatThrownBy(
            () -> resolver.resolve(configuration("nosuch.example:5", "nosuch.example:6")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            """
            wg0.conf:5: Endpoint: does not resolve: Name or service not known ('nosuch.example:5')
            wg0.conf:8: Endpoint: does not resolve: Name or service not known ('nosuch.example:6')\
            """);
    assertThat(questions).containsExactly("nosuch.example");
    assertThat(waits).isEmpty();
  }

  /** Asks the system for each argument. */
  static final class Asking {
    private Asking() {}

    public static void main(String[] names) {
      for (String name : names) {
        System.out.println(EndpointResolver.askSystem(name));
      }
    }
  }

  /** The language is seen only where the C library has been translated into it. */
  @ParameterizedTest
  @ValueSource(strings = {"en", "de", "fr", "ja"})
  void U9_a_name_that_cannot_be_is_unknown_in_any_language(String language) {
    List<String> command =
        new ArrayList<>(List.of("env", "LC_ALL=C.UTF-8", "LANGUAGE=" + language));
    command.addAll(
        ChildJvm.command(List.of("--enable-native-access=ALL-UNNAMED"), Asking.class, "two..dots"));
    Program program = Program.run(command);

    assertThat(program.exitCode()).as(program.output()).isZero();
    assertThat(program.output()).matches("Unknown\\[reason=.+]\\s*");
  }

  @Test
  void the_system_knows_localhost() throws InterruptedException {
    assertThat(EndpointResolver.ofSystem().resolve(configuration("localhost:5")).get(Keys.peer(0)))
        .isIn(Endpoint.parse("127.0.0.1:5"), Endpoint.parse("[::1]:5"));
  }
}
