package io.vnet.benchmarks.relay;

import io.vnet.io.netns.NetworkNamespace;
import io.vnet.tunnel.key.PublicKey;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Two programs, a WireGuard tunnel's ends, in namespaces that a veth pair joins. Both are
 * configured by the wg tool; each serves its socket under a name of its own, as those are files
 * that namespaces share.
 */
final class TunnelRoad implements Road {
  private static final String NEAR_UNDERLAY = "10.79.0.1";
  private static final String FAR_UNDERLAY = "10.79.0.2";
  private static final int PORT = 51820;

  /** What a packet of the tunnel's MTU has around it over IPv4 fits twice over. */
  private static final int UNDERLAY_MTU = 1500;

  private static final AtomicInteger NAMES = new AtomicInteger();

  private final NetworkNamespace near;
  private final NetworkNamespace far;
  private final List<Process> programs = new ArrayList<>();

  private @Nullable PublicKey farKey;

  private TunnelRoad(NetworkNamespace near, NetworkNamespace far) {
    this.near = near;
    this.far = far;
  }

  /** One end, before and after its program runs. */
  private record End(
      NetworkNamespace namespace, String device, Path privateKey, String publicKey) {}

  /**
   * The variant's program is started once a side, makes the device that its last argument names,
   * and serves its socket when it says that it is ready.
   *
   * @param idlePeers how many peers each side has besides the one that it talks to
   */
  static Layout withIdlePeers(int idlePeers) {
    return (variant, processes) -> open(variant, processes, idlePeers);
  }

  private static Road open(Variant variant, Processes processes, int idlePeers)
      throws IOException, InterruptedException {
    List<NetworkNamespace> namespaces = new ArrayList<>();
    try {
      namespaces.add(NetworkNamespace.create());
      namespaces.add(NetworkNamespace.create());
      TunnelRoad road = new TunnelRoad(namespaces.get(0), namespaces.get(1));
      road.lay(variant, processes, idlePeers);
      return road;
    } catch (IOException | InterruptedException | RuntimeException e) {
      namespaces.forEach(NetworkNamespace::close);
      throw e;
    }
  }

  private void lay(Variant variant, Processes processes, int idlePeers)
      throws IOException, InterruptedException {
    processes.run(
        near,
        "ip",
        "link",
        "add",
        "veth",
        "mtu",
        Integer.toString(UNDERLAY_MTU),
        "type",
        "veth",
        "peer",
        "name",
        "veth",
        "mtu",
        Integer.toString(UNDERLAY_MTU),
        "netns",
        far.path().toString());
    underlay(processes, near, NEAR_UNDERLAY);
    underlay(processes, far, FAR_UNDERLAY);
    End nearEnd = start(variant, processes, near);
    End farEnd = start(variant, processes, far);
    farKey = PublicKey.fromBase64(farEnd.publicKey());
    configure(processes, farEnd, FAR_ADDRESS, nearEnd, NEAR_ADDRESS, NEAR_UNDERLAY, idlePeers);
    configure(processes, nearEnd, NEAR_ADDRESS, farEnd, FAR_ADDRESS, FAR_UNDERLAY, idlePeers);
  }

  private static void underlay(Processes processes, NetworkNamespace namespace, String address)
      throws IOException, InterruptedException {
    processes.run(namespace, "ip", "link", "set", "veth", "addrgenmode", "none");
    processes.run(namespace, "ip", "address", "add", address + "/24", "dev", "veth");
    processes.run(namespace, "ip", "link", "set", "veth", "up");
  }

  private End start(Variant variant, Processes processes, NetworkNamespace namespace)
      throws IOException, InterruptedException {
    String device = "vb" + ProcessHandle.current().pid() + "-" + NAMES.incrementAndGet();
    List<String> command = new ArrayList<>(variant.command());
    command.add(device);
    Process program =
        processes.start(
            variant.name() + "-" + (programs.size() + 1), Processes.inside(namespace, command));
    programs.add(program);
    Processes.awaitLine(program, variant.ready(), Processes.LIMIT);
    Path key = processes.file(device + ".key");
    Files.writeString(key, processes.run(Processes.LIMIT, List.of("wg", "genkey")));
    Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-------"));
    String publicKey =
        processes.run(Processes.LIMIT, List.of("sh", "-c", "wg pubkey < \"$0\"", key.toString()));
    return new End(namespace, device, key, publicKey.strip());
  }

  private static void configure(
      Processes processes,
      End end,
      String address,
      End other,
      String otherAddress,
      String otherUnderlay,
      int idlePeers)
      throws IOException, InterruptedException {
    StringBuilder file = new StringBuilder();
    file.append("[Interface]\nListenPort = " + PORT + "\nPrivateKey = ");
    file.append(Files.readString(end.privateKey()).strip());
    file.append("\n[Peer]\nPublicKey = ").append(other.publicKey());
    file.append("\nEndpoint = ").append(otherUnderlay).append(':').append(PORT);
    file.append("\nAllowedIPs = ").append(otherAddress).append("/32\n");
    // Always the same ones; each has an address of 10.128.0.0/9.
    Random random = new Random(1);
    byte[] key = new byte[32];
    for (int i = 0; i < idlePeers; i++) {
      random.nextBytes(key);
      file.append("[Peer]\nPublicKey = ").append(Base64.getEncoder().encodeToString(key));
      file.append("\nAllowedIPs = 10.").append(128 + (i >> 16)).append('.').append(i >> 8 & 255);
      file.append('.').append(i & 255).append("/32\n");
    }
    Path configuration = processes.file(end.device() + ".conf");
    Files.writeString(configuration, file);
    NetworkNamespace namespace = end.namespace();
    processes.run(namespace, "wg", "setconf", end.device(), configuration.toString());
    Road.place(processes, namespace, end.device(), address);
  }

  /** The key of the server's side. */
  PublicKey farKey() {
    return Objects.requireNonNull(farKey, "farKey");
  }

  /**
   * Where the server's side is reached below the tunnel.
   *
   * @param open whether at the tunnel's port; else at one where nobody is
   */
  InetSocketAddress farPort(boolean open) {
    return new InetSocketAddress(FAR_UNDERLAY, open ? PORT : PORT + 1);
  }

  @Override
  public NetworkNamespace near() {
    return near;
  }

  @Override
  public NetworkNamespace far() {
    return far;
  }

  @Override
  public List<Process> programs() {
    return List.copyOf(programs);
  }

  @Override
  public void close() {
    Processes.end(programs);
    near.close();
    far.close();
  }
}
