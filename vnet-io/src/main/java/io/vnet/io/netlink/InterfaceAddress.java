package io.vnet.io.netlink;

import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import java.util.Objects;
import java.util.Optional;

/**
 * An address of an interface.
 *
 * @param interfaceIndex of the interface; 0: not said yet
 * @param prefix the address with the length of its network
 * @param peer the other end of a point-to-point link: the network is the peer's then
 * @param scope how far it is valid
 * @param noPrefixRoute whether the kernel makes no route to its network
 * @param noDad whether duplicates of an IPv6 address are not looked for
 * @param state what only the kernel says
 */
public record InterfaceAddress(
    int interfaceIndex,
    IpPrefix prefix,
    Optional<IpAddress> peer,
    Scope scope,
    boolean noPrefixRoute,
    boolean noDad,
    State state) {
  /**
   * What the kernel says about an address; ignored when one is added.
   *
   * @param permanent not learnt from a router, without a lifetime
   * @param tentative an IPv6 address that may not be used yet
   * @param duplicate an IPv6 address that somebody else has
   * @param kernelMade a link-local IPv6 address that the kernel made by itself; known since Linux
   *     5.18
   */
  public record State(boolean permanent, boolean tentative, boolean duplicate, boolean kernelMade) {
    static final State NEW = new State(true, false, false, false);
  }

  /** Checks that the peer is of the same family. */
  public InterfaceAddress {
    Objects.requireNonNull(scope, "scope");
    Objects.requireNonNull(state, "state");
    if (peer.isPresent() && peer.get().v6() != prefix.address().v6()) {
      throw new IllegalArgumentException(
          "peer " + peer.get() + " is not of the family of " + prefix);
    }
  }

  /** A permanent one; of the loopback's network for the host, else for everywhere. */
  public static InterfaceAddress of(IpPrefix prefix) {
    IpAddress address = prefix.address();
    boolean loopback = !address.v6() && address.low() >>> 24 == 127;
    return new InterfaceAddress(
        0,
        prefix,
        Optional.empty(),
        loopback ? Scope.HOST : Scope.UNIVERSE,
        false,
        false,
        State.NEW);
  }

  /** On an interface. */
  public InterfaceAddress on(int index) {
    return new InterfaceAddress(index, prefix, peer, scope, noPrefixRoute, noDad, state);
  }

  /** With another end. */
  public InterfaceAddress withPeer(IpAddress newPeer) {
    return new InterfaceAddress(
        interfaceIndex, prefix, Optional.of(newPeer), scope, noPrefixRoute, noDad, state);
  }

  /** With another scope; an IPv6 address's scope is in the address. */
  public InterfaceAddress withScope(Scope newScope) {
    return new InterfaceAddress(
        interfaceIndex, prefix, peer, newScope, noPrefixRoute, noDad, state);
  }

  /** Without a route to its network. */
  public InterfaceAddress withoutPrefixRoute() {
    return new InterfaceAddress(interfaceIndex, prefix, peer, scope, true, noDad, state);
  }

  /** Without looking for duplicates: usable at once. */
  public InterfaceAddress withoutDad() {
    return new InterfaceAddress(interfaceIndex, prefix, peer, scope, noPrefixRoute, true, state);
  }

  /** Whether both are one entry of the kernel's. */
  boolean isSameEntry(InterfaceAddress other) {
    return interfaceIndex == other.interfaceIndex
        && prefix.equals(other.prefix)
        && peer.equals(other.peer);
  }

  /** As the kernel's tools write it, without the interface. */
  @Override
  public String toString() {
    return prefix + peer.map(other -> " peer " + other).orElse("");
  }
}
