package io.vnet.tunnel.quick;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/** Variables as files of procfs: each has that of the namespace of the thread that opens it. */
final class ProcSysctl implements Sysctl {
  private final Path root;

  ProcSysctl(Path root) {
    this.root = root;
  }

  @Override
  public Optional<String> get(String name) {
    try {
      return Optional.of(Files.readString(root.resolve(name)).strip());
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw failure("read", name, e);
    }
  }

  @Override
  public void set(String name, String value) {
    try {
      Files.writeString(root.resolve(name), value + "\n");
    } catch (IOException e) {
      throw failure("set", name, e);
    }
  }

  private static VnetException failure(String operation, String name, IOException cause) {
    return new VnetException(
        operation,
        "sysctl " + name.replace('/', '.'),
        Errno.EACCES,
        String.valueOf(cause.getMessage()),
        "run as root where /proc/sys can be written, or set it before",
        cause);
  }
}
