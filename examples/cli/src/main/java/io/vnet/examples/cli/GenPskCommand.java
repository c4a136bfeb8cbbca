package io.vnet.examples.cli;

import io.vnet.tunnel.key.PresharedKey;
import java.security.SecureRandom;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Prints a new preshared key, as {@code wg genpsk} does. */
@Command(
    name = "genpsk",
    mixinStandardHelpOptions = true,
    description = "Print a new preshared key of two peers in base64.")
final class GenPskCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @SuppressWarnings("NullAway.Init") // Fields are set by picocli.
  GenPskCommand() {}

  @Override
  public Integer call() {
    byte[] bytes = new byte[PresharedKey.BYTES];
    new SecureRandom().nextBytes(bytes);
    Keys.print(spec.commandLine(), PresharedKey.of(bytes).base64());
    return 0;
  }
}
