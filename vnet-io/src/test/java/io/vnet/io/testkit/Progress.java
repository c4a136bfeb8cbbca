package io.vnet.io.testkit;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One line that says how far a long test is, rewritten in place; nothing if nobody watches. Maven
 * reads the tests' output through a pipe, so the terminal is the one that Maven itself writes to.
 * Safe on any thread.
 */
public final class Progress implements AutoCloseable {
  private static final int STEPS = 200;

  private final String what;
  private final long total;
  private final long stride;
  private final @Nullable OutputStream terminal;

  private Progress(String what, long total, @Nullable OutputStream terminal) {
    this.what = what;
    this.total = total;
    this.stride = Math.max(1, total / STEPS);
    this.terminal = terminal;
  }

  /** Of so many steps. */
  public static Progress of(String what, long total) {
    try {
      Optional<Path> terminal = terminal();
      return new Progress(
          what, total, terminal.isEmpty() ? null : Files.newOutputStream(terminal.get()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** This process's standard output or, if it is a fork's, that of the Java process above. */
  private static Optional<Path> terminal() throws IOException {
    Optional<ProcessHandle> process = Optional.of(ProcessHandle.current());
    for (boolean first = true; process.isPresent(); first = false) {
      ProcessHandle candidate = process.get();
      boolean java = candidate.info().command().filter(name -> name.endsWith("/java")).isPresent();
      Path output = Path.of("/proc", Long.toString(candidate.pid()), "fd", "1");
      if (java && Files.isSymbolicLink(output)) {
        Path target = Files.readSymbolicLink(output);
        if (target.startsWith("/dev/pts") || target.toString().startsWith("/dev/tty")) {
          return Optional.of(target);
        }
        if (!first) {
          return Optional.empty();
        }
      }
      process = candidate.parent();
    }
    return Optional.empty();
  }

  /** So many are done. */
  public void done(long count) {
    if (count % stride == 0) {
      show("\r" + what + ": " + count + " of " + total);
    }
  }

  private synchronized void show(String text) {
    OutputStream shown = terminal;
    if (shown != null) {
      try {
        shown.write(text.getBytes(StandardCharsets.UTF_8));
        shown.flush();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** Ends the line. */
  @Override
  public void close() {
    show("\n");
    OutputStream shown = terminal;
    if (shown != null) {
      try {
        shown.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
