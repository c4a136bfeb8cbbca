package io.vnet.tunnel.quick;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The host's programs, by PATH and the directories of administrators' programs. */
final class HostPrograms implements Programs {
  private static final Logger LOG = LoggerFactory.getLogger(HostPrograms.class);

  /** A user's PATH often lacks them. */
  private static final List<String> ADMINISTRATORS =
      List.of("/usr/local/sbin", "/usr/sbin", "/sbin");

  private final String path;

  HostPrograms(String path) {
    this.path = path;
  }

  @Override
  public Optional<Path> find(String name) {
    return Stream.concat(Stream.of(path.split(":", -1)), ADMINISTRATORS.stream())
        .filter(directory -> directory.startsWith("/"))
        .map(directory -> Path.of(directory, name))
        .filter(file -> Files.isRegularFile(file) && Files.isExecutable(file))
        .findFirst();
  }

  @Override
  public int run(List<String> command, String input) {
    // Standard output is for results of this process; a shell can point it to standard error.
    List<String> whole = new ArrayList<>(List.of("/bin/sh", "-c", "exec \"$@\" >&2", "sh"));
    whole.addAll(command);
    ProcessBuilder builder =
        new ProcessBuilder(whole)
            .redirectOutput(ProcessBuilder.Redirect.INHERIT)
            .redirectError(ProcessBuilder.Redirect.INHERIT);
    Process process;
    try {
      process = builder.start();
    } catch (IOException e) {
      throw new VnetException(
          "run",
          command.getFirst(),
          Errno.ENOENT,
          "it cannot be started: " + e.getMessage(),
          "",
          e);
    }
    try (OutputStream to = process.getOutputStream()) {
      to.write(input.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      // It ended without reading all, which is its own affair: its exit code tells.
      LOG.debug("{} did not read all of its input", command.getFirst(), e);
    }
    try {
      return process.waitFor();
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      throw new VnetException(
          "run", command.getFirst(), Errno.EINTR, "interrupted, so it was killed", "", e);
    }
  }
}
