package io.vnet.actors.race;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.device.DriverActor;
import io.vnet.actors.device.HostActor;
import io.vnet.actors.device.Node;
import io.vnet.actors.device.SoftcActor;
import io.vnet.actors.device.VnetActor;
import io.vnet.actors.memory.MemoryBackend;
import io.vnet.actors.sim.Scene;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceId;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.api.device.NetworkEnd;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What a race is about: one device {@code tun0}, who holds it, and who sits at its network end. */
final class Cast {
  static final String NAME = "tun0";
  static final String OTHER_VNET = "blue";

  private static final String SETTING = "setting";
  private static final Packet PACKET = Packet.of(new byte[] {0x45, 0, 0, 1});

  private final Scene scene;
  private final List<DeviceHandle> handles = new ArrayList<>();
  private final List<NetworkEnd> networks = new ArrayList<>();
  private @Nullable DeviceId device;
  private long waiter;
  private long writesDropped;

  Cast(Scene scene) {
    this.scene = scene;
  }

  Scene scene() {
    return scene;
  }

  DeviceId device() {
    return Objects.requireNonNull(device);
  }

  DeviceHandle holder() {
    return handles.getFirst();
  }

  NetworkEnd network() {
    return networks.getFirst();
  }

  void takes(DeviceHandle handle) {
    handles.add(handle);
  }

  /** A packet of the handle's, not of the network's, was dropped. */
  void countsDroppedWrite() {
    writesDropped++;
  }

  /** The number of the destroy that a signal is for. */
  long waiter() {
    if (waiter == 0) {
      waiter = scene.nextNumber();
    }
    return waiter;
  }

  /** An in-memory device, or one with a simulated host backend. */
  Cast creates(boolean onHost, boolean transientDevice, String vnet) {
    scene.<VnetActor.CreateReply>request(
        SETTING,
        "create",
        reply ->
            assertThat(
                    scene.tellVnet(
                        vnet, new VnetActor.Create(spec(onHost, transientDevice), reply)))
                .isTrue(),
        reply -> device = ((VnetActor.Created) reply).device(),
        () -> {});
    scene.rest();
    assertThat(device).hasToString(NAME);
    return this;
  }

  static DeviceSpec spec(boolean onHost, boolean transientDevice) {
    DeviceSpec memory = DeviceSpec.of(NAME).withTransient(transientDevice);
    return onHost ? memory.withHost(HostBacking.create()) : memory;
  }

  Cast memory() {
    return creates(false, false, HostActor.VNET0);
  }

  Cast onHost() {
    return creates(true, false, HostActor.VNET0);
  }

  Cast transientMemory() {
    return creates(false, true, HostActor.VNET0);
  }

  Cast withOtherVnet() {
    scene.createVnet(OTHER_VNET);
    return this;
  }

  Cast open() {
    pointer()
        .softc()
        .tell(
            new SoftcActor.Open(
                scene.nextNumber(), 1, reply -> takes(((SoftcActor.Opened) reply).handle())));
    scene.rest();
    return this;
  }

  Cast attached() {
    networks.add(((MemoryBackend) pointer().backend()).attach());
    return this;
  }

  Cast withPacketQueued() {
    assertThat(network().send(packet(), 0)).isEqualTo(1);
    return this;
  }

  PacketBatch packet() {
    PacketBatch batch = scene.batch();
    batch.append(PACKET);
    return batch;
  }

  Optional<Node> node() {
    return scene.find(NAME).filter(node -> node.id().equals(device));
  }

  private Node.Softc pointer() {
    return (Node.Softc) node().orElseThrow().pointer();
  }

  /** Loads the pointer in this step and uses it in the next, in one section; or ENXIO. */
  void withPointer(Role me, Consumer<Node.Softc> use) {
    Runnable leave = scene.section(me.lane(), device());
    Optional<Node> node = node();
    if (node.isPresent() && node.get().pointer() instanceof Node.Softc softc) {
      me.step(() -> {
        use.accept(softc);
        leave.run();
      });
    } else {
      leave.run();
      me.answer("ENXIO");
    }
  }

  /** Whoever holds something lets it go. */
  void goesHome() {
    handles.forEach(DeviceHandle::close);
    scene.rest();
  }

  /** After everybody went home: no packet was lost without a reason, none was delivered twice. */
  void checkPackets() {
    long fromNetworks = 0;
    long accounted = 0;
    for (NetworkEnd network : networks) {
      fromNetworks += network.counters().sentPackets();
      accounted += network.counters().dropped(DropReason.FLUSHED_AT_CLOSE);
    }
    for (DeviceHandle handle : handles) {
      accounted += handle.counters().receivedPackets() + handle.counters().dropped();
    }
    accounted -= writesDropped;
    assertThat(accounted)
        .as("packets of the network that were accounted for")
        .isEqualTo(fromNetworks);
    networks.forEach(NetworkEnd::close);
  }

  /** The driver and the vnet as the facade finds them. */
  void tellDriver(DriverActor.Command command) {
    scene.driver(device().name().driver()).tell(command);
  }

  /** Tells the vnet that has the interface now. */
  boolean tellVnetOfDevice(VnetActor.Command command) {
    return node().map(Node::vnet).filter(vnet -> scene.tellVnet(vnet, command)).isPresent();
  }
}
