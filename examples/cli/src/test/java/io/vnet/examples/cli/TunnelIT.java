package io.vnet.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** {@code vnet tunnel} from the outside: with files, with wg and wg-quick, and its ends. */
@ExtendWith(NetworkNamespaces.class)
class TunnelIT {
  @TempDir private Path directory;

  @Test
  void two_files_make_a_tunnel_and_a_signal_leaves_nothing(
      NetworkNamespace here, NetworkNamespace there) {
    TunnelLab lab = new TunnelLab(here, there, directory);
    String near = TunnelLab.name();
    String far = TunnelLab.name();
    Path hereFile =
        lab.hereFile("Address = 10.7.0.1/24, fd07::1/64", "10.7.0.2/32, fd07::2, 10.99.0.0/16");
    Path thereFile =
        lab.thereFile("Address = 10.7.0.2/24, fd07::2/64\nMTU = 1380", "10.7.0.1/32, fd07::1");
    List<String> before = TunnelLab.state(here);
    try (Child first = TunnelLab.tunnel(here, near, "--config", hereFile.toString());
        Child second = TunnelLab.tunnel(there, far, "--config", thereFile.toString())) {
      TunnelLab.ping(here, "10.7.0.2");
      TunnelLab.ping(there, "fd07::1");
      assertThat(RelayIT.links(here)).contains(near + ":").contains("mtu 1420");
      assertThat(RelayIT.links(there)).contains("mtu 1380");
      assertThat(TunnelLab.in(here, "ip route show dev " + near))
          .contains("10.99.0.0/16", "10.7.0.0/24")
          .doesNotContain("10.7.0.2 ");
      String shown = TunnelLab.in(here, "wg show " + near);
      assertThat(shown)
          .contains(
              "interface: " + near,
              "public key: " + lab.hereKeys.publicKey(),
              "listening port: 51820",
              "peer: " + lab.thereKeys.publicKey(),
              "endpoint: 192.0.2.2:51820",
              "allowed ips: 10.7.0.2/32, fd07::2/128, 10.99.0.0/16",
              "latest handshake: ");

      first.signal("TERM");
      TunnelLab.assertEnded(first, near);
      assertThat(TunnelLab.state(here)).isEqualTo(before);
      second.signal("INT");
      TunnelLab.assertEnded(second, far);
    }
  }

