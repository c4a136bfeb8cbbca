package io.vnet.benchmarks.relay;

import io.vnet.api.error.VnetException;
import io.vnet.benchmarks.Figure;
import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.crypto.CryptoProviders;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/**
 * Measures relays or tunnels beside each other and writes what came out.
 *
 * <p>Standard output: {@code name=value}. Standard error: how far it is, then tables. Files: {@code
 * RESULTS.md}, a chart, and in {@code target/NAME} each single measurement; with {@code --quick}
 * all of them there, as such numbers mean nothing.
 */
public final class RelayBenchmark {
  private static final Course.Lengths LENGTHS = new Course.Lengths(3, 1000);
  private static final Course.Lengths QUICK_LENGTHS = new Course.Lengths(1, 100);
  private static final int ROUNDS = 5;
  private static final int ROUNDS_MAX = 1000;
  private static final int REPEATS_MAX = 2;
  private static final Duration COMPILE_LIMIT = Duration.ofMinutes(1);
  private static final String RESULTS = "RESULTS.md";
  private static final String TUNNEL = "tunnel";
  private static final String NEWEST_WIREGUARD_GO = "WIREGUARD_GO";

  private final PrintStream out;
  private final PrintStream err;
  private final boolean terminal;
  private final Path directory;
  private final String name;
  private final List<String> vnet;

  /**
   * Not started.
   *
   * @param terminal whether {@code err} is one
   * @param directory that of the benchmarks in the tree
   * @param name {@code relay}, {@code io} or {@code tunnel}
   * @param vnet the command of {@code ./vnet}
   */
  RelayBenchmark(
      PrintStream out,
      PrintStream err,
      boolean terminal,
      Path directory,
      String name,
      List<String> vnet) {
    this.out = out;
    this.err = err;
    this.terminal = terminal;
    this.directory = directory;
    this.name = name;
    this.vnet = List.copyOf(vnet);
  }

  /**
   * See {@code benchmarks/run --help}, which starts it: the directory, a terminal or not, a name.
   */
  public static void main(String... arguments) throws InterruptedException {
    Path directory = Path.of(arguments[0]);
    RelayBenchmark benchmark =
        new RelayBenchmark(
            System.out,
            System.err,
            Boolean.parseBoolean(arguments[1]),
            directory,
            arguments[2],
            List.of(directory.resolveSibling("vnet").toString()));
    System.exit(benchmark.run(List.of(arguments).subList(3, arguments.length)));
  }

  /**
   * What was asked for.
   *
   * @param quick whether to show only that it works
   * @param only variants; none: all
   */
  record Options(boolean quick, int rounds, long seed, List<String> only) {
    static Options parse(List<String> arguments) {
      boolean quick = false;
      int rounds = 0;
      List<String> only = List.of();
      long seed = new SecureRandom().nextInt(1_000_000);
      Iterator<String> rest = arguments.iterator();
      while (rest.hasNext()) {
        String argument = rest.next();
        if (argument.equals("--quick")) {
          quick = true;
        } else if (argument.equals("--rounds")) {
          long wanted = number(argument, rest);
          if (wanted < 1 || wanted > ROUNDS_MAX) {
            throw new IllegalArgumentException("--rounds needs a number from 1 to " + ROUNDS_MAX);
          }
          rounds = (int) wanted;
        } else if (argument.equals("--only")) {
          if (!rest.hasNext()) {
            throw new IllegalArgumentException("--only needs names, separated by commas");
          }
          only = List.of(rest.next().split(",", -1));
        } else if (argument.equals("--seed")) {
          seed = number(argument, rest);
        } else {
          throw new IllegalArgumentException("unknown argument '" + argument + "'");
        }
      }
      return new Options(quick, rounds > 0 ? rounds : quick ? 1 : ROUNDS, seed, only);
    }

    private static long number(String option, Iterator<String> rest) {
      if (!rest.hasNext()) {
        throw new IllegalArgumentException(option + " needs a number");
      }
      String value = rest.next();
      try {
        return Long.parseLong(value);
      } catch (NumberFormatException e) {
        throw new IllegalArgumentException(option + " needs a number, not '" + value + "'", e);
      }
    }

    /** That asks for the same, but for the order. */
    String command(String name) {
      return "benchmarks/run "
          + name
          + (quick ? " --quick" : "")
          + (rounds == (quick ? 1 : ROUNDS) ? "" : " --rounds " + rounds)
          + (only.isEmpty() ? "" : " --only " + String.join(",", only));
    }
  }

  /** Returns the exit code: 0 done, 1 failed, 2 wrong arguments, 130 interrupted. */
  int run(List<String> arguments) throws InterruptedException {
    Options options;
    try {
      options = Options.parse(arguments);
    } catch (IllegalArgumentException e) {
      err.println("benchmarks/run: " + e.getMessage());
      return 2;
    }
    Path work = directory.resolve("target").resolve(name);
    Progress progress = new Progress(err, terminal);
    try {
      Files.createDirectories(work);
      try (Processes processes = new Processes(work)) {
        // It stays: closing again does nothing.
        Runtime.getRuntime().addShutdownHook(new Thread(processes::close, "relay-interrupt"));
        try {
          measure(options, work, processes, progress);
        } catch (IOException | VnetException e) {
          if (processes.isClosed()) {
            return 130;
          }
          throw e;
        } finally {
          progress.clear();
        }
      }
    } catch (IOException | VnetException e) {
      err.println("benchmarks/run: " + e.getMessage());
      return 1;
    } catch (IllegalArgumentException e) {
      err.println("benchmarks/run: " + e.getMessage());
      return 2;
    }
    return 0;
  }

