package io.vnet.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.packet.Packet;
import java.io.File;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/** What README.md tells a reader to type works, and prints what it says. */
class ReadmeTest {
  private static final Path README = Path.of("..", "..", "README.md");
  private static final Pattern PROGRAM = Pattern.compile("(?s)```java\n(.*?)```");
  private static final Pattern CLASS_NAME = Pattern.compile("public final class (\\w+)");
  private static final Pattern PROMISE = Pattern.compile("It prints the packet.*: `([^`]+)`\\.");
  private static final Pattern FLAG = Pattern.compile("(?m)^\\| `(--[^`]+)` \\|");
  private static final Pattern COMMAND = Pattern.compile("(?m)^\\| `\\./vnet ([^`]+)` \\|");
  private static final Pattern OPTION = Pattern.compile("--[\\w-]+");

  @TempDir private Path directory;

  private static String readme() throws IOException {
    return Files.readString(README);
  }

  private static List<String> programs() throws IOException {
    return Texts.matches(PROGRAM, readme()).stream().map(block -> block.get(1)).toList();
  }

  /** Compiles a program and runs it with the flags that README names. */
  private Outcome run(String program) throws IOException {
    String name = Texts.first(CLASS_NAME, program);
    Path source = Files.writeString(directory.resolve(name + ".java"), program);
    String classPath = Texts.property("java.class.path");
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter messages = new StringWriter();
    try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
      boolean compiled =
          compiler
              .getTask(
                  messages,
                  files,
                  null,
                  List.of("-proc:none", "-cp", classPath, "-d", directory.toString()),
                  null,
                  files.getJavaFileObjects(source))
              .call();
      assertThat(compiled).as(messages.toString()).isTrue();
    }
    List<String> flags = Texts.matches(FLAG, readme()).stream().map(flag -> flag.get(1)).toList();
    assertThat(flags).hasSize(2);
    return Child.run(Child.java(flags, directory + File.pathSeparator + classPath, name));
  }

  @Test
  void there_are_three_programs() throws IOException {
    assertThat(programs()).hasSize(3);
  }

  @Test
  void the_first_program_prints_the_packet_and_what_a_destroyed_devices_reader_gets()
      throws IOException {
    String promise = Texts.first(PROMISE, readme());
    Outcome outcome = run(programs().getFirst());
    assertThat(outcome.exitCode()).as(outcome.toString()).isZero();
    assertThat(outcome.outLines())
        .containsExactly(Packet.of(new byte[] {0x45, 0, 0, 20}).toString(), promise);
    assertThat(outcome.err()).isEmpty();
  }

  @Test
  void the_second_program_prints_the_bytes_of_three_packets() throws IOException {
    Outcome outcome = run(programs().get(1));
    assertThat(outcome.exitCode()).as(outcome.toString()).isZero();
    assertThat(outcome.outLines()).containsExactly("180 bytes");
    assertThat(outcome.err()).isEmpty();
  }

  @Test
  void the_third_program_prints_the_packet_that_its_pipeline_sent_back() throws IOException {
    Outcome outcome = run(programs().get(2));
    assertThat(outcome.exitCode()).as(outcome.toString()).isZero();
    assertThat(outcome.outLines())
        .containsExactly(Packet.of(new byte[] {0x45, 0, 0, 20}).toString());
    assertThat(outcome.err()).isEmpty();
  }

  @Test
  void the_table_names_every_command_and_only_options_that_exist() throws IOException {
    CommandLine vnet = VnetCommand.commandLine(new Termination());
    List<String> named = new ArrayList<>();
    for (List<String> row : Texts.matches(COMMAND, readme())) {
      String name = row.get(1).split(" ", 2)[0];
      named.add(name);
      assertThat(vnet.getSubcommands()).containsKey(name);
      CommandSpec spec = Objects.requireNonNull(vnet.getSubcommands().get(name)).getCommandSpec();
      for (List<String> option : Texts.matches(OPTION, row.get(1))) {
        assertThat(spec.findOption(option.getFirst())).as(row.getFirst()).isNotNull();
      }
      long operands = Texts.matches(Pattern.compile(" [A-Z]+(?= |$)"), row.get(1)).size();
      assertThat(spec.positionalParameters()).as(row.getFirst()).hasSize((int) operands);
    }
    assertThat(named).containsExactly("demo", "relay", "tunnel", "devices");
  }
}
