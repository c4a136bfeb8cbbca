package io.vnet.examples.cli;

import io.vnet.api.error.VnetException;
import io.vnet.tunnel.config.ConfigurationException;
import java.io.PrintWriter;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command and its subcommands. */
@Command(
    name = "vnet",
    version = VnetCommand.VERSION,
    mixinStandardHelpOptions = true,
    description = "Virtual networking on the JVM: tun and tap devices, packet streams, tunnels.",
    subcommands = {
      DemoCommand.class,
      RelayCommand.class,
      DevicesCommand.class,
      TunnelCommand.class,
      GenKeyCommand.class,
      PubKeyCommand.class,
      GenPskCommand.class,
      AutoComplete.GenerateCompletion.class
    },
    footer = {
      "",
      "Exit codes: 0 done, 1 failed, 2 wrong arguments, 78 a wrong configuration file.",
      "Shell completion: source <(./vnet generate-completion)"
    })
public final class VnetCommand implements Runnable {
  static final String VERSION = "vnet 0.1.0-SNAPSHOT";

  /** A file is wrong, and will be the next time: EX_CONFIG of sysexits.h, not to be tried again. */
  static final int CONFIGURATION = 78;

  /** Some of picocli's messages begin with it. */
  private static final String ERROR = "Error: ";

  private final Termination termination;

  @Spec private CommandSpec spec;

  @SuppressWarnings("NullAway.Init") // Fields are set by picocli.
  private VnetCommand(Termination termination) {
    this.termination = termination;
  }

  Termination termination() {
    return termination;
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a subcommand is missing");
  }

  /**
   * The command line, ready to execute.
   *
   * @param termination is armed by the commands that need it; the caller says {@link
   *     Termination#finished} after the execution
   */
  static CommandLine commandLine(Termination termination) {
    return new CommandLine(new VnetCommand(termination))
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setParameterExceptionHandler((failure, _) -> explain(failure))
        .setExecutionExceptionHandler((failure, command, _) -> {
          PrintWriter err = command.getErr();
          switch (failure) {
            case UnusableFileException unusable -> {
              err.println("vnet: " + unusable.getMessage());
              err.flush();
              return CONFIGURATION;
            }
            case VnetException _ -> {
              err.println("vnet: " + failure.getMessage());
              // What could not be undone after it.
              for (Throwable besides : failure.getSuppressed()) {
                err.println("vnet: besides: " + besides.getMessage());
              }
            }
            case ConfigurationException configuration -> {
              configuration.problems().forEach(problem -> err.println("vnet: " + problem));
              err.flush();
              return CONFIGURATION;
            }
            default -> failure.printStackTrace(err);
          }
          err.flush();
          return CommandLine.ExitCode.SOFTWARE;
        });
  }

  private static int explain(ParameterException failure) {
    CommandLine command = failure.getCommandLine();
    PrintWriter err = command.getErr();
    String message = String.valueOf(failure.getMessage());
    err.println(
        "vnet: " + (message.startsWith(ERROR) ? message.substring(ERROR.length()) : message));
    UnmatchedArgumentException.printSuggestions(failure, err);
    if (command.getParent() == null) {
      command.usage(err);
    } else {
      err.println("Help: " + command.getCommandSpec().qualifiedName() + " --help");
    }
    err.flush();
    return CommandLine.ExitCode.USAGE;
  }

  /** Runs a command and exits with its code. */
  public static void main(String... arguments) {
    Termination termination = new Termination();
    int code = CommandLine.ExitCode.SOFTWARE;
    try {
      code = commandLine(termination).execute(arguments);
    } catch (Error e) {
      e.printStackTrace(System.err);
    } finally {
      // Whatever happened: a signal waits for it.
      termination.finished(code);
    }
    System.exit(code);
  }
}
