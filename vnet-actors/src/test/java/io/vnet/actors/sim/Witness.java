package io.vnet.actors.sim;

import io.vnet.actors.device.Node;
import io.vnet.actors.device.NodeTable;
import io.vnet.api.device.DeviceEvent;
import io.vnet.api.device.DeviceId;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Sees each life-cycle event in the step in which it happens and holds what must always be true:
 * one live device a unit, one teardown a device and in its order, no open after the sentinel or
 * while dying, a cancel only while busy, nothing released while a reader holds it, no device lost
 * without a fault.
 */
final class Witness implements Consumer<DeviceEvent> {
  private final NodeTable nodes;
  private final Consumer<String> report;
  private final Map<DeviceId, Life> lives = new LinkedHashMap<>();
  private final Map<String, DeviceId> owners = new HashMap<>();
  private final Map<Section, DeviceId> holders = new LinkedHashMap<>();
  private final Set<String> faults = new HashSet<>();
  private final Map<DeviceEvent.Kind, Long> counts = new EnumMap<>(DeviceEvent.Kind.class);

  private boolean failing;
  private boolean failed;

  /** One device. */
  private static final class Life {
    final EnumSet<DeviceEvent.Kind> seen = EnumSet.noneOf(DeviceEvent.Kind.class);
    Optional<Node.Softc> softc = Optional.empty();
    boolean open;
    int waiting;
  }

  /**
   * @param nodes the host's names
   * @param report takes what is wrong
   */
  Witness(NodeTable nodes, Consumer<String> report) {
    this.nodes = nodes;
    this.report = report;
  }

  /** A reader has loaded this device's pointer, or found its handle open, inside its section. */
  void holds(Section section, DeviceId device) {
    holders.put(section, device);
  }

  /** The reader leaves its section. */
  void lets(Section section) {
    holders.remove(section);
  }

  /** A fault was injected into a device of that name: it may be lost from here on. */
  void fault(String name) {
    faults.add(name);
  }

  /** The pointer that was published for a device; also when it is not in the node any more. */
  Optional<Node.Softc> softc(DeviceId device) {
    Life life = lives.get(device);
    return life == null ? Optional.empty() : life.softc;
  }

  /** The live device of that name whose pointer was published. */
  Optional<DeviceId> published(String name) {
    return Optional.ofNullable(owners.get(name)).filter(owner -> softc(owner).isPresent());
  }

  boolean released(DeviceId device) {
    Life life = lives.get(device);
    return life != null && life.seen.contains(DeviceEvent.Kind.RELEASED);
  }

  /** How often each event was seen. */
  Map<DeviceEvent.Kind, Long> counts() {
    return counts;
  }

  /** After the host has ended: every device that began has gone. */
  void checkEnd() {
    lives.forEach((device, life) -> {
      if (life.seen.contains(DeviceEvent.Kind.OPENS_REFUSED)
          || life.seen.contains(DeviceEvent.Kind.CREATED)) {
        require(
            life,
            device,
            failed ? DeviceEvent.Kind.RELEASED : DeviceEvent.Kind.UNIT_FREED,
            "the end of the host");
      }
    });
    if (!failed && !owners.isEmpty()) {
      report.accept("units are owned after the end of the host: " + owners);
    }
    if (!nodes.all().isEmpty()) {
      report.accept(
          "names are bound after the end of the host: "
              + nodes.all().stream().map(Node::id).toList());
    }
    if (!holders.isEmpty()) {
      report.accept("sections after the end: " + holders);
    }
  }

  /** The host is about to fail: devices may be lost from here on. */
  void hostFails() {
    failing = true;
  }

  /** The host has failed: all its devices are lost, and released. */
  void hostFailed() {
    failed = true;
  }

  /** Whether somebody holds the device, or it is being renamed, as its softc sees it. */
  private boolean busy(DeviceId device) {
    return nodes
        .find(device.toString())
        .filter(node -> node.id().equals(device))
        .flatMap(Node::state)
        .filter(state -> state.busy() > 0)
        .isPresent();
  }

