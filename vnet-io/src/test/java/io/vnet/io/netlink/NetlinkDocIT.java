package io.vnet.io.netlink;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The program of docs/netlink.md compiles, and prints what is said there. */
@ExtendWith(NetworkNamespaces.class)
class NetlinkDocIT {
  private static final Pattern PROGRAM =
      Pattern.compile("(?s)```java\n(.*?)```.*?it prints:\n\n```\n(.*?)```");

  @TempDir private Path directory;

  @Test
  void the_program_does_what_the_page_says(NetworkNamespace namespace) throws IOException {
    Matcher found = PROGRAM.matcher(Files.readString(Path.of("..", "docs", "netlink.md")));
    assertThat(found.find()).isTrue();
    Path source = directory.resolve("Uplink.java");
    Files.writeString(source, Objects.requireNonNull(found.group(1)));
    String output =
        Program.outputIn(
            namespace,
            Path.of(property("java.home"), "bin", "java").toString(),
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            property("java.class.path"),
            source.toString());
    assertThat(output).isEqualTo(found.group(2));
  }

  private static String property(String name) {
    return Objects.requireNonNull(System.getProperty(name), name);
  }
}
