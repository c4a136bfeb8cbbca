package io.vnet.examples.cli;

import static org.awaitility.Awaitility.await;

import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.Program;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Two ends of a tunnel in namespaces of their own, which a veth pair joins; each end is vnet or
 * wireguard-go, and both are configured by the wg tool.
 */
final class TunnelPair implements AutoCloseable {
  static final int PORT = 51820;
  private static final Path SOCKETS = Path.of("/var/run/wireguard");
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final AtomicInteger NAMES = new AtomicInteger();

  private final List<End> ends = new ArrayList<>();
  private final Path directory;

  /** What runs at an end. */
  enum Kind {
    VNET,
    WIREGUARD_GO
  }

  /** One end. */
  static final class End {
    private final Kind kind;
    private final NetworkNamespace namespace;
    private final String device;
    private final int number;
    private final Path privateKey;
    private final String publicKey;
    private Child program;

    private End(Kind kind, NetworkNamespace namespace, int number, Path directory) {
      this.kind = kind;
      this.namespace = namespace;
      this.number = number;
      this.device = "vt" + ProcessHandle.current().pid() % 100_000 + "-" + NAMES.incrementAndGet();
      this.privateKey = directory.resolve(device + ".key");
      write(privateKey, Program.outputIn(namespace, "wg", "genkey"));
      this.publicKey =
          Program.outputIn(namespace, "sh", "-c", "wg pubkey < \"$0\"", privateKey.toString())
              .strip();
      this.program = started();
    }

    private Child started() {
      List<String> inside = RelayIT.inside(namespace);
      if (kind == Kind.VNET) {
        Child child = Child.lastingVnet(inside, "tunnel", device);
        child.awaitLine("ready " + device);
        return child;
      }
      List<String> command = new ArrayList<>(inside);
      command.addAll(List.of("wireguard-go", "-f", device));
      Child child = Child.start(command);
      await().atMost(LIMIT).until(() -> Files.exists(SOCKETS.resolve(device + ".sock")));
      return child;
    }

    String device() {
      return device;
    }

    NetworkNamespace namespace() {
      return namespace;
    }

    String publicKey() {
      return publicKey;
    }

    Path privateKey() {
      return privateKey;
    }

    /** Of the tunnel: {@code 10.80.0.1}, {@code fd80::1}. */
    String address(boolean v6) {
      return (v6 ? "fd80::" : "10.80.0.") + number;
    }

    /** Below the tunnel. */
    String underlay(boolean v6) {
      return (v6 ? "fd81::" : "10.81.0.") + number;
    }

    /** Runs the wg tool with this end's device put in for {@code @}. */
    String wg(String arguments) {
      return run(("wg " + arguments).replace("@", device).split(" ", -1));
    }

    String ip(String arguments) {
      return run(("ip " + arguments).replace("@", device).split(" ", -1));
    }

    String run(String... command) {
      return Program.outputIn(namespace, command);
    }

    Program ping(String address, String... options) {
      List<String> command = new ArrayList<>(List.of("ping", "-n", "-q", "-i", "0.2"));
      command.addAll(List.of(options));
      command.add(address);
      return Program.runIn(namespace, command.toArray(String[]::new));
    }

    /** The fields that {@code wg show DEVICE dump} has of the only peer. */
    List<String> peer() {
      return List.of(wg("show @ dump").lines().toList().get(1).split("\t", -1));
    }

    /** When the last handshake was complete, in seconds; 0: never. */
    long handshake() {
      return Long.parseLong(peer().get(4));
    }

    long receivedBytes() {
      return Long.parseLong(peer().get(5));
    }

    long sentBytes() {
      return Long.parseLong(peer().get(6));
    }

    /**
     * Ends the program, which takes its device along, and starts it again, without configuration.
     */
    void restart() {
      program.signal("TERM");
      Outcome outcome = program.end();
      if (outcome.exitCode() != 0) {
        throw new AssertionError(kind + ": " + outcome);
      }
      program.close();
      program = started();
    }

    /** Asks the program to end, and returns what it left. */
    Outcome end() {
      program.signal("TERM");
      return program.end();
    }
  }

  /** Starts both ends; they are up, have keys, addresses and MTU, and no peers. */
  TunnelPair(Kind near, NetworkNamespace nearNamespace, Kind far, NetworkNamespace farNamespace) {
    try {
      directory = Files.createTempDirectory("vnet-tunnels");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Program.outputIn(
        nearNamespace,
        "ip",
        "link",
        "add",
        "veth",
        "type",
        "veth",
        "peer",
        "name",
        "veth",
        "netns",
        farNamespace.path().toString());
    ends.add(new End(near, nearNamespace, 1, directory));
    ends.add(new End(far, farNamespace, 2, directory));
    for (End end : ends) {
      end.ip("address add " + end.underlay(false) + "/24 dev veth");
      // Without nodad an address of IPv6 cannot be used for a second.
      end.ip("address add " + end.underlay(true) + "/64 dev veth nodad");
      end.ip("link set veth up");
      prepare(end);
    }
  }

  /** Gives an end that was just started its key, port and addresses. */
  static void prepare(End end) {
    end.wg("set @ listen-port " + PORT + " private-key " + end.privateKey);
    end.ip("address add " + end.address(false) + "/24 dev @");
    end.ip("link set @ mtu 1420 up");
    end.ip("address add " + end.address(true) + "/64 dev @ nodad");
  }

  End near() {
    return ends.get(0);
  }

  End far() {
    return ends.get(1);
  }

  /** Makes each the other's peer; only the near end knows where the other one is. */
  void join(boolean v6Underlay, String options) {
    introduce(far(), near(), options);
    introduce(near(), far(), options);
    near().wg("set @ peer " + far().publicKey + " endpoint " + endpoint(far(), v6Underlay, PORT));
  }

  /** Makes an end know another as peer. */
  static void introduce(End end, End other, String options) {
    end.wg(
        "set @ peer "
            + other.publicKey
            + " allowed-ips "
            + other.address(false)
            + "/32,"
            + other.address(true)
            + "/128"
            + (options.isEmpty() ? "" : " " + options));
  }

  static String endpoint(End end, boolean v6, int port) {
    return (v6 ? "[" + end.underlay(true) + "]" : end.underlay(false)) + ":" + port;
  }

  /** A file with this text, for the wg tool. */
  Path file(String name, String text) {
    Path file = directory.resolve(name);
    write(file, text);
    return file;
  }

  private static void write(Path file, String text) {
    try {
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    for (End end : ends) {
      end.program.close();
      try {
        // A program that was killed leaves it.
        Files.deleteIfExists(SOCKETS.resolve(end.device + ".sock"));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    try (var files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
      Files.delete(directory);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
