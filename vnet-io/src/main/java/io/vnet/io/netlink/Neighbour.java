package io.vnet.io.netlink;

import io.vnet.api.address.IpAddress;
import io.vnet.api.address.MacAddress;
import java.util.Objects;
import java.util.Optional;

/**
 * Which hardware address an IP address on the link has (ARP, neighbour discovery).
 *
 * @param interfaceIndex of the interface; 0: not said yet
 * @param address the neighbour's
 * @param mac the neighbour's; empty while it is not known, and of a proxy entry
 * @param state how sure the kernel is
 * @param router whether the neighbour forwards (IPv6)
 * @param proxy whether this host answers in the neighbour's place
 */
public record Neighbour(
    int interfaceIndex,
    IpAddress address,
    Optional<MacAddress> mac,
    State state,
    boolean router,
    boolean proxy) {
  /**
   * How sure the kernel is.
   *
   * <p>Source: linux/neighbour.h, {@code NUD_*}.
   */
  public enum State {
    /** Nothing is known and nobody asked. */
    NONE(0),
    /** Being asked for. */
    INCOMPLETE(0x01),
    /** Confirmed lately. */
    REACHABLE(0x02),
    /** To be confirmed when it is used. */
    STALE(0x04),
    /** Used, and about to be confirmed. */
    DELAY(0x08),
    /** Being confirmed. */
    PROBE(0x10),
    /** Did not answer. */
    FAILED(0x20),
    /** Needs no asking: a group, or a link without ARP. */
    NOARP(0x40),
    /** Set by the administrator, for good. */
    PERMANENT(0x80);

    private final int number;

    State(int number) {
      this.number = number;
    }

    int number() {
      return number;
    }

    /** Of the lowest bit that is set. */
    static State ofNumber(int number) {
      for (State state : values()) {
        if ((state.number & number) != 0) {
          return state;
        }
      }
      return NONE;
    }
  }

  /** Refuses null. */
  public Neighbour {
    Objects.requireNonNull(address, "address");
    Objects.requireNonNull(state, "state");
  }

  /** A permanent entry. */
  public static Neighbour of(IpAddress address, MacAddress mac) {
    return new Neighbour(0, address, Optional.of(mac), State.PERMANENT, false, false);
  }

  /** An address that this host answers for. */
  public static Neighbour proxy(IpAddress address) {
    return new Neighbour(0, address, Optional.empty(), State.PERMANENT, false, true);
  }

  /** On an interface. */
  public Neighbour on(int index) {
    return new Neighbour(index, address, mac, state, router, proxy);
  }

  /** In another state. */
  public Neighbour withState(State newState) {
    return new Neighbour(interfaceIndex, address, mac, newState, router, proxy);
  }

  /** As the kernel's tools write it, without the interface. */
  @Override
  public String toString() {
    return (proxy ? "proxy " : "") + address + mac.map(known -> " lladdr " + known).orElse("");
  }
}
