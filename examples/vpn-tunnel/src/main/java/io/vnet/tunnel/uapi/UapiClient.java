package io.vnet.tunnel.uapi;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.settings.TunnelStatus;
import io.vnet.tunnel.settings.ZoneNames;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.ConnectException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Asks and changes the tunnel of another program through its socket, one connection an operation.
 * Blocks until the reply; any thread that may.
 */
public final class UapiClient {
  /** Of replies, in lines: more than a tunnel with a million peers has. */
  private static final int LINES_MAX = 32 << 20;

  private final Path socket;
  private final ZoneNames zones;

  /**
   * @param socket as {@link UapiServer#path(Path, String)} gives it
   * @param zones interfaces that endpoints may name
   */
  public UapiClient(Path socket, ZoneNames zones) {
    this.socket = socket;
    this.zones = zones;
  }

  /**
   * The tunnel as it is; that it is up is not known, nor are the drops of another program's.
   *
   * @throws VnetException ENOENT: there is no such tunnel; ECONNREFUSED: its program has ended;
   *     EACCES; EIO: the reply cannot be read; or what the other program says
   */
  public TunnelStatus status() {
    List<String> reply = ask("show", UapiText.GET);
    try {
      return UapiText.parseStatus(reply, zones);
    } catch (IllegalArgumentException e) {
      throw new VnetException(
          "show", socket.toString(), Errno.EIO, String.valueOf(e.getMessage()), "", e);
    }
  }

  /**
   * Changes it.
   *
   * @throws VnetException as {@link #status}
   */
  public void change(TunnelChange change) {
    ask("configure", UapiText.change(change, zones));
  }

  private List<String> ask(String operation, String request) {
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      ByteBuffer bytes = StandardCharsets.UTF_8.encode(request);
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      BufferedReader reader =
          new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
      List<String> lines = new ArrayList<>();
      String errno = "";
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        if (line.isEmpty()) {
          check(operation, errno);
          return lines;
        }
        if (line.startsWith("errno=")) {
          errno = line;
        } else if (lines.size() < LINES_MAX) {
          lines.add(line);
        } else {
          throw new IOException("the reply does not end");
        }
      }
      throw new IOException("the reply ended early");
    } catch (IOException e) {
      throw failure(operation, e);
    }
  }

  private void check(String operation, String line) throws IOException {
    if (!line.matches("errno=-?[0-9]{1,9}")) {
      throw new IOException("the reply has no errno");
    }
    int errno = Math.abs(Integer.parseInt(line.substring("errno=".length())));
    if (errno != 0) {
      throw new VnetException(
          operation,
          socket.toString(),
          Errno.ofNumber(errno),
          "the tunnel refuses it with errno " + errno,
          "");
    }
  }

  private VnetException failure(String operation, IOException e) {
    if (e instanceof ConnectException) {
      return new VnetException(
          operation,
          socket.toString(),
          Errno.ECONNREFUSED,
          "its program has ended",
          "start the tunnel",
          e);
    }
    if (!Files.exists(socket)) {
      return new VnetException(
          operation,
          socket.toString(),
          Errno.ENOENT,
          "there is no such tunnel",
          "start it, or give another name",
          e);
    }
    if (!Files.isWritable(socket)) {
      return new VnetException(
          operation, socket.toString(), Errno.EACCES, "not permitted", "become root", e);
    }
    return new VnetException(
        operation, socket.toString(), Errno.EIO, String.valueOf(e.getMessage()), "", e);
  }
}