  @Test
  void a_default_route_goes_through_the_tunnel_though_the_way_back_is_checked_strictly(
      NetworkNamespace here, NetworkNamespace there) {
    TunnelLab lab = new TunnelLab(here, there, directory);
    String near = TunnelLab.name();
    String far = TunnelLab.name();
    TunnelLab.in(there, "ip addr add 203.0.113.1/32 dev lo");
    TunnelLab.in(there, "ip -6 addr add 2001:db8:77::1/128 dev lo");
    Program.outputIn(here, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/out/rp_filter");
    TunnelLab.in(here, "ip route add default via 192.0.2.2 dev out");
    List<String> before = TunnelLab.state(here);
    Path hereFile = lab.hereFile("Address = 10.7.0.1/32, fd07::1/128", "0.0.0.0/0, ::/0");
    Path thereFile = lab.thereFile("Address = 10.7.0.2/32, fd07::2/128", "10.7.0.1/32, fd07::1");
    try (Child first = TunnelLab.tunnel(here, near, "--config", hereFile.toString());
        Child second = TunnelLab.tunnel(there, far, "--config", thereFile.toString())) {
      assertThat(TunnelLab.in(here, "ip rule"))
          .contains("from all lookup main suppress_prefixlength 0")
          .contains("not from all fwmark 0xca6c lookup 51820");
      assertThat(TunnelLab.in(here, "ip route get 203.0.113.1")).contains("dev " + near);
      assertThat(TunnelLab.in(here, "ip route get 192.0.2.2")).contains("dev out");
      TunnelLab.ping(here, "203.0.113.1");
      TunnelLab.ping(here, "2001:db8:77::1");
      assertThat(TunnelLab.in(here, "wg show " + near + " fwmark").strip()).isEqualTo("0xca6c");

      first.signal("TERM");
      TunnelLab.assertEnded(first, near);
      assertThat(TunnelLab.state(here)).isEqualTo(before);
      second.signal("TERM");
      TunnelLab.assertEnded(second, far);
    }
  }

  @Test
  void an_interface_that_is_deleted_ends_it_and_rules_go_too(
      NetworkNamespace here, NetworkNamespace there) {
    TunnelLab lab = new TunnelLab(here, there, directory);
    List<String> before = TunnelLab.state(here);
    String name = TunnelLab.name();
    Path file = lab.hereFile("Address = 10.7.0.1/24", "0.0.0.0/0, ::/0");
    try (Child tunnel = TunnelLab.tunnel(here, name, "--config", file.toString())) {
      TunnelLab.in(here, "ip link delete " + name);
      TunnelLab.assertEnded(tunnel, name);
      assertThat(TunnelLab.state(here)).isEqualTo(before);
    }
  }

  @Test
  void a_socket_that_is_deleted_ends_it(NetworkNamespace here, NetworkNamespace there)
      throws IOException {
    List<String> before = TunnelLab.state(here);
    String name = TunnelLab.name();
    assertThat(there).isNotNull();
    try (Child tunnel = TunnelLab.tunnel(here, name, "-f")) {
      Files.delete(TunnelLab.SOCKETS.resolve(name + ".sock"));
      TunnelLab.assertEnded(tunnel, name);
      assertThat(TunnelLab.state(here)).isEqualTo(before);
    }
  }

  @Test
  void it_follows_its_interface_down_up_and_into_another_namespace(
      NetworkNamespace here, NetworkNamespace there, NetworkNamespace room) {
    TunnelLab lab = new TunnelLab(here, there, directory);
    String near = TunnelLab.name();
    String far = TunnelLab.name();
    Path thereFile = lab.thereFile("Address = 10.7.0.2/24", "10.7.0.1/32");
    Path key = lab.file("key", lab.hereKeys.privateKey().base64() + "\n");
    try (Child first = TunnelLab.tunnel(here, near);
        Child second = TunnelLab.tunnel(there, far, "--config", thereFile.toString())) {
      TunnelLab.in(
          here,
          "wg set "
              + near
              + " private-key "
              + key
              + " listen-port 51820 peer "
              + lab.thereKeys.publicKey()
              + " allowed-ips 10.7.0.2/32 endpoint 192.0.2.2:51820");
      assertThat(sockets(here)).doesNotContain(":51820");
      TunnelLab.in(here, "ip link set " + near + " up");
      await().untilAsserted(() -> assertThat(sockets(here)).contains(":51820"));
      TunnelLab.in(here, "ip link set " + near + " down");
      await().untilAsserted(() -> assertThat(sockets(here)).doesNotContain(":51820"));

      // The sockets stay where they were made: here.
      TunnelLab.in(here, "ip link set " + near + " netns " + room.path());
      TunnelLab.in(room, "ip addr add 10.7.0.1/24 dev " + near);
      TunnelLab.in(room, "ip link set " + near + " up");
      await().untilAsserted(() -> assertThat(sockets(here)).contains(":51820"));
      TunnelLab.ping(room, "10.7.0.2");
      TunnelLab.in(room, "ip link delete " + near);
      TunnelLab.assertEnded(first, near);
      second.signal("TERM");
      TunnelLab.assertEnded(second, far);
    }
  }

  /** The UDP sockets of a namespace, as the kernel lists them, with ports in decimal. */
  private static String sockets(NetworkNamespace namespace) {
    StringBuilder text = new StringBuilder();
    for (String line :
        TunnelLab.in(namespace, "cat /proc/net/udp /proc/net/udp6").lines().skip(1).toList()) {
      String[] words = line.strip().split("\\s+", -1);
      if (words.length > 1 && words[1].indexOf(':') > 0) {
        text.append(':')
            .append(Integer.parseInt(words[1].substring(words[1].indexOf(':') + 1), 16))
            .append('\n');
      }
    }
    return text.toString();
  }

  @Test
  void a_signal_ends_it_while_it_waits_for_a_name(NetworkNamespace here, NetworkNamespace there) {
    TunnelLab lab = new TunnelLab(here, there, directory);
    List<String> before = TunnelLab.state(here);
    Path file =
        lab.file(
            "here.conf",
            """
            [Interface]
            PrivateKey = %s
            [Peer]
            PublicKey = %s
            Endpoint = nobody.answers.example:51820
            """
                .formatted(lab.hereKeys.privateKey().base64(), lab.thereKeys.publicKey()));
    List<String> start = new ArrayList<>(RelayIT.inside(here));
    start.addAll(List.of("env", "LOG_LEVEL=debug", "sh", "-c", "exec \"$@\" 2>&1", "sh"));
    try (Child tunnel =
        Child.vnet(start, "tunnel", TunnelLab.name(), "--config", file.toString())) {
      tunnel.awaitLine("INFO  i.v.t.c.EndpointResolver");
      tunnel.signal("TERM");
      Outcome end = tunnel.end();
      assertThat(end.exitCode()).as(end.toString()).isZero();
      assertThat(end.out()).contains("asking again").doesNotContain("ready");
      assertThat(TunnelLab.state(here)).isEqualTo(before);
    }
  }

  @Test
  void status_shows_peers_and_drops_once_where_there_is_no_terminal(
      NetworkNamespace here, NetworkNamespace there) {
    TunnelLab lab = new TunnelLab(here, there, directory);
    String name = TunnelLab.name();
    Path file = lab.hereFile("Address = 10.7.0.1/24", "10.7.0.2/32");
    try (Child tunnel = TunnelLab.tunnel(here, name, "--config", file.toString())) {
      // Nobody has 10.7.0.3.
      Program.runIn(here, "ping", "-n", "-q", "-c", "1", "-w", "1", "10.7.0.3");
      try (Child status = Child.vnet(List.of(), "tunnel", "status", name)) {
        Outcome shown = status.end();
        assertThat(shown.exitCode()).as(shown.toString()).isZero();
        assertThat(shown.err()).isEmpty();
        assertThat(shown.outLines().getFirst())
            .isEqualTo(name + ": public key " + lab.hereKeys.publicKey() + ", port 51820");
        assertThat(shown.outLines().get(3))
            .startsWith(lab.thereKeys.publicKey() + "  192.0.2.2:51820  never");
        assertThat(shown.outLines().get(1)).startsWith("dropped: ").contains("no peer ");
        assertThat(shown.out()).doesNotContain(lab.hereKeys.privateKey().base64());
      }
      // What it says besides nobody else minds.
      assertThat(TunnelLab.in(here, "wg show " + name)).contains("interface: " + name);
      tunnel.signal("TERM");
      TunnelLab.assertEnded(tunnel, name);
    }
  }

  @Test
  void hooks_run_where_they_are_allowed_and_the_state_is_saved(
      NetworkNamespace here, NetworkNamespace there) throws IOException {
    TunnelLab lab = new TunnelLab(here, there, directory);
    String name = TunnelLab.name();
    Path told = directory.resolve("told");
    Path file =
        lab.hereFile(
            """
            Address = 10.7.0.1/24
            SaveConfig = true
            PreUp = echo preup $(ip -o link show %%i | grep -o 'state [A-Z]*') >> %1$s
            PostUp = wg set %%i peer %2$s persistent-keepalive 7; echo postup %%i >> %1$s; echo noise
            PreDown = ip -br link show %%i | grep -o ^[^\\ ]* >> %1$s
            PostDown = ip link show %%i || echo gone >> %1$s
            """
                .formatted(told, lab.thereKeys.publicKey()),
            "10.7.0.2/32");
    try (Child tunnel =
        TunnelLab.tunnel(here, name, "--config", file.toString(), "--allow-hooks")) {
      tunnel.signal("TERM");
      Outcome end = tunnel.end();
      assertThat(end.exitCode()).as(end.toString()).isZero();
      assertThat(end.outLines()).containsExactly("ready " + name);
      assertThat(end.err()).contains("noise");
    }
    assertThat(Files.readAllLines(told))
        .containsExactly("preup state DOWN", "postup " + name, name, "gone");
    assertThat(Files.readString(file))
        .contains(
            "Address = 10.7.0.1/24",
            "SaveConfig = true",
            "PersistentKeepalive = 7",
            "PrivateKey = " + lab.hereKeys.privateKey().base64());
  }

  @Test
  void a_file_is_not_saved_without_the_interface_and_is_with_one_that_was_renamed(
      NetworkNamespace here, NetworkNamespace there) throws IOException {
    TunnelLab lab = new TunnelLab(here, there, directory);
    Path file = lab.hereFile("Address = 10.7.0.1/24\nSaveConfig = true", "10.7.0.2/32");
    String before = Files.readString(file);
    for (String gone : List.of("ip link delete ", "ip link set netns " + there.path() + " dev ")) {
      String name = TunnelLab.name();
      try (Child tunnel = TunnelLab.tunnel(here, name, "--config", file.toString())) {
        TunnelLab.in(here, gone + name);
        tunnel.signal("TERM");
        Outcome end = tunnel.end();
        assertThat(end.exitCode()).as(end.toString()).isZero();
        assertThat(end.errLines())
            .containsExactly(
                "vnet: warning: " + file + " is not saved: the interface is not here any more");
      }
      assertThat(file).hasContent(before);
    }
    String name = TunnelLab.name();
    try (Child tunnel = TunnelLab.tunnel(here, name, "--config", file.toString())) {
      TunnelLab.in(here, "ip link set " + name + " down");
      TunnelLab.in(here, "ip link set " + name + " name " + name + "x");
      tunnel.signal("TERM");
      TunnelLab.assertEnded(tunnel, name);
    }
    assertThat(Files.readString(file)).isNotEqualTo(before).contains("Address = 10.7.0.1/24");
  }

  @Test
  void resolvconf_is_told_the_servers_and_that_they_are_gone(
      NetworkNamespace here, NetworkNamespace there) throws IOException {
    TunnelLab lab = new TunnelLab(here, there, directory);
    String name = TunnelLab.name();
    Path told = directory.resolve("told");
    Path programs = Files.createDirectories(directory.resolve("programs"));
    Child.program(
        programs.resolve("resolvconf"),
        "#!/bin/sh\necho \"$@\" >> %1$s\ncat >> %1$s\n".formatted(told));
    Path file = lab.hereFile("DNS = 10.7.0.53, fd07::53, example.net", "10.7.0.2/32");
    List<String> start = new ArrayList<>(RelayIT.inside(here));
    start.addAll(List.of("env", "PATH=" + programs + ":" + System.getenv("PATH")));
    try (Child tunnel = Child.vnet(start, "tunnel", name, "--config", file.toString())) {
      tunnel.awaitLine("ready " + name);
      String up =
          "-a "
              + name
              + " -m 0 -x\nnameserver 10.7.0.53\nnameserver fd07::53\nsearch example.net\n";
      assertThat(told).hasContent(up);
      tunnel.signal("TERM");
      TunnelLab.assertEnded(tunnel, name);
      assertThat(told).hasContent(up + "-d " + name + " -f\n");
    }
  }

  @Test
  void wg_quick_brings_one_up_and_down_with_it_in_the_place_of_wireguard_go(
      NetworkNamespace here, NetworkNamespace there) throws IOException {
    TunnelLab lab = new TunnelLab(here, there, directory);
    List<String> before = TunnelLab.state(here);
    String near = TunnelLab.name();
    String far = TunnelLab.name();
    Path script = starter();
    Path hereFile = lab.hereFile("Address = 10.7.0.1/24", "10.7.0.2/32");
    Path quickFile = Files.move(hereFile, directory.resolve(near + ".conf"));
    Path thereFile = lab.thereFile("Address = 10.7.0.2/24", "10.7.0.1/32");
    try (Child second = TunnelLab.tunnel(there, far, "--config", thereFile.toString())) {
      Program up =
          Program.runIn(
              here,
              "env",
              "WG_QUICK_USERSPACE_IMPLEMENTATION=" + script,
              "wg-quick",
              "up",
              quickFile.toString());
      assertThat(up.exitCode()).as(up.output()).isZero();
      // wg-quick does not wait until the tunnel has followed its interface up.
      await().untilAsserted(() -> assertThat(sockets(here)).contains(":51820"));
      TunnelLab.ping(here, "10.7.0.2");
      assertThat(TunnelLab.in(here, "wg show " + near + " latest-handshakes"))
          .startsWith(lab.thereKeys.publicKey().base64());
      Program down = Program.runIn(here, "wg-quick", "down", quickFile.toString());
      assertThat(down.exitCode()).as(down.output()).isZero();
      await()
          .untilAsserted(
              () -> assertThat(TunnelLab.SOCKETS.resolve(near + ".sock")).doesNotExist());
      await().untilAsserted(() -> assertThat(TunnelLab.state(here)).isEqualTo(before));
      second.signal("TERM");
      TunnelLab.assertEnded(second, far);
    }
    assertThat(Files.readString(directory.resolve("log").resolve(near + ".log"))).isEmpty();
  }

  /** The launcher's script with this test's classes in the place of the packaged ones. */
  private Path starter() throws IOException {
    Path top = Files.createDirectories(directory.resolve("top"));
    Path copy =
        Child.program(
            top.resolve("vnet-wireguard"), Files.readString(Path.of("..", "..", "vnet-wireguard")));
    Child.program(
        top.resolve("vnet"),
        "#!/bin/sh\nexec "
            + String.join(
                " ",
                Child.java(
                    List.of(
                        "--enable-native-access=ALL-UNNAMED",
                        "--sun-misc-unsafe-memory-access=allow"),
                    Texts.property("java.class.path"),
                    VnetCommand.class.getName()))
            + " \"$@\"\n");
    return Child.program(
        top.resolve("wrapper"),
        "#!/bin/sh\nVNET_LOG_DIR=" + directory.resolve("log") + " exec " + copy + " \"$@\"\n");
  }

  @Test
  void the_starter_hands_on_what_went_wrong(NetworkNamespace here, NetworkNamespace there)
      throws IOException {
    assertThat(there).isNotNull();
    Path script = starter();
    Program refused = Program.runIn(here, script.toString(), "lo");
    assertThat(refused.exitCode()).isEqualTo(1);
    assertThat(refused.output()).startsWith("vnet: ").contains("lo: EEXIST");
    assertThat(Program.runIn(here, script.toString()).exitCode()).isEqualTo(2);
    assertThat(Program.runIn(here, script.toString(), "a/b").exitCode()).isEqualTo(2);
    assertThat(Program.runIn(here, script.toString(), "one", "two").exitCode()).isEqualTo(2);
    assertThat(TunnelLab.in(here, script + " --version")).startsWith("vnet ");
  }

  @Test
  void keys_are_those_of_wg(NetworkNamespace here) throws IOException {
    Path key = directory.resolve("key");
    try (Child genkey = Child.vnet(List.of(), "genkey")) {
      Outcome made = genkey.end();
      assertThat(made.exitCode()).isZero();
      Files.writeString(key, made.out());
    }
    String wanted = Program.outputIn(here, "sh", "-c", "wg pubkey < " + key);
    List<String> pubkey =
        Child.java(
            List.of("--enable-native-access=ALL-UNNAMED"),
            Texts.property("java.class.path"),
            VnetCommand.class.getName());
    String ours = Program.outputIn(here, "sh", "-c", String.join(" ", pubkey) + " pubkey < " + key);
    assertThat(ours).isEqualTo(wanted);
    // wg takes what genpsk makes: a peer's key must be 32 bytes of base64.
    Path psk = directory.resolve("psk");
    try (Child genpsk = Child.vnet(List.of(), "genpsk")) {
      Files.writeString(psk, genpsk.end().out());
    }
    assertThat(Program.outputIn(here, "sh", "-c", "wg pubkey < " + psk)).hasSize(45);
  }
}
