package io.vnet.stress;

import io.vnet.api.epoch.Epoch;
import java.io.PrintStream;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;
import org.openjdk.jcstress.JCStress;
import org.openjdk.jcstress.Options;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.infra.Status;
import org.openjdk.jcstress.infra.collectors.DiskReadCollector;
import org.openjdk.jcstress.infra.collectors.InProcessCollector;
import org.openjdk.jcstress.infra.collectors.TestResult;
import org.openjdk.jcstress.infra.grading.GradingResult;

/** Runs the stress tests and prints what they counted. */
public final class Stress {
  private static final String QUICK = "--quick";
  private static final String[] QUICK_RUN = {"-f", "1", "-iters", "3", "-time", "300"};
  private static final String[] FULL_RUN = {"-f", "1", "-iters", "5", "-time", "1000"};

  private Stress() {}

  /**
   * See {@code benchmarks/run --help}; leaves jcstress's report in the working directory. Exit code
   * 0: nothing forbidden was seen, and what is forbidden is seen where there is no barrier; 1: not
   * so; 2: wrong arguments.
   */
  public static void main(String... arguments) throws Exception {
    List<String> given = List.of(arguments);
    if (!given.isEmpty() && !given.equals(List.of(QUICK))) {
      System.err.println("usage: [" + QUICK + "]");
      System.exit(2);
    }
    boolean membarrier = Epoch.create().barrier() == Epoch.Barrier.MEMBARRIER;
    if (!membarrier) {
      System.err.println("stress: membarrier(2) is not available here; its tests are left out");
    }
    PrintStream out = System.out;
    // jcstress reports to the standard output, which is for the figures.
    System.setOut(System.err);
    Tally tally = Tally.of(run(given.contains(QUICK), membarrier));
    tally.print(out);
    System.exit(tally.good() ? 0 : 1);
  }

  private static Collection<TestResult> run(boolean quick, boolean membarrier) throws Exception {
    String[] size = quick ? QUICK_RUN : FULL_RUN;
    String[] how = {
      "-t",
      membarrier ? "io.vnet.stress" : "io.vnet.stress.(Control|FullFence)",
      "-r",
      "report",
      "-sc",
      "false",
      "-af",
      "NONE",
      // Alone, jcstress would try other modes of the compilers as well.
      quick ? "-jvmArgs" : "-jvmArgsPrepend",
      "--enable-native-access=ALL-UNNAMED"
    };
    String[] all = new String[size.length + how.length];
    System.arraycopy(size, 0, all, 0, size.length);
    System.arraycopy(how, 0, all, size.length, how.length);
    Options options = new Options(all);
    if (!options.parse()) {
      throw new IllegalStateException("jcstress refused its options");
    }
    try {
      new JCStress(options).run();
    } catch (AssertionError e) {
      // How it says that a test failed; its results are there all the same, and are counted below.
      System.err.println("stress: " + e.getMessage());
    }
    InProcessCollector results = new InProcessCollector();
    DiskReadCollector file = new DiskReadCollector(options.getResultFile(), results);
    file.dump();
    file.close();
    return results.getTestResults();
  }

  /**
   * What was seen.
   *
   * @param samples by test, how often it ran
   * @param interesting by control, how often it saw what is forbidden elsewhere
   * @param forbidden how often a test saw that
   * @param failed runs that ended otherwise than by counting
   */
  record Tally(
      SortedMap<String, Long> samples,
      SortedMap<String, Long> interesting,
      long forbidden,
      long failed) {
    static Tally of(Collection<TestResult> results) {
      SortedMap<String, Long> samples = new TreeMap<>();
      SortedMap<String, Long> interesting = new TreeMap<>();
      long forbidden = 0;
      long failed = 0;
      for (TestResult result : results) {
        String test = snake(result.getName());
        samples.merge(test, result.getTotalCount(), Long::sum);
        for (GradingResult outcome : result.grading().gradingResults.values()) {
          if (outcome.expect == Expect.FORBIDDEN) {
            forbidden += outcome.count;
          } else if (outcome.expect == Expect.ACCEPTABLE_INTERESTING) {
            interesting.merge(test, outcome.count, Long::sum);
          }
        }
        failed += result.status() == Status.NORMAL && result.grading().isPassed ? 0 : 1;
      }
      return new Tally(samples, interesting, forbidden, failed);
    }

    boolean good() {
      return forbidden == 0
          && failed == 0
          && samples.size() > interesting.size()
          && interesting.getOrDefault("control_no_barrier", 0L) > 0;
    }

    void print(PrintStream out) {
      samples.forEach((test, count) -> out.println("stress_" + test + "_samples=" + count));
      interesting.forEach((test, count) -> out.println("stress_" + test + "_seen=" + count));
      out.println("stress_failed_runs=" + failed);
      out.println("stress_forbidden=" + forbidden);
    }

    /** {@code io.vnet.stress.FullFenceExit}: {@code full_fence_exit}. */
    static String snake(String className) {
      return className
          .substring(className.lastIndexOf('.') + 1)
          .replaceAll("(?<=[a-z])(?=[A-Z])", "_")
          .toLowerCase(Locale.ROOT);
    }
  }
}
