package io.vnet.io.netlink;

/** What changed in a namespace's network. Values; safe on any thread. */
public sealed interface NetworkEvent {
  /** A link is new, or something about it is. */
  record LinkChanged(Link link) implements NetworkEvent {}

  /** A link is gone: deleted, or moved to another namespace. */
  record LinkRemoved(Link link) implements NetworkEvent {}

  /** An address is new, or something about it is. */
  record AddressChanged(InterfaceAddress address) implements NetworkEvent {}

  /** An address is gone. */
  record AddressRemoved(InterfaceAddress address) implements NetworkEvent {}

  /** A route is new, or something about it is. */
  record RouteChanged(Route route) implements NetworkEvent {}

  /**
   * A route is gone. The kernel does not tell the IPv4 routes that go with their interface: who
   * keeps routes drops those of an interface that is told down or removed.
   */
  record RouteRemoved(Route route) implements NetworkEvent {}

  /**
   * The state from which the following events lead on: forget what was known before. Events that
   * are in it already may follow once more.
   *
   * @param state all of it
   * @param reason why it is told
   * @param dropped events that this subscriber had not taken and will not get; what the kernel
   *     itself dropped nobody counts
   */
  record Resynced(NetworkSnapshot state, Reason reason, long dropped) implements NetworkEvent {}

  /** Why the whole state is told. */
  enum Reason {
    /** It is the first event of a subscription. */
    SUBSCRIBED,
    /** The kernel had more to tell than its buffer holds (ENOBUFS). */
    KERNEL_OVERRUN,
    /** The subscriber took its events too slowly for its buffer. */
    SLOW_SUBSCRIBER
  }
}