  private void measure(Options options, Path work, Processes processes, Progress progress)
      throws IOException, InterruptedException {
    Course.Lengths lengths = options.quick() ? QUICK_LENGTHS : LENGTHS;
    Comparison.Programs programs =
        new Comparison.Programs(
            name.equals(TUNNEL) ? Path.of("") : compiled(work, processes),
            java(NettyTunRelay.class),
            java(PortRelay.class),
            vnet,
            Optional.ofNullable(System.getenv(NEWEST_WIREGUARD_GO)).map(Path::of));
    Comparison comparison =
        switch (name) {
          case "io" -> Comparison.io(programs);
          case TUNNEL -> Comparison.tunnel(programs);
          default -> Comparison.relay(programs);
        };
    comparison = comparison.only(options.only());
    List<Variant> variants = comparison.variants();
    Circumstances where =
        Circumstances.here(
            options.command(name),
            options.seed(),
            options.rounds(),
            !options.quick(),
            lengths,
            processes);
    err.println(name + ": order by seed " + options.seed());
    Rounds rounds =
        new Rounds(
            variants,
            options.rounds(),
            !options.quick(),
            options.quick() ? 0 : REPEATS_MAX,
            new Random(options.seed()));
    Results results =
        new Results(comparison, samples(variants, rounds, lengths, processes, progress));
    progress.clear();
    write(new Report(results), where, options, work);
    List<Figure> flood = new ArrayList<>();
    if (name.equals(TUNNEL)) {
      for (Variant variant : variants) {
        if (variant.name().equals(Comparison.VNET_TUNNEL)) {
          flood.addAll(
              FloodMeasurement.measure(variant, options.quick(), lengths, processes, progress));
        }
      }
    }
    progress.clear();
    flood.forEach(out::println);
    results.figures().forEach(out::println);
    if (name.equals(TUNNEL)) {
      results
          .summary(Comparison.VNET_TUNNEL, Quantity.TCP_1)
          .ifPresent(gigabits -> out.println(new Figure("gbps", gigabits.median())));
      Crypto crypto = CryptoProviders.choose();
      out.println(
          new Figure("handshakes_per_s", new HandshakeRate(crypto).perSecond(options.quick())));
    }
  }

  private static List<Sample> samples(
      List<Variant> variants,
      Rounds rounds,
      Course.Lengths lengths,
      Processes processes,
      Progress progress)
      throws IOException, InterruptedException {
    List<Course> courses = new ArrayList<>();
    try {
      for (Variant variant : variants) {
        progress.show("starting " + variant.title());
        courses.add(Course.open(variant, lengths, processes));
      }
      return rounds.run(
          (variant, measure) -> {
            try {
              return courses.get(variants.indexOf(variant)).take(measure);
            } catch (IOException e) {
              throw processes.explained(variant, e);
            }
          },
          (round, variant, measure, attempt) ->
              progress.show(
                  (round == 0 ? "warm-up" : "round " + round)
                      + ", "
                      + measure
                      + ", "
                      + variant.title()
                      + (attempt == 1 ? "" : ", again as others disturbed it")));
    } finally {
      courses.forEach(Course::close);
    }
  }

  private Path compiled(Path work, Processes processes) throws IOException, InterruptedException {
    Path program = work.resolve("relay");
    Path source = directory.resolve("relay").resolve("relay.c");
    processes.run(
        COMPILE_LIMIT,
        List.of("cc", "-O2", "-pthread", "-o", program.toString(), source.toString()));
    return program;
  }

  private static List<String> java(Class<?> main) {
    return List.of(
        Path.of(Circumstances.property("java.home"), "bin", "java").toString(),
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        "-cp",
        Circumstances.property("java.class.path"),
        main.getName());
  }

  private void write(Report report, Circumstances where, Options options, Path work)
      throws IOException {
    Path document = (options.quick() ? work : directory).resolve(RESULTS);
    String picture = name + ".svg";
    Path chart = (options.quick() ? work : directory.resolveSibling("docs")).resolve(picture);
    err.print(report.text());
    Files.writeString(work.resolve("samples.csv"), report.csv());
    Files.writeString(chart, report.chart().svg());
    Path parent = directory.relativize(chart);
    String link = options.quick() ? picture : parent.toString();
    String old =
        !options.quick() && Files.exists(document)
            ? Files.readString(document)
            : "# Results\n\nWritten by the benchmarks themselves; docs/benchmarks.md says what each"
                + " number means.\n";
    Files.writeString(document, Report.replaceSection(old, report.markdown(where, link)));
    err.println(name + ": wrote " + document + " and " + chart);
  }
}
