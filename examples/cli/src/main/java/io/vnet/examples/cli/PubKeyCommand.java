package io.vnet.examples.cli;

import io.vnet.tunnel.key.KeyPair;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Prints the public key of a private one, as {@code wg pubkey} does. */
@Command(
    name = "pubkey",
    mixinStandardHelpOptions = true,
    description = "Read a private key in base64 from standard input and print its public key.")
final class PubKeyCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @SuppressWarnings("NullAway.Init") // Fields are set by picocli.
  PubKeyCommand() {}

  @Override
  public Integer call() {
    KeyPair pair = Keys.pair(System.in);
    spec.commandLine().getOut().println(pair.publicKey().base64());
    spec.commandLine().getOut().flush();
    return 0;
  }
}
