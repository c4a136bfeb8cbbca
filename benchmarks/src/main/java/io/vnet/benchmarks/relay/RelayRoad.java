package io.vnet.benchmarks.relay;

import io.vnet.io.netns.NetworkNamespace;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * A relay in a namespace between the client's and the server's. It makes both devices in its own,
 * from where they are moved; its descriptors stay with them.
 *
 * <p>The namespaces have no names: they end with the last descriptor and process, however this
 * process ends.
 */
final class RelayRoad implements Road {
  /** The device that goes to the client's namespace. */
  static final String NEAR = "tunA";

  /** The device that goes to the server's namespace. */
  static final String FAR = "tunB";

  private final NetworkNamespace near;
  private final NetworkNamespace far;
  private final NetworkNamespace middle;
  private final Process relay;

  private RelayRoad(List<NetworkNamespace> namespaces, Process relay) {
    near = namespaces.get(0);
    far = namespaces.get(1);
    middle = namespaces.get(2);
    this.relay = relay;
  }

  /** The variant's program makes {@link #NEAR} and {@link #FAR} and says that it is ready. */
  static Road open(Variant variant, Processes processes) throws IOException, InterruptedException {
    List<NetworkNamespace> namespaces = new ArrayList<>();
    try {
      for (int i = 0; i < 3; i++) {
        namespaces.add(NetworkNamespace.create());
      }
      Process relay =
          processes.start(variant.name(), Processes.inside(namespaces.get(2), variant.command()));
      RelayRoad road = new RelayRoad(namespaces, relay);
      Processes.awaitLine(relay, variant.ready(), Processes.LIMIT);
      // The server's side first: what the client's side sends meets a device that is up.
      road.move(processes, FAR, road.far, FAR_ADDRESS);
      road.move(processes, NEAR, road.near, NEAR_ADDRESS);
      return road;
    } catch (IOException | InterruptedException | RuntimeException e) {
      namespaces.forEach(NetworkNamespace::close);
      throw e;
    }
  }

  private void move(Processes processes, String device, NetworkNamespace namespace, String address)
      throws IOException, InterruptedException {
    processes.run(middle, "ip", "link", "set", device, "netns", namespace.path().toString());
    Road.place(processes, namespace, device, address);
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
    return List.of(relay);
  }

  /** The relay must not see its devices vanish. */
  @Override
  public void close() {
    Processes.end(List.of(relay));
    near.close();
    far.close();
    middle.close();
  }
}
