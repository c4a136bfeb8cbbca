package io.vnet.io.testkit;

import io.vnet.io.netns.NetworkNamespace;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * A program that has ended.
 *
 * @param exitCode 0: well
 * @param output what it wrote, errors among it
 */
public record Program(int exitCode, String output) {
  private static final int TIMEOUT_SECONDS = 60;
  private static final Pattern ANSWER = Pattern.compile("(?<=icmp_seq=)\\d+(?= ttl=)");

  /**
   * Runs a program inside a namespace and waits for its end.
   *
   * @throws AssertionError if it does not end in a minute; it is killed then
   */
  public static Program runIn(NetworkNamespace namespace, String... command) {
    List<String> inside = new ArrayList<>(List.of("nsenter", "--net=" + namespace.path(), "--"));
    inside.addAll(List.of(command));
    return run(inside);
  }

  /**
   * What a program that must end well wrote inside a namespace.
   *
   * @throws AssertionError with its output if it does not
   */
  public static String outputIn(NetworkNamespace namespace, String... command) {
    Program program = runIn(namespace, command);
    if (program.exitCode != 0) {
      throw new AssertionError(String.join(" ", command) + ": " + program);
    }
    return program.output;
  }

  /**
   * Pings until so many answers have come, of which none is missing before the last. On a busy
   * machine ping sends more meanwhile: those may be on their way when it ends.
   *
   * @param seconds between two, as a decimal number
   * @throws AssertionError if an answer is missing, or they have not come in half a minute
   */
  public static void ping(NetworkNamespace namespace, String address, int answers, String seconds) {
    String count = Integer.toString(answers);
    String output =
        outputIn(namespace, "ping", "-n", "-i", seconds, "-c", count, "-w", "30", address);
    List<Integer> answered =
        ANSWER
            .matcher(output)
            .results()
            .map(match -> Integer.valueOf(match.group()))
            .sorted()
            .toList();
    List<Integer> all = IntStream.rangeClosed(1, answered.size()).boxed().toList();
    if (answered.size() < answers || !answered.equals(all)) {
      throw new AssertionError("an answer is missing: " + output);
    }
  }

  /** Runs a program and waits for its end, as {@link #runIn} does. */
  public static Program run(List<String> command) {
    try {
      Path output = Files.createTempFile("vnet-program", ".out");
      try {
        Process process =
            new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
          if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError(
                command + " did not end; it wrote: " + Files.readString(output));
          }
        } finally {
          process.destroyForcibly();
        }
        return new Program(process.exitValue(), Files.readString(output));
      } finally {
        Files.delete(output);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while running " + command, e);
    }
  }
}
