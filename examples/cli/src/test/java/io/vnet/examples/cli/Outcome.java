package io.vnet.examples.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import picocli.CommandLine;

/**
 * What a command left.
 *
 * @param exitCode its exit code
 * @param out what it wrote to standard output
 * @param err what it wrote to standard error
 */
record Outcome(int exitCode, String out, String err) {
  /** Runs {@code vnet} in this process. */
  static Outcome ofVnet(String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    Termination termination = new Termination();
    CommandLine command =
        VnetCommand.commandLine(termination)
            .setOut(new PrintWriter(out, true))
            .setErr(new PrintWriter(err, true))
            .setColorScheme(CommandLine.Help.defaultColorScheme(CommandLine.Help.Ansi.OFF));
    int code = command.execute(arguments);
    termination.finished(code);
    return new Outcome(code, out.toString(), err.toString());
  }

  List<String> outLines() {
    return out.lines().toList();
  }

  List<String> errLines() {
    return err.lines().toList();
  }
}