  @Override
  public void accept(DeviceEvent event) {
    counts.merge(event.kind(), 1L, Long::sum);
    DeviceId device = event.device();
    Life life = lives.computeIfAbsent(device, _ -> new Life());
    boolean first = life.seen.add(event.kind());
    switch (event.kind()) {
      case CREATED -> {
        once(first, event);
        forbid(life, event, DeviceEvent.Kind.DESTROY_REQUESTED);
        forbid(life, event, DeviceEvent.Kind.OPENS_REFUSED);
        own(device);
        if (nodes.find(device.toString()).map(Node::pointer).orElse(null)
            instanceof Node.Softc softc) {
          life.softc = Optional.of(softc);
        } else {
          wrong(event, "its pointer is not published");
        }
      }
      case OPENED -> {
        require(life, device, DeviceEvent.Kind.CREATED, "OPENED");
        forbid(life, event, DeviceEvent.Kind.OPENS_REFUSED);
        own(device);
        if (life.open) {
          wrong(event, "it is open already");
        }
        if (life.waiting > 0) {
          wrong(event, "it is dying");
        }
        life.open = true;
      }
      case CLOSED -> {
        if (!life.open) {
          wrong(event, "it was not open");
        }
        life.open = false;
      }
      case RENAMED -> require(life, device, DeviceEvent.Kind.CREATED, "RENAMED");
      case MOVED -> {
        require(life, device, DeviceEvent.Kind.CREATED, "MOVED");
        forbid(life, event, DeviceEvent.Kind.OPENS_REFUSED);
      }
      case DESTROY_REQUESTED -> {
        if (busy(device) && event.detail().equals("WAIT")) {
          life.waiting++;
        }
      }
      case DESTROY_CANCELLED -> {
        forbid(life, event, DeviceEvent.Kind.OPENS_REFUSED);
        if (!busy(device)) {
          wrong(event, "it was not busy");
        }
        life.waiting--;
      }
      case OPENS_REFUSED -> {
        once(first, event);
        own(device);
      }
      case HANDLE_REVOKED -> {
        once(first, event);
        require(life, device, DeviceEvent.Kind.OPENS_REFUSED, "HANDLE_REVOKED");
      }
      case NODE_REMOVED -> {
        once(first, event);
        require(life, device, DeviceEvent.Kind.OPENS_REFUSED, "NODE_REMOVED");
        unbound(event);
      }
      case DETACHED -> {
        once(first, event);
        require(life, device, DeviceEvent.Kind.OPENS_REFUSED, "DETACHED");
      }
      case QUIESCED -> {
        once(first, event);
        require(life, device, DeviceEvent.Kind.DETACHED, "QUIESCED");
      }
      case READERS_DRAINED -> {
        once(first, event);
        require(life, device, DeviceEvent.Kind.DETACHED, "READERS_DRAINED");
        unheld(event);
      }
      case RELEASED -> {
        once(first, event);
        require(life, device, DeviceEvent.Kind.READERS_DRAINED, "RELEASED");
        require(life, device, DeviceEvent.Kind.NODE_REMOVED, "RELEASED");
        unheld(event);
      }
      case UNIT_FREED -> {
        once(first, event);
        require(life, device, DeviceEvent.Kind.RELEASED, "UNIT_FREED");
        unbound(event);
        if (!owners.remove(device.toString(), device)) {
          wrong(event, "its unit belongs to " + owners.get(device.toString()));
        }
      }
      case LOST -> {
        if (!failing && !faults.contains(device.toString())) {
          wrong(event, "there was no fault: " + event.detail());
        }
      }
      case OPEN_REFUSED -> {}
    }
  }

  private void own(DeviceId device) {
    DeviceId owner = owners.putIfAbsent(device.toString(), device);
    if (owner != null && !owner.equals(device)) {
      report.accept(text(device) + " lives beside " + text(owner));
    }
  }

  private void unbound(DeviceEvent event) {
    if (nodes.find(event.device().toString()).filter(node -> isOf(node, event)).isPresent()) {
      wrong(event, "its name is still bound");
    }
  }

  private static boolean isOf(Node node, DeviceEvent event) {
    return node.id().equals(event.device());
  }

  private void unheld(DeviceEvent event) {
    holders.forEach((section, device) -> {
      if (device.equals(event.device())) {
        wrong(event, section + " is still inside");
      }
    });
  }

  private void once(boolean first, DeviceEvent event) {
    if (!first) {
      wrong(event, "a second time");
    }
  }

  private void forbid(Life life, DeviceEvent event, DeviceEvent.Kind before) {
    if (life.seen.contains(before)) {
      wrong(event, "after " + before);
    }
  }

  private void require(Life life, DeviceId device, DeviceEvent.Kind before, String what) {
    if (!life.seen.contains(before)) {
      report.accept(text(device) + ": " + what + " without " + before);
    }
  }

  private void wrong(DeviceEvent event, String why) {
    report.accept(text(event.device()) + ": " + event.kind() + " although " + why);
  }

  /** A device with its generation. */
  static String text(DeviceId device) {
    return device + "#" + device.generation();
  }
}
