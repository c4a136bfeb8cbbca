package io.vnet.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What {@code vnet tunnel} refuses it says in a line with the reason, and nothing has changed. */
@ExtendWith(NetworkNamespaces.class)
class TunnelRefusalsIT {
  @TempDir private Path directory;

  private static void assertRefused(
      NetworkNamespace namespace,
      List<String> before,
      String name,
      int code,
      List<String> lines,
      String... options) {
    List<String> state = TunnelLab.state(namespace);
    List<String> start = new ArrayList<>(RelayIT.inside(namespace));
    start.addAll(before);
    try (Child child =
        Child.vnet(
            start,
            Stream.concat(Stream.of("tunnel", name), Arrays.stream(options))
                .toArray(String[]::new))) {
      Outcome outcome = child.end();
      assertThat(outcome.errLines()).containsExactlyElementsOf(lines);
      assertThat(outcome.exitCode()).isEqualTo(code);
      assertThat(outcome.out()).isEmpty();
    }
    assertThat(TunnelLab.state(namespace)).isEqualTo(state);
  }

  @Test
  void all_that_is_wrong_with_a_file(NetworkNamespace here, NetworkNamespace there) {
    TunnelLab lab = new TunnelLab(here, there, directory);
    Path file =
        lab.file(
            "bad.conf",
            """
            [Interface]
            PrivateKey = abc
            ListenPort = 70000
            [Peer]
            PublicKey = %s
            AllowedIPs = 10.0.0.0/33
            Foo = 1
            """
                .formatted(lab.thereKeys.publicKey()));
    assertRefused(
        here,
        List.of(),
        TunnelLab.name(),
        78,
        List.of(
            "vnet: " + file + ":2: PrivateKey: not a key: 44 base64 characters wanted, 3 given",
            "vnet: " + file + ":3: ListenPort: not a port: 0–65535 ('70000')",
            "vnet: " + file + ":6: AllowedIPs: prefix length 33 is beyond 32 ('10.0.0.0/33')",
            "vnet: " + file + ":7: Foo: unknown key in [Peer]"),
        "--config",
        file.toString());
  }

  @Test
  void hooks_that_nobody_allowed(NetworkNamespace here, NetworkNamespace there) {
    TunnelLab lab = new TunnelLab(here, there, directory);
    Path file = lab.hereFile("PostUp = touch /tmp/never", "10.7.0.2/32");
    assertRefused(
        here,
        List.of(),
        TunnelLab.name(),
        78,
        List.of(
            "vnet: use "
                + file
                + ":4: EPERM, PostUp would run a command; read it, then allow it with"
                + " --allow-hooks, or leave it out"),
        "--config",
        file.toString());
  }

  @Test
  void a_port_that_is_taken(NetworkNamespace here, NetworkNamespace there) {
    TunnelLab lab = new TunnelLab(here, there, directory);
    String other = TunnelLab.name();
    Path file = lab.hereFile("Address = 10.7.0.1/24", "0.0.0.0/0");
    try (Child holder = TunnelLab.tunnel(here, other, "--config", file.toString())) {
      Path second = lab.thereFile("Address = 10.8.0.1/24", "10.9.0.0/16");
      String name = TunnelLab.name();
      List<String> state = TunnelLab.state(here);
      try (Child child = TunnelLab.start(here, name, "--config", second.toString())) {
        Outcome outcome = child.end();
        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.errLines())
            .singleElement()
            .asString()
            .startsWith("vnet: ")
            .contains("EADDRINUSE", "51820");
      }
      assertThat(TunnelLab.state(here)).isEqualTo(state);
      assertThat(TunnelLab.SOCKETS.resolve(name + ".sock")).doesNotExist();
      holder.signal("TERM");
      TunnelLab.assertEnded(holder, other);
    }
  }

  @Test
  void a_name_that_is_in_use_here_or_served_elsewhere(
      NetworkNamespace here, NetworkNamespace there) {
    String name = TunnelLab.name();
    try (Child holder = TunnelLab.tunnel(here, name)) {
      List<String> state = TunnelLab.state(here);
      try (Child child = TunnelLab.start(here, name)) {
        Outcome outcome = child.end();
        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.errLines())
            .singleElement()
            .asString()
            .startsWith("vnet: ")
            .contains(name, "EEXIST");
      }
      assertThat(TunnelLab.state(here)).isEqualTo(state);
      // The socket's directory is one for all namespaces.
      List<String> elsewhere = TunnelLab.state(there);
      try (Child child = TunnelLab.start(there, name)) {
        Outcome outcome = child.end();
        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.errLines())
            .singleElement()
            .asString()
            .startsWith("vnet: ")
            .contains(name + ".sock", "EADDRINUSE");
      }
      assertThat(TunnelLab.state(there)).isEqualTo(elsewhere);
      assertThat(TunnelLab.SOCKETS.resolve(name + ".sock")).exists();
      holder.signal("TERM");
      TunnelLab.assertEnded(holder, name);
    }
  }

  @Test
  void a_missing_capability(NetworkNamespace here) {
    String name = TunnelLab.name();
    assertRefused(
        here,
        List.of("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", "--"),
        name,
        1,
        List.of(
            "vnet: TUNSETIFF "
                + name
                + ": EPERM, this user may not make or attach to it; run with CAP_NET_ADMIN (root),"
                + " or have an administrator make it for you: ip tuntap add name "
                + name
                + " mode tun user $USER"));
  }

  @Test
  void a_level_and_descriptors_that_are_none(NetworkNamespace here) {
    String name = TunnelLab.name();
    // Of the level alone it would only warn.
    assertRefused(
        here,
        List.of("env", "LOG_LEVEL=loud", "WG_TUN_FD=x"),
        name,
        1,
        List.of(
            "vnet: warning: LOG_LEVEL: 'loud' is no level; set it to verbose, debug, error or"
                + " silent",
            "vnet: adopt WG_TUN_FD: EINVAL, 'x' is no descriptor's number; unset it, or hand over a"
                + " descriptor of /dev/net/tun"));
    assertRefused(
        here,
        List.of("env", "WG_UAPI_FD=x"),
        name,
        1,
        List.of(
            "vnet: adopt WG_UAPI_FD: EINVAL, 'x' is no descriptor's number; unset it, or hand over"
                + " a socket that listens"));
  }
}
