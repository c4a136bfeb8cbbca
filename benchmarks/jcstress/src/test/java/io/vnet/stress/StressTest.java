package io.vnet.stress;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.infra.runners.TestList;

/** That the generated list has every test, with what it forbids; the tests are not run. */
class StressTest {
  @ParameterizedTest
  @CsvSource({
    "MembarrierEnter, FORBIDDEN",
    "MembarrierExit, FORBIDDEN",
    "FullFenceEnter, FORBIDDEN",
    "FullFenceExit, FORBIDDEN",
    "ControlNoBarrier, ACCEPTABLE_INTERESTING",
    "ControlBeginBeforeUnlink, ACCEPTABLE_INTERESTING"
  })
  void a_test_says_what_a_use_after_the_free_is(String test, Expect grade) {
    assertThat(TestList.getInfo("io.vnet.stress." + test).cases())
        .extracting(outcome -> outcome.expect())
        .contains(grade)
        .containsOnly(Expect.ACCEPTABLE, grade);
  }

  @Test
  void there_are_six_tests() {
    assertThat(TestList.tests()).hasSize(6).allMatch(name -> name.startsWith("io.vnet.stress."));
  }

  @Test
  void only_a_run_that_could_see_and_saw_nothing_is_good() {
    assertThat(tally(10, 1, 0, 0).good()).isTrue();
    assertThat(tally(10, 0, 0, 0).good()).as("the control saw nothing").isFalse();
    assertThat(tally(10, 1, 1, 0).good()).as("forbidden").isFalse();
    assertThat(tally(10, 1, 0, 1).good()).as("failed").isFalse();
    assertThat(new Stress.Tally(new TreeMap<>(), new TreeMap<>(), 0, 0).good()).isFalse();
  }

  @Test
  void a_figure_is_a_line_and_the_verdict_the_last() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    tally(10, 3, 2, 1).print(new PrintStream(out, true, StandardCharsets.UTF_8));
    assertThat(out.toString(StandardCharsets.UTF_8).lines())
        .containsExactly(
            "stress_control_no_barrier_samples=10",
            "stress_full_fence_enter_samples=10",
            "stress_control_no_barrier_seen=3",
            "stress_failed_runs=1",
            "stress_forbidden=2");
    assertThat(Stress.Tally.snake("io.vnet.stress.FullFenceEnter")).isEqualTo("full_fence_enter");
  }

  private static Stress.Tally tally(long samples, long seen, long forbidden, long failed) {
    return new Stress.Tally(
        new TreeMap<>(Map.of("control_no_barrier", samples, "full_fence_enter", samples)),
        new TreeMap<>(Map.of("control_no_barrier", seen)),
        forbidden,
        failed);
  }
}
