package io.vnet.io.testkit;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** How to start this JVM and class path a second time, with other options or fewer rights. */
public final class ChildJvm {
  private ChildJvm() {}

  /**
   * A command that runs a class's main method; native access is as the options say.
   *
   * @param options of the JVM
   */
  public static List<String> command(List<String> options, Class<?> main, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(property("java.home"), "bin", "java").toString());
    // Small and quick: the machine may have few cores.
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx128m"));
    command.addAll(options);
    command.addAll(List.of("-cp", property("java.class.path"), main.getName()));
    command.addAll(List.of(arguments));
    return command;
  }

  private static String property(String name) {
    return Objects.requireNonNull(System.getProperty(name), name);
  }
}
