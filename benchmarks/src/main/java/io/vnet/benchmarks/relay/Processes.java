package io.vnet.benchmarks.relay;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.NANOSECONDS;

import io.vnet.io.netns.NetworkNamespace;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * The processes that were started here and have to end here. Only the thread that measures starts
 * any; closing is safe on any thread, and nothing can be started afterwards.
 */
final class Processes implements AutoCloseable {
  /** For what takes a moment. */
  static final Duration LIMIT = Duration.ofSeconds(30);

  private static final Duration GRACE = Duration.ofSeconds(10);

  private final Path logs;
  private final List<Process> started = new ArrayList<>();
  private boolean closed;

  /**
   * None yet.
   *
   * @param logs an existing directory for what they write
   */
  Processes(Path logs) {
    this.logs = logs;
  }

  /** Its standard output is a pipe, its standard error a file of that name. */
  Process start(String name, List<String> command) throws IOException {
    return start(new ProcessBuilder(command).redirectError(errorFile(name).toFile()));
  }

  private synchronized Process start(ProcessBuilder builder) throws IOException {
    if (closed) {
      throw new IOException("interrupted");
    }
    started.removeIf(process -> !process.isAlive());
    // ping writes its numbers as the locale wants them.
    builder.environment().put("LC_ALL", "C");
    Process process = builder.redirectInput(new File("/dev/null")).start();
    started.add(process);
    return process;
  }

  /** A failure with a variant's name and what its programs wrote to standard error. */
  IOException explained(Variant variant, IOException failure) throws IOException {
    StringBuilder all = new StringBuilder();
    for (String name : List.of(variant.name(), variant.name() + "-1", variant.name() + "-2")) {
      if (Files.exists(errorFile(name))) {
        all.append(Files.readString(errorFile(name)));
      }
    }
    String written = all.toString().strip();
    return new IOException(
        variant.title() + ": " + failure.getMessage() + (written.isEmpty() ? "" : "\n" + written),
        failure);
  }

  private Path errorFile(String name) {
    return logs.resolve(name + ".err");
  }

  /** Where a file of this run may be written. */
  Path file(String name) {
    return logs.resolve(name);
  }

  /** A command as it is started in a namespace. */
  static List<String> inside(NetworkNamespace namespace, List<String> command) {
    List<String> inside = new ArrayList<>(List.of("nsenter", "--net=" + namespace.path(), "--"));
    inside.addAll(command);
    return inside;
  }

  /** Runs a command in a namespace to its end. */
  String run(NetworkNamespace namespace, String... command)
      throws IOException, InterruptedException {
    return run(LIMIT, inside(namespace, List.of(command)));
  }

  /** Runs a command to its end, which has to come in time and be a good one. */
  String run(Duration limit, List<String> command) throws IOException, InterruptedException {
    Path output = Files.createTempFile(logs, "run", ".out");
    try {
      Process process =
          start(
              new ProcessBuilder(command)
                  .redirectErrorStream(true)
                  .redirectOutput(output.toFile()));
      boolean ended = process.waitFor(limit);
      if (!ended) {
        process.destroyForcibly().waitFor();
      }
      String written = Files.readString(output);
      if (!ended || process.exitValue() != 0) {
        throw new IOException(
            String.join(" ", command)
                + (ended ? " ended with " + process.exitValue() : " did not end in " + limit)
                + ": "
                + written.strip());
      }
      return written;
    } finally {
      Files.delete(output);
    }
  }

  /** Reads from the pipe until a line has this in it. */
  static void awaitLine(Process process, String part, Duration limit) throws IOException {
    CompletableFuture<?> watchdog =
        CompletableFuture.runAsync(
            process::destroyForcibly,
            CompletableFuture.delayedExecutor(limit.toMillis(), MILLISECONDS));
    try {
      BufferedReader lines = process.inputReader();
      String line = lines.readLine();
      while (line != null && !line.contains(part)) {
        line = lines.readLine();
      }
      if (line == null) {
        throw new IOException("ended, or did not write \"" + part + "\" in " + limit);
      }
    } finally {
      watchdog.cancel(false);
    }
  }

  synchronized boolean isClosed() {
    return closed;
  }

  /** Ends all. */
  @Override
  public void close() {
    List<Process> left;
    synchronized (this) {
      closed = true;
      left = List.copyOf(started);
    }
    end(left);
  }

  /** Asks these to end, and ends those that do not. */
  static void end(List<Process> processes) {
    processes.forEach(Process::destroy);
    long deadline = System.nanoTime() + GRACE.toNanos();
    for (Process process : processes) {
      process.onExit().completeOnTimeout(process, deadline - System.nanoTime(), NANOSECONDS).join();
      process.destroyForcibly();
      process.onExit().join();
    }
  }
}
