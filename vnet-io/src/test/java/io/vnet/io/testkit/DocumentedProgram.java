package io.vnet.io.testkit;

import io.vnet.io.netns.NetworkNamespace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The first program of a page in {@code docs}, and what the page says that it prints.
 *
 * @param source of one class
 * @param output as the page has it
 */
public record DocumentedProgram(String source, String output) {
  private static final Pattern PROGRAM =
      Pattern.compile("(?s)```java\n(.*?)```.*?it prints:\n\n```\n(.*?)```");

  /**
   * That of a page.
   *
   * @throws AssertionError if it has none
   */
  public static DocumentedProgram of(String page) throws IOException {
    Matcher found = PROGRAM.matcher(Files.readString(Path.of("..", "docs", page)));
    if (!found.find()) {
      throw new AssertionError(page + " has no program");
    }
    return new DocumentedProgram(
        Objects.requireNonNull(found.group(1)), Objects.requireNonNull(found.group(2)));
  }

  /** Compiles and runs it inside a namespace; what it prints. */
  public String runIn(NetworkNamespace namespace, Path directory) throws IOException {
    Path file = directory.resolve("Program.java");
    Files.writeString(file, source);
    Path logging = directory.resolve("logback.xml");
    Files.writeString(logging, "<configuration><root level=\"OFF\"/></configuration>");
    return Program.outputIn(
        namespace,
        Path.of(property("java.home"), "bin", "java").toString(),
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        "-Dlogback.configurationFile=" + logging,
        "-cp",
        property("java.class.path"),
        file.toString());
  }

  private static String property(String name) {
    return Objects.requireNonNull(System.getProperty(name), name);
  }
}
