package io.vnet.actors.device;

import akka.actor.typed.ActorRef;
import io.vnet.actors.core.SoftcState;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.device.DeviceId;
import io.vnet.api.device.DeviceInfo;
import io.vnet.api.device.LinkState;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The character device of one device: its names in the {@link NodeTable}, a pointer to the softc,
 * and what others may know of the softc without asking it.
 *
 * <p><b>Who writes:</b> the softc's actor, the pointer and the state; its DeviceActor the alias;
 * the VnetActor that has the interface its name. <b>Who reads:</b> any thread; the pointer only
 * inside an epoch section, in which the softc may be told something: its actor stops only after a
 * grace period that began after the sentinel was stored.
 */
public final class Node {
  /** What the pointer can be. */
  public sealed interface Pointer {}

  /** Not initialised: creation is under way. */
  record Uninitialised() implements Pointer {}

  /**
   * The live softc.
   *
   * @param softc its actor
   * @param backend what carries its packets
   */
  public record Softc(ActorRef<SoftcActor.Command> softc, DeviceBackend backend)
      implements Pointer {}

  /** Stands where the softc was; not null, so that "never initialised" stays another thing. */
  record Sentinel() implements Pointer {}

  private static final Uninitialised UNINITIALISED = new Uninitialised();

  private final DeviceId id;
  private final String name;
  private volatile Pointer pointer = UNINITIALISED;
  private volatile @Nullable SoftcState state;
  private volatile String interfaceName;
  private volatile @Nullable String alias;
  private volatile String vnet = "";
  private volatile String homeVnet = "";
  private volatile boolean hostBacked;
  private LinkState linkTold = LinkState.UNKNOWN;

  Node(DeviceId id) {
    this.id = id;
    this.name = id.toString();
    this.interfaceName = name;
  }

  /** Whether this is the node's own name, not an alias. */
  boolean hasOwnName(String other) {
    return name.equals(other);
  }

  /** Its own name: {@code tun3}. */
  String name() {
    return name;
  }

  /** Whose node this is. */
  public DeviceId id() {
    return id;
  }

  /** The pointer, to be used inside the epoch section in which it was loaded. */
  public Pointer pointer() {
    return pointer;
  }

  /** Whether the creation is still under way. */
  public boolean isUninitialised() {
    return pointer instanceof Uninitialised;
  }

  /** The present name of the interface. */
  public String interfaceName() {
    return interfaceName;
  }

  /** The vnet that has the interface now; empty before it was born. */
  public String vnet() {
    return vnet;
  }

  /** The softc's state after its last event; empty until it is created. */
  public Optional<SoftcState> state() {
    return Optional.ofNullable(state);
  }

  /** How the device looked after its last change; empty until it is created. */
  public Optional<DeviceInfo> info() {
    SoftcState seen = state;
    return seen == null
        ? Optional.empty()
        : Optional.of(
            new DeviceInfo(
                id,
                interfaceName,
                Optional.ofNullable(alias),
                vnet,
                homeVnet,
                shown(seen),
                seen.transientDevice(),
                hostBacked,
                seen.network()));
  }

  private static DeviceInfo.State shown(SoftcState state) {
    return switch (state.phase()) {
      case CREATING -> DeviceInfo.State.CREATING;
      case IDLE -> state.dying() ? DeviceInfo.State.DYING : DeviceInfo.State.IDLE;
      case OPEN -> state.dying() ? DeviceInfo.State.DYING : DeviceInfo.State.OPEN;
      case CLOSING -> state.dying() ? DeviceInfo.State.DYING : DeviceInfo.State.CLOSING;
      case TEARDOWN, GONE -> DeviceInfo.State.TEARDOWN;
    };
  }

  void born(String inVnet, boolean onHost) {
    vnet = inVnet;
    homeVnet = inVnet;
    hostBacked = onHost;
  }

  void publish(Pointer newPointer) {
    pointer = newPointer;
  }

  void publishState(SoftcState newState) {
    state = newState;
  }

  void publishInterfaceName(String newName) {
    interfaceName = newName;
  }

  void publishVnet(String newVnet) {
    vnet = newVnet;
  }

  void publishAlias(@Nullable String newAlias) {
    alias = newAlias;
  }

  /** The link's state if it is another than was told last. In the event log's lane only. */
  Optional<LinkState> linkToTell() {
    SoftcState seen = state;
    if (seen == null || seen.network().link() == linkTold) {
      return Optional.empty();
    }
    linkTold = seen.network().link();
    return Optional.of(linkTold);
  }
}
