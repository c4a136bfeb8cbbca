package io.vnet.examples.cli;

import io.vnet.api.backend.HostIo;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.tunnel.config.ConfigurationFile;
import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.crypto.CryptoProviders;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Runs a WireGuard-compatible tunnel on a tun interface of the host. */
@Command(
    name = "tunnel",
    version = VnetCommand.VERSION,
    mixinStandardHelpOptions = true,
    subcommands = TunnelStatusCommand.class,
    description = {
      "Run a WireGuard tunnel on a new interface IFACE until SIGINT or SIGTERM, or until the"
          + " interface or its socket /var/run/wireguard/IFACE.sock is deleted.",
      "Without --config it is for wg and ip to configure, as wireguard-go is. With it everything in"
          + " the file is set up, as wg-quick does it, and taken back at the end."
    },
    footer = {
      "",
      "Environment: LOG_LEVEL (verbose, debug, error or silent), WG_TUN_FD and WG_UAPI_FD"
          + " (descriptors to take over), WG_TUN_NAME_FILE (gets the interface's name)."
    })
final class TunnelCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @ParentCommand private VnetCommand parent;

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "IFACE",
      description = "Name of the interface.")
  private Optional<String> name = Optional.empty();

  @Option(
      names = {"-f", "--foreground"},
      description = "Accepted as of wireguard-go; it always runs in the foreground.")
  @SuppressWarnings("UnusedVariable") // It is what happens anyway.
  private boolean foreground;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = {
        "A file of wg-quick: a path with a slash, or NAME for",
        "/etc/wireguard/NAME.conf."
      })
  private Optional<String> config = Optional.empty();

  @Option(names = "--allow-hooks", description = "Run the commands that the file names.")
  private boolean allowHooks;

  @Option(
      names = "--io",
      paramLabel = "HOW",
      defaultValue = "auto",
      description = "auto, epoll or io_uring (default: ${DEFAULT-VALUE}).")
  private HostIo io = HostIo.AUTO;

  @Option(
      names = "--crypto",
      paramLabel = "PROVIDER",
      description = "libcrypto or portable (default: the fastest that works).")
  private Optional<String> crypto = Optional.empty();

  @SuppressWarnings("NullAway.Init") // Fields are set by picocli.
  TunnelCommand() {}

  @Override
  public Integer call() throws InterruptedException {
    String interfaceName =
        name.orElseThrow(() ->
            new ParameterException(spec.commandLine(), "Missing required parameter: 'IFACE'"));
    LogLevel.set(System.getenv(), spec.commandLine().getErr());
    if (allowHooks && config.isEmpty()) {
      throw new VnetException(
          "use", "--allow-hooks", Errno.EINVAL, "there is no file with hooks", "use --config too");
    }
    Crypto provider =
        crypto.isPresent() ? CryptoProviders.named(crypto.get()) : CryptoProviders.choose();
    TunnelRun.Options options =
        new TunnelRun.Options(
            interfaceName,
            config.map(TunnelCommand::file),
            allowHooks,
            io,
            provider,
            System.getenv());
    Termination termination = parent.termination();
    termination.arm();
    return new TunnelRun(
            options, termination, spec.commandLine().getOut(), spec.commandLine().getErr())
        .run();
  }

  Termination termination() {
    return parent.termination();
  }

  private static Path file(String text) {
    // A path's file may have another name than the interface.
    return text.indexOf('/') < 0 ? ConfigurationFile.locate(text) : Path.of(text);
  }
}
