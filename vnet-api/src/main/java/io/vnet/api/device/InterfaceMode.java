package io.vnet.api.device;

/**
 * How a tun's interface presents itself: FreeBSD's TUNSIFMODE.
 *
 * @param kind point-to-point or broadcast
 * @param multicast whether it carries multicast
 */
public record InterfaceMode(Kind kind, boolean multicast) {
  /** Exactly one of the two. */
  public enum Kind {
    POINT_TO_POINT,
    BROADCAST
  }
}
