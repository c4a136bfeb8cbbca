package io.vnet.tunnel.quick;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Runs other programs. Safe on any thread that may block. */
public interface Programs {
  /** Where a program is, if it is installed. */
  Optional<Path> find(String name);

  /**
   * Runs a program and waits for its end. What it writes goes to this process's standard error.
   *
   * @param command the program and its arguments
   * @param input what it reads; empty: nothing
   * @return its exit code
   * @throws io.vnet.api.error.VnetException ENOENT: it cannot be started; EINTR: the thread was
   *     interrupted, and the program killed
   */
  int run(List<String> command, String input);

  /** Those of this host. */
  static Programs ofHost() {
    return new HostPrograms(System.getenv().getOrDefault("PATH", ""));
  }
}
