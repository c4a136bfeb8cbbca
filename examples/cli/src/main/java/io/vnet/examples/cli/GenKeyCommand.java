package io.vnet.examples.cli;

import io.vnet.tunnel.key.KeyPair;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Prints a new private key, as {@code wg genkey} does. */
@Command(
    name = "genkey",
    mixinStandardHelpOptions = true,
    description = "Print a new private key of a tunnel in base64.")
final class GenKeyCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @SuppressWarnings("NullAway.Init") // Fields are set by picocli.
  GenKeyCommand() {}

  @Override
  public Integer call() {
    Keys.print(spec.commandLine(), KeyPair.generate().privateKey().base64());
    return 0;
  }
}
