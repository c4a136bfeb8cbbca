package io.vnet.actors.device;

import akka.actor.typed.ActorRef;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.device.DeviceId;
import io.vnet.api.device.DeviceInfo;
import java.util.Optional;

/**
 * The character device of one device: a name in the {@link NodeTable} and a pointer to the softc.
 *
 * <p><b>Who writes:</b> the softc's actor, the pointer and the picture. <b>Who reads:</b> any
 * thread; the pointer only inside an epoch section, in which the softc may be told something: its
 * actor stops only after a grace period that began after the sentinel was stored.
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

  private final DeviceId id;
  private volatile Pointer pointer = new Uninitialised();
  private volatile Optional<DeviceInfo> info = Optional.empty();

  Node(DeviceId id) {
    this.id = id;
  }

  /** Whose node this is. */
  public DeviceId id() {
    return id;
  }

  /** The pointer, to be used inside the epoch section in which it was loaded. */
  public Pointer pointer() {
    return pointer;
  }

  /** How the device looked after its last change; empty until it is created. */
  public Optional<DeviceInfo> info() {
    return info;
  }

  void publish(Pointer newPointer) {
    pointer = newPointer;
  }

  void picture(DeviceInfo newInfo) {
    info = Optional.of(newInfo);
  }
}
