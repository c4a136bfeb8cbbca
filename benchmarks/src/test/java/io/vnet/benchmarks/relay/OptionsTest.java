package io.vnet.benchmarks.relay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.benchmarks.relay.RelayBenchmark.Options;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The arguments of {@code benchmarks/run relay}. */
class OptionsTest {
  private static Options parsed(String... arguments) {
    return Options.parse(List.of(arguments));
  }

  @Test
  void without_arguments_it_is_a_full_run() {
    assertThat(parsed().quick()).isFalse();
    assertThat(parsed().rounds()).isEqualTo(5);
    assertThat(parsed().command("relay")).isEqualTo("benchmarks/run relay");
  }

  @Test
  void the_command_of_a_run_names_what_is_not_as_usual() {
    assertThat(parsed("--quick", "--seed", "7")).isEqualTo(new Options(true, 1, 7, List.of()));
    assertThat(parsed("--quick").command("relay")).isEqualTo("benchmarks/run relay --quick");
    assertThat(parsed("--rounds", "9").command("relay"))
        .isEqualTo("benchmarks/run relay --rounds 9");
    assertThat(parsed("--rounds", "5").command("relay")).isEqualTo("benchmarks/run relay");
    assertThat(parsed("--only", "a,b").only()).containsExactly("a", "b");
    assertThat(parsed("--only", "a,b").command("io")).isEqualTo("benchmarks/run io --only a,b");
    assertThat(parsed("--rounds", "3", "--quick"))
        .satisfies(options -> assertThat(options.quick()).isTrue())
        .extracting(Options::rounds)
        .isEqualTo(3);
  }

  @Test
  void what_is_wrong_is_named() {
    assertThatThrownBy(() -> parsed("--fast")).hasMessage("unknown argument '--fast'");
    assertThatThrownBy(() -> parsed("--only")).hasMessageContaining("--only needs names");
    assertThatThrownBy(() -> parsed("--seed")).hasMessage("--seed needs a number");
    assertThatThrownBy(() -> parsed("--seed", "x")).hasMessage("--seed needs a number, not 'x'");
    assertThatThrownBy(() -> parsed("--rounds", "many"))
        .hasMessage("--rounds needs a number, not 'many'");
    for (String rounds : List.of("0", "1001")) {
      assertThatThrownBy(() -> parsed("--rounds", rounds))
          .hasMessage("--rounds needs a number from 1 to 1000");
    }
  }

  @Test
  void wrong_arguments_end_it_with_2() throws InterruptedException {
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    RelayBenchmark benchmark =
        new RelayBenchmark(
            new PrintStream(err, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            false,
            Path.of("nowhere"),
            "relay",
            List.of());

    assertThat(benchmark.run(List.of("--fast"))).isEqualTo(2);

    assertThat(err.toString(StandardCharsets.UTF_8))
        .isEqualTo("benchmarks/run: unknown argument '--fast'" + System.lineSeparator());
  }
}
