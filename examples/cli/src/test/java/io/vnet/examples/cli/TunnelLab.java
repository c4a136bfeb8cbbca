package io.vnet.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.Program;
import io.vnet.tunnel.key.KeyPair;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/**
 * Two namespaces that a veth pair joins, 192.0.2.1 and 2001:db8::1 here and .2 and ::2 there, and
 * names for interfaces that nobody else on this machine has: sockets of tunnels are in one
 * directory for all namespaces.
 */
final class TunnelLab {
  static final Path SOCKETS = Path.of("/var/run/wireguard");
  private static final AtomicInteger NAMES = new AtomicInteger();

  final NetworkNamespace here;
  final NetworkNamespace there;
  final KeyPair hereKeys = KeyPair.generate();
  final KeyPair thereKeys = KeyPair.generate();
  private final Path directory;

  TunnelLab(NetworkNamespace here, NetworkNamespace there, Path directory) {
    this.here = here;
    this.there = there;
    this.directory = directory;
    in(here, "ip link add out type veth peer name out netns " + there.path());
    int number = 1;
    for (NetworkNamespace namespace : List.of(here, there)) {
      in(namespace, "ip addr add 192.0.2." + number + "/24 dev out");
      in(namespace, "ip addr add 2001:db8::" + number + "/64 dev out nodad");
      in(namespace, "ip link set out up");
      number++;
    }
    // The kernel acts on a carrier a moment later.
    for (NetworkNamespace namespace : List.of(here, there)) {
      await()
          .untilAsserted(
              () -> assertThat(in(namespace, "ip -br link show out")).contains(" UP ", "LOWER_UP"));
    }
  }

  static String name() {
    return "vq" + ProcessHandle.current().pid() % 100_000 + "-" + NAMES.incrementAndGet();
  }

  static String in(NetworkNamespace namespace, String command) {
    return Program.outputIn(namespace, command.split(" ", -1));
  }

  /** Writes a file that only its owner may read. */
  Path file(String name, String text) {
    try {
      Path file = Files.writeString(directory.resolve(name), text);
      return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A file of this side, whose peer is the other one. */
  Path hereFile(String lines, String allowedIps) {
    return file("here.conf", text(hereKeys, thereKeys, lines, allowedIps, "192.0.2.2:51820"));
  }

  Path thereFile(String lines, String allowedIps) {
    return file("there.conf", text(thereKeys, hereKeys, lines, allowedIps, "192.0.2.1:51820"));
  }

  private static String text(
      KeyPair own, KeyPair peer, String lines, String allowedIps, String endpoint) {
    return """
    [Interface]
    PrivateKey = %s
    ListenPort = 51820
    %s
    [Peer]
    PublicKey = %s
    AllowedIPs = %s
    Endpoint = %s
    """
        .formatted(
            own.privateKey().base64(), lines, peer.publicKey().base64(), allowedIps, endpoint);
  }

  /** A tunnel that is ready. */
  static Child tunnel(NetworkNamespace namespace, String name, String... options) {
    Child child = start(namespace, name, options);
    child.awaitLine("ready " + name);
    return child;
  }

  static Child start(NetworkNamespace namespace, String name, String... options) {
    return Child.vnet(
        RelayIT.inside(namespace),
        Stream.concat(Stream.of("tunnel", name), Arrays.stream(options)).toArray(String[]::new));
  }

  /** The first answer may take a repeated handshake; then there are no losses. */
  static void ping(NetworkNamespace namespace, String address) {
    Program.outputIn(namespace, "ping", "-n", "-q", "-c", "1", "-w", "20", address);
    Program.ping(namespace, address, 3, "0.2");
  }

  /** Links, addresses, routes and rules, without what the kernel makes by itself and later. */
  static List<String> state(NetworkNamespace namespace) {
    List<String> lines = new ArrayList<>();
    for (String what :
        List.of(
            "ip -br link",
            "ip -br addr",
            "ip route show table all",
            "ip -6 route show table all",
            "ip rule",
            "ip -6 rule")) {
      in(namespace, what)
          .lines()
          .filter(line -> !line.contains("proto kernel"))
          .map(line -> line.replaceAll(" fe80::\\S+", "").stripTrailing())
          .forEach(lines::add);
    }
    for (String variable : List.of("src_valid_mark", "rp_filter")) {
      lines.add(variable + " " + in(namespace, "cat /proc/sys/net/ipv4/conf/all/" + variable));
    }
    return lines;
  }

  static void assertEnded(Child tunnel, String name) {
    Outcome end = tunnel.end();
    assertThat(end.exitCode()).as(end.toString()).isZero();
    // With a default route it warns that it makes no firewall.
    assertThat(end.errLines())
        .allMatch(line -> line.contains(name + ": no firewall rules are made"))
        .hasSizeLessThan(2);
    assertThat(end.outLines()).containsExactly("ready " + name);
    assertThat(SOCKETS.resolve(name + ".sock")).doesNotExist();
  }
}
