package io.vnet.examples.cli;

import io.vnet.api.error.VnetException;
import java.io.PrintWriter;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The command and its subcommands. */
@Command(
    name = "vnet",
    version = "vnet 0.1.0-SNAPSHOT",
    mixinStandardHelpOptions = true,
    description = "Virtual networking on the JVM: tun and tap devices, packet streams, tunnels.",
    subcommands = {
      DemoCommand.class,
      RelayCommand.class,
      DevicesCommand.class,
      AutoComplete.GenerateCompletion.class
    },
    footer = {
      "",
      "Exit codes: 0 done, 1 failed, 2 wrong arguments.",
      "Shell completion: source <(./vnet generate-completion)"
    })
public final class VnetCommand implements Runnable {
  @Spec private CommandSpec spec;

  /** Made by picocli. */
  @SuppressWarnings("NullAway.Init") // Fields are set by picocli.
  public VnetCommand() {}

  @Override
  public void run() {
    throw new CommandLine.ParameterException(spec.commandLine(), "a subcommand is missing");
  }

  /** The command line, ready to execute. */
  static CommandLine commandLine() {
    return new CommandLine(new VnetCommand())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setExecutionExceptionHandler((failure, command, _) -> {
          PrintWriter err = command.getErr();
          if (failure instanceof VnetException) {
            err.println("vnet: " + failure.getMessage());
          } else {
            failure.printStackTrace(err);
          }
          err.flush();
          return CommandLine.ExitCode.SOFTWARE;
        });
  }

  /** Runs a command and exits with its code. */
  public static void main(String... arguments) {
    System.exit(commandLine().execute(arguments));
  }
}
