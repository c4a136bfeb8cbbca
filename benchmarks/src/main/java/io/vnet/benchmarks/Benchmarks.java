package io.vnet.benchmarks;

import io.vnet.benchmarks.epoch.EpochSuite;
import io.vnet.benchmarks.lifecycle.LifecycleSuite;
import io.vnet.benchmarks.udp.UdpSuite;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.openjdk.jmh.runner.RunnerException;

/** Runs benchmarks by name and prints what they measured. */
public final class Benchmarks {
  private static final String ALL = "all";
  private static final String QUICK = "--quick";

  private Benchmarks() {}

  /** See {@code benchmarks/run --help}. */
  public static void main(String... arguments) {
    System.exit(run(System.out, System.err, arguments));
  }

  /** What can be measured, in the order of a full run. */
  static Map<String, Suite> suites() {
    Map<String, Suite> suites = new LinkedHashMap<>();
    suites.put("epoch", new EpochSuite());
    suites.put("lifecycle", new LifecycleSuite());
    suites.put("udp", new UdpSuite());
    return suites;
  }

  /** Returns the exit code: 0 done, 1 a benchmark failed, 2 wrong arguments. */
  static int run(PrintStream out, PrintStream err, String... arguments) {
    Map<String, Suite> suites = suites();
    List<String> names = new ArrayList<>(Arrays.asList(arguments));
    boolean quick = names.remove(QUICK);
    String name = names.size() == 1 ? names.getFirst() : "";
    if (!name.equals(ALL) && !suites.containsKey(name)) {
      err.println(
          "usage: NAME ["
              + QUICK
              + "], NAME one of "
              + String.join(", ", suites.keySet())
              + ", "
              + ALL);
      return 2;
    }
    List<Suite> chosen =
        suites.entrySet().stream()
            .filter(entry -> name.equals(ALL) || name.equals(entry.getKey()))
            .map(Map.Entry::getValue)
            .toList();
    List<Figure> figures = new ArrayList<>();
    try {
      for (Suite suite : chosen) {
        figures.addAll(suite.measure(new Measurement(quick, err)));
      }
    } catch (RunnerException e) {
      err.println("benchmarks: " + e);
      return 1;
    }
    figures.forEach(out::println);
    return 0;
  }
}
