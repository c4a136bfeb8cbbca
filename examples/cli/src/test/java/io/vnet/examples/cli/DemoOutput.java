package io.vnet.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.regex.Pattern;

/** Reads what {@code vnet demo} prints, and asserts what must hold wherever it ran. */
final class DemoOutput {
  private static final Pattern STEP =
      Pattern.compile("^ *\\d+  ([a-z]+(?: [a-z]+)*)", Pattern.MULTILINE);
  private static final Pattern ACCOUNT =
      Pattern.compile("^(\\S.*?) +(\\d+) +(\\d+) +(\\d+) +(-?\\d+)$", Pattern.MULTILINE);
  private static final Pattern DESCRIPTORS =
      Pattern.compile("^descriptors {2}before (\\{.*}), after (\\{.*})$", Pattern.MULTILINE);
  private static final Pattern MEASURED = Pattern.compile(" (\\d+) measured");
  private static final Pattern TCP = Pattern.compile(" (\\d+) bytes over TCP");

  private final Outcome outcome;

  DemoOutput(Outcome outcome) {
    this.outcome = outcome;
  }

  /** It says that all is well, its own figures bear that out, and packets were everywhere. */
  void assertSound() {
    assertEndedWell();
    assertThat(all(ACCOUNT))
        .allSatisfy(account ->
            assertThat(Long.parseLong(account.get(2))).as(account.getFirst()).isPositive());
  }

  /** The same of a run that was perhaps interrupted before packets were everywhere. */
  void assertEndedWell() {
    assertThat(outcome.exitCode()).as(outcome.toString()).isZero();
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.outLines().getLast())
        .isEqualTo("ok: every packet accounted for, nothing left");
    assertThat(steps())
        .containsSubsequence(
            "destroy requested",
            "opens refused",
            "handle revoked",
            "node removed",
            "detached",
            "quiesced",
            "readers drained",
            "released",
            "unit freed")
        .doesNotHaveDuplicates();
    assertThat(all(ACCOUNT))
        .isNotEmpty()
        .allSatisfy(account -> {
          long in = Long.parseLong(account.get(2));
          long accounted = Long.parseLong(account.get(3)) + Long.parseLong(account.get(4));
          assertThat(in).as(account.getFirst()).isEqualTo(accounted);
          assertThat(account.get(5)).as(account.getFirst()).isEqualTo("0");
        });
    assertThat(outcome.outLines())
        .contains(
            "left behind  0 devices, 0 epoch readers, 0 batches (0 leaked), 0 rings, 0 bytes");
    assertThat(all(DESCRIPTORS))
        .singleElement()
        .satisfies(descriptors -> {
          assertThat(descriptors.get(2)).isEqualTo(descriptors.get(1));
          assertThat(descriptors.get(2)).doesNotContain("tun", "namespace");
        });
  }

  /** The places whose packets are accounted for. */
  List<String> places() {
    return all(ACCOUNT).stream().map(account -> account.get(1)).toList();
  }

  /** Round trips that were measured. */
  long measured() {
    return last(MEASURED);
  }

  /** Bytes that arrived over TCP. */
  long tcpBytes() {
    return last(TCP);
  }

  private List<String> steps() {
    return all(STEP).stream().map(step -> step.get(1)).toList();
  }

  private long last(Pattern pattern) {
    List<List<String>> found = all(pattern);
    assertThat(found).as(outcome.out()).isNotEmpty();
    return Long.parseLong(found.getLast().get(1));
  }

  private List<List<String>> all(Pattern pattern) {
    return Texts.matches(pattern, outcome.out());
  }
}
