package io.vnet.io.testkit;

import io.vnet.io.netns.NetworkNamespace;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A program that has ended.
 *
 * @param exitCode 0: well
 * @param output what it wrote, errors among it
 */
public record Program(int exitCode, String output) {
  private static final int TIMEOUT_SECONDS = 60;

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
