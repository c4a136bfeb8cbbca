package io.vnet.examples.cli;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;

/**
 * A process that the test started, without standard input and without a terminal. It is killed if
 * the test leaves it running.
 */
final class Child implements AutoCloseable {
  /** For what a child does at once on an idle machine. */
  static final Duration LIMIT = Duration.ofSeconds(90);

  private static final List<String> FLAGS =
      List.of("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow");

  /** A command that starts, does little and ends compiles with the second compiler for nothing. */
  private static final String BRIEF = "-XX:TieredStopAtLevel=1";

  private final List<String> command;
  private final Process process;
  private final Path out;
  private final Path err;

  private Child(List<String> command, Process process, Path out, Path err) {
    this.command = command;
    this.process = process;
    this.out = out;
    this.err = err;
  }

  static Child start(List<String> command) {
    try {
      Path out = Files.createTempFile("vnet-child", ".out");
      Path err = Files.createTempFile("vnet-child", ".err");
      ProcessBuilder builder =
          new ProcessBuilder(command)
              .redirectInput(new File("/dev/null"))
              .redirectOutput(out.toFile())
              .redirectError(err.toFile());
      // They make the virtual machine say so on standard error.
      builder.environment().remove("JAVA_TOOL_OPTIONS");
      builder.environment().remove("JDK_JAVA_OPTIONS");
      return new Child(command, builder.start(), out, err);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * {@code vnet} with these arguments, started by the command before it, if there is one; for a
   * test of what it says and does, not of how it moves packets in the long run.
   */
  static Child vnet(List<String> before, String... arguments) {
    return vnet(Stream.concat(FLAGS.stream(), Stream.of(BRIEF)).toList(), before, arguments);
  }

  /** The same with a virtual machine that compiles as a user's does. */
  static Child lastingVnet(List<String> before, String... arguments) {
    return vnet(FLAGS, before, arguments);
  }

  private static Child vnet(List<String> flags, List<String> before, String... arguments) {
    List<String> command = new ArrayList<>(before);
    // A test run in a shell's background has SIGINT ignored, which children inherit.
    command.addAll(List.of("env", "--default-signal=INT,TERM"));
    command.addAll(java(flags, Texts.property("java.class.path"), VnetCommand.class.getName()));
    command.addAll(List.of(arguments));
    return start(command);
  }

  /**
   * Writes a script that can be run at once. This process never has it open for writing: a child
   * that another test is just starting would have it open too, and running it would fail with
   * ETXTBSY.
   */
  static Path program(Path file, String text) {
    try {
      Path source = Files.writeString(file.resolveSibling(file.getFileName() + ".txt"), text);
      Outcome install = run(List.of("install", "-m", "755", source.toString(), file.toString()));
      if (install.exitCode() != 0) {
        throw new AssertionError("install: " + install);
      }
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The command of a virtual machine like this one. */
  static List<String> java(List<String> flags, String classPath, String mainClass) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(Texts.property("java.home"), "bin", "java").toString());
    command.addAll(flags);
    command.addAll(List.of("-cp", classPath, mainClass));
    return command;
  }

  /** Waits until it has written a line that begins so. */
  void awaitLine(String beginning) {
    await("a line \"" + beginning + "\"", () -> hasLine(beginning));
  }

  /** Waits for what it does, which fails when it has ended without doing it. */
  void await(String what, BooleanSupplier done) {
    AtomicBoolean ended = new AtomicBoolean();
    AtomicBoolean did = new AtomicBoolean();
    try {
      Awaitility.await(String.join(" ", command))
          .atMost(LIMIT)
          .until(() -> {
            // In this order: what it did before its end is seen.
            ended.set(!process.isAlive());
            did.set(done.getAsBoolean());
            return did.get() || ended.get();
          });
    } catch (ConditionTimeoutException e) {
      throw new AssertionError("no " + what + ": " + soFar(), e);
    }
    if (!did.get()) {
      throw new AssertionError("ended without " + what + ": " + soFar());
    }
  }

  private boolean hasLine(String beginning) {
    return read(out).lines().anyMatch(line -> line.startsWith(beginning));
  }

  /** Sends it a signal by name. */
  void signal(String name) {
    Outcome kill = run(List.of("kill", "-" + name, Long.toString(process.pid())));
    if (kill.exitCode() != 0) {
      throw new AssertionError("kill: " + kill);
    }
  }

  /** Waits for its end. */
  Outcome end() {
    try {
      if (!process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
        throw new AssertionError("did not end: " + soFar());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while waiting for " + command, e);
    }
    return soFar();
  }

  private Outcome soFar() {
    return new Outcome(process.isAlive() ? -1 : process.exitValue(), read(out), read(err));
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Runs a command to its end. */
  static Outcome run(List<String> command) {
    try (Child child = start(command)) {
      return child.end();
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
    process.onExit().join();
    try {
      Files.delete(out);
      Files.delete(err);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
