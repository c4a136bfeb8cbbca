package io.vnet.api.device;

/**
 * One step in the life of a device, in the order in which the steps happened.
 *
 * @param device which device
 * @param kind which step
 * @param nanos {@link System#nanoTime} of the step: differences between events of one process mean
 *     something, the value does not
 * @param detail a few words for people; may be empty
 */
public record DeviceEvent(DeviceId device, Kind kind, long nanos, String detail) {
  /** The steps, in the order of a life that ends by a forced destroy. */
  public enum Kind {
    CREATED,
    OPENED,
    OPEN_REFUSED,
    CLOSED,
    /** The interface has another name. */
    RENAMED,
    /** The interface is in another vnet. */
    MOVED,
    /** A destroy was requested. */
    DESTROY_REQUESTED,
    /** A waiting destroy was withdrawn. */
    DESTROY_CANCELLED,
    /** The sentinel stands where the softc was: opens answer ENXIO from here on. */
    OPENS_REFUSED,
    /** The handle and the network end were revoked: their next call fails. */
    HANDLE_REVOKED,
    /** The name is unbound: an open by name answers ENOENT, and only the unit is still held. */
    NODE_REMOVED,
    /** The interface left its network-stack instance. */
    DETACHED,
    /** No I/O is in flight any more: the descriptor left its poller. */
    QUIESCED,
    /** Each reader that could still hold the old pointer has left its epoch section. */
    READERS_DRAINED,
    /** The descriptor is closed and the memory is back in its pool. */
    RELEASED,
    /** The unit may be handed out again. */
    UNIT_FREED,
    /** The host's interface went away by itself, or the device's actor failed. */
    LOST
  }
}
