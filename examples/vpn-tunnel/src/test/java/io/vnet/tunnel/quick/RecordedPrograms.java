package io.vnet.tunnel.quick;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Programs that only remember that they ran. One thread. */
final class RecordedPrograms implements Programs {
  private final List<String> runs = new ArrayList<>();
  private final Map<String, Integer> codes = new HashMap<>();
  private final List<String> missing = new ArrayList<>();

  /** A program that is not installed. */
  RecordedPrograms without(String name) {
    missing.add(name);
    return this;
  }

  /** A command that ends so. */
  RecordedPrograms failing(String command, int code) {
    codes.put(command, code);
    return this;
  }

  /** Each as {@code program arguments < input}. */
  List<String> runs() {
    return runs;
  }

  @Override
  public Optional<Path> find(String name) {
    return missing.contains(name) ? Optional.empty() : Optional.of(Path.of("/bin", name));
  }

  @Override
  public int run(List<String> command, String input) {
    String line = String.join(" ", command);
    runs.add(input.isEmpty() ? line : line + " < " + input.replace("\n", ";"));
    return codes.getOrDefault(line, 0);
  }
}
