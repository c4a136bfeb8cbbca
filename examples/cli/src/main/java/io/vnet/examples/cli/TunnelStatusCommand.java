package io.vnet.examples.cli;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.InterfaceNames;
import io.vnet.tunnel.settings.TunnelStatus;
import io.vnet.tunnel.settings.ZoneNames;
import io.vnet.tunnel.uapi.UapiClient;
import io.vnet.tunnel.uapi.UapiServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Shows running tunnels, of vnet and of any other program with such a socket. */
@Command(
    name = "status",
    mixinStandardHelpOptions = true,
    description = {
      "Show the peers of a tunnel, or of all: endpoint, age of the last handshake, traffic, and, of"
          + " vnet's own, what was dropped and why.",
      "On a terminal it goes on until Ctrl-C, elsewhere it prints once."
    })
final class TunnelStatusCommand implements Callable<Integer> {
  private static final String SUFFIX = ".sock";
  private static final Logger LOG = LoggerFactory.getLogger(TunnelStatusCommand.class);
  private static final long INTERVAL_MILLIS = 1000;

  @Spec private CommandSpec spec;

  @ParentCommand private TunnelCommand parent;

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "IFACE",
      description = "Name of the interface (default: all).")
  private Optional<String> name = Optional.empty();

  @SuppressWarnings("NullAway.Init") // Fields are set by picocli.
  TunnelStatusCommand() {}

  @Override
  public Integer call() throws InterruptedException {
    LiveTable table = new LiveTable(spec.commandLine().getOut());
    TunnelTable tunnels = new TunnelTable();
    if (!table.isLive()) {
      table.last(tunnels.render(ask(), Instant.now(), System.nanoTime()));
      return 0;
    }
    Termination termination = parent.termination();
    termination.arm();
    follow(termination, table, tunnels);
    return 0;
  }

  /**
   * A tunnel that does not answer, stopped perhaps, is not waited for when the end is asked for.
   */
  private void follow(Termination termination, LiveTable table, TunnelTable tunnels)
      throws InterruptedException {
    Thread asking = Thread.currentThread();
    termination.requested().thenRun(asking::interrupt);
    try {
      while (!termination.isRequested()) {
        table.draw(tunnels.render(ask(), Instant.now(), System.nanoTime()));
        termination.await(INTERVAL_MILLIS);
      }
    } catch (VnetException | InterruptedException e) {
      if (!termination.isRequested()) {
        throw e;
      }
      LOG.debug("ended while a tunnel was asked", e);
    }
  }

  /** Of each tunnel what it is. */
  private Map<String, TunnelStatus> ask() {
    Map<String, TunnelStatus> found = new TreeMap<>();
    if (name.isPresent()) {
      found.put(name.get(), client(name.get()).status());
      return found;
    }
    for (String each : names()) {
      try {
        found.put(each, client(each).status());
      } catch (VnetException e) {
        // Its program has ended, now or long ago.
        if (e.errno() != Errno.ECONNREFUSED && e.errno() != Errno.ENOENT) {
          throw e;
        }
      }
    }
    return found;
  }

  private static UapiClient client(String name) {
    return new UapiClient(UapiServer.path(UapiServer.DIRECTORY, name), ZoneNames.ofThisProcess());
  }

  /** Anybody's file may be there. */
  private static boolean isName(String text) {
    try {
      InterfaceNames.check("show", text);
      return true;
    } catch (VnetException e) {
      LOG.debug("{}{} is no tunnel's", text, SUFFIX, e);
      return false;
    }
  }

  private static List<String> names() {
    List<String> names = new ArrayList<>();
    if (!Files.isDirectory(UapiServer.DIRECTORY)) {
      return names;
    }
    try (DirectoryStream<Path> files =
        Files.newDirectoryStream(UapiServer.DIRECTORY, "*" + SUFFIX)) {
      for (Path file : files) {
        String text = String.valueOf(file.getFileName());
        String each = text.substring(0, text.length() - SUFFIX.length());
        if (isName(each)) {
          names.add(each);
        }
      }
    } catch (NoSuchFileException e) {
      return names;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return names;
  }
}
