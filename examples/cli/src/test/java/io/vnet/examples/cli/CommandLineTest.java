package io.vnet.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Arguments in, exit codes and messages out; nothing here needs the kernel. */
class CommandLineTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "--help",
        "demo --help",
        "relay -h",
        "devices --help",
        "--version",
        "tunnel --help",
        "tunnel --version",
        "tunnel status --help",
        "genkey --help",
        "pubkey -h",
        "genpsk --help"
      })
  void help_and_version_are_results_and_exit_with_0(String arguments) {
    Outcome outcome = Outcome.ofVnet(arguments.split(" ", -1));
    assertThat(outcome.exitCode()).isZero();
    assertThat(outcome.out()).containsIgnoringCase("vnet");
    assertThat(outcome.err()).isEmpty();
  }

  @Test
  void help_names_every_command_and_the_exit_codes() {
    assertThat(Outcome.ofVnet("--help").out())
        .contains(
            "demo",
            "relay",
            "devices",
            "tunnel",
            "genkey",
            "pubkey",
            "genpsk",
            "Exit codes: 0 done, 1 failed, 2 wrong arguments, 78 a wrong configuration file.");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          demo --bogus           | vnet: Unknown option: '--bogus'
          demo --seconds 0       | vnet: --seconds 0 is not within 1..3600
          demo --seconds 3601    | vnet: --seconds 3601 is not within 1..3600
          demo --seconds x       | vnet: Invalid value for option '--seconds': 'x' is not an int
          demo --memory --host   | vnet: --memory, --host are mutually exclusive (specify only one)
          demo more              | vnet: Unmatched argument at index 1: 'more'
          relay                  | vnet: Missing required parameters: 'A', 'B'
          relay one              | vnet: Missing required parameter: 'B'
          relay a b --mtu x      | vnet: Invalid value for option '--mtu': 'x' is not an int
          devices --all          | vnet: Unknown option: '--all'
          tunnel                 | vnet: Missing required parameter: 'IFACE'
          tunnel wg0 wg1         | vnet: Unmatched argument at index 2: 'wg1'
          tunnel wg0 --io fast   | vnet: Invalid value for option '--io': expected one of [AUTO, EPOLL, IO_URING] (case-insensitive) but was 'fast'
          tunnel wg0 --config    | vnet: Missing required parameter for option '--config' (FILE)
          genkey more            | vnet: Unmatched argument at index 1: 'more'
          """)
  void wrong_arguments_are_explained_in_a_line_and_exit_with_2(String arguments, String line) {
    Outcome outcome = Outcome.ofVnet(arguments.split(" ", -1));
    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.errLines().getFirst()).isEqualTo(line);
    assertThat(outcome.errLines().getLast())
        .isEqualTo("Help: vnet " + arguments.split(" ", -1)[0] + " --help");
    assertThat(outcome.out()).isEmpty();
  }

  @Test
  void a_missing_subcommand_shows_which_there_are() {
    Outcome outcome = Outcome.ofVnet();
    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.errLines().getFirst()).isEqualTo("vnet: a subcommand is missing");
    assertThat(outcome.err()).contains("Usage: vnet", "demo", "relay", "devices");
    assertThat(outcome.out()).isEmpty();
  }

  @Test
  void an_unknown_subcommand_suggests_the_one_that_was_meant() {
    Outcome outcome = Outcome.ofVnet("relais");
    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.err()).contains("'relais'").contains("Did you mean: vnet relay");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          relay a b --mtu 10    | vnet: create tun: EINVAL, MTU 10 is not within 72..65535; use an MTU within the range
          relay a b --mtu 65536 | vnet: create tun: EINVAL, MTU 65536 is not within 72..65535; use an MTU within the range
          relay a b --queues 0   | vnet: relay --queues 0: EINVAL, an interface has 1 to 256 queues; use a number within the range
          relay a b --queues 257 | vnet: relay --queues 257: EINVAL, an interface has 1 to 256 queues; use a number within the range
          relay a b --queues -1  | vnet: relay --queues -1: EINVAL, an interface has 1 to 256 queues; use a number within the range
          tunnel wg0 --allow-hooks | vnet: use --allow-hooks: EINVAL, there is no file with hooks; use --config too
          tunnel wg0 --crypto none | vnet: choose crypto provider none: EINVAL, there is none of that name; use libcrypto or portable
          tunnel wg0 --config /nowhere/wg0.conf | vnet: read /nowhere/wg0.conf: ENOENT, there is no such file; write it, or give another path
          tunnel wg0 --config ./nowhere.conf    | vnet: read ./nowhere.conf: ENOENT, there is no such file; write it, or give another path
          tunnel wg0 --config two,names         | vnet: configure two,names: EINVAL, neither the name of an interface nor a path; write ./ before the name of a file that is here
          tunnel status nosuch   | vnet: show /var/run/wireguard/nosuch.sock: ENOENT, there is no such tunnel; start it, or give another name
          relay a a             | vnet: relay a: EINVAL, A and B are the same device; name two devices
          """)
  void what_is_refused_before_anything_is_made_exits_with_1(String arguments, String line) {
    Outcome outcome = Outcome.ofVnet(arguments.split(" ", -1));
    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.errLines()).containsExactly(line);
    assertThat(outcome.out()).isEmpty();
  }

  /** The current directory may be anybody's, and a file of it could name commands. */
  @Test
  void a_name_alone_is_no_file_of_the_current_directory() {
    assertThat(Path.of("pom.xml")).exists();
    Outcome outcome = Outcome.ofVnet("tunnel", "wg0", "--config", "pom.xml", "--allow-hooks");
    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.errLines())
        .singleElement()
        .asString()
        .startsWith("vnet: read /etc/wireguard/pom.xml.conf: E");
  }

  @Test
  void the_help_says_what_a_name_alone_is() {
    assertThat(Outcome.ofVnet("tunnel", "--help").out().replaceAll("\\s+", " "))
        .contains("a path with a slash, or NAME for /etc/wireguard/NAME.conf.");
  }

  @Test
  void an_empty_interface_name_is_refused_and_not_replaced_by_another() {
    Outcome outcome = Outcome.ofVnet("relay", "", "b");
    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.errLines())
        .containsExactly("vnet: relay: EINVAL, an interface name is empty; name two devices");
  }

  @Test
  void bash_completes_subcommands_and_options_from_the_generated_script(@TempDir Path directory)
      throws IOException {
    Path script = directory.resolve("completion");
    Outcome generated = Outcome.ofVnet("generate-completion");
    assertThat(generated.exitCode()).isZero();
    Files.writeString(script, generated.out());
    Outcome sourced =
        Child.run(
            List.of(
                "bash",
                "--norc",
                "-c",
                """
                set -e
                source "$1"
                # Bash has it only while it completes.
                compopt() { :; }
                complete -p vnet
                COMP_WORDS=(vnet re) COMP_CWORD=1
                _complete_vnet
                echo "subcommands: ${COMPREPLY[*]}"
                COMP_WORDS=(vnet demo --me) COMP_CWORD=2
                _complete_vnet
                echo "options: ${COMPREPLY[*]}"
                """,
                "bash",
                script.toString()));
    assertThat(sourced.exitCode()).as(sourced.toString()).isZero();
    assertThat(sourced.err()).isEmpty();
    assertThat(sourced.outLines())
        .anyMatch(line -> line.startsWith("complete ") && line.endsWith(" vnet"))
        .contains("subcommands: relay", "options: --memory");
  }
}
